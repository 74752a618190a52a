import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import { compileFilter } from './matcher.ts';
import { compileProjection } from './projection.ts';

const DOCUMENT = { _id: 1, a: { b: 1, c: 2 }, l: [{ b: 1, c: 2 }, 5, [{ b: 3, c: 4 }]], s: 'x' };

function projected(spec: object, document: object = DOCUMENT): unknown {
  const projection = compileProjection(encodeDocument(spec));
  return projection === undefined ? 'as it is' : decodeDocument(projection.apply(encodeDocument(document), 0));
}

function refusal(spec: object): string {
  try {
    compileProjection(encodeDocument(spec));
  } catch (error) {
    if (error instanceof CommandError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('projections', () => {
  test('an empty one keeps documents as they are', () => {
    expect(projected({})).toBe('as it is');
  });

  test('keep what is named, and _id', () => {
    expect(projected({ s: 1 })).toEqual({ _id: 1, s: 'x' });
    expect(projected({ s: true, _id: 0 })).toEqual({ s: 'x' });
    expect(projected({ _id: 1 })).toEqual({ _id: 1 });
    expect(projected({ 'a.b': 1, 's.t': 1 })).toEqual({ _id: 1, a: { b: 1 } });
  });

  test('name very many fields', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `f${i}`);
    const spec = (flag: unknown): object => Object.fromEntries(names.map((name) => [name, flag]));
    const document = { ...spec('x'), a: 1 };
    expect(projected({ _id: 0, ...spec(1) }, document)).toEqual(spec('x'));
    expect(projected(spec(0), document)).toEqual({ a: 1 });
    expect(projected({ _id: 0, ...spec({ $literal: 2 }) }, document)).toEqual(spec(2));
  });

  test('drop what is named', () => {
    expect(projected({ a: 0, l: 0 })).toEqual({ _id: 1, s: 'x' });
    expect(projected({ _id: 0, a: 0, l: 0 })).toEqual({ s: 'x' });
    expect(projected({ _id: 0 }, { _id: 1, x: 1 })).toEqual({ x: 1 });
    expect(projected({ a: { b: 0 }, l: 0, 's.t': 0 })).toEqual({ _id: 1, a: { c: 2 }, s: 'x' });
  });

  test('reach the documents in arrays, however deep', () => {
    expect(projected({ 'l.b': 1 })).toEqual({ _id: 1, l: [{ b: 1 }, [{ b: 3 }]] });
    expect(projected({ 'l.b': 0, a: 0, s: 0 })).toEqual({ _id: 1, l: [{ c: 2 }, 5, [{ c: 4 }]] });
  });

  test('compute fields, which come last', () => {
    expect(projected({ s: 1, x: '$a.b', y: { $literal: 5 }, z: '$missing', _id: 0 })).toEqual({ s: 'x', x: 1, y: 5 });
    expect(projected({ x: '$l.b' })).toEqual({ _id: 1, x: [1] });
  });

  test('compute fields below others, in documents and in the items of arrays', () => {
    expect(projected({ 'a.n': '$s', 'a.c': 1 })).toEqual({ _id: 1, a: { c: 2, n: 'x' } });
    expect(projected({ 'l.n': { $literal: 1 } })).toEqual({ _id: 1, l: [{ n: 1 }, { n: 1 }, [{ n: 1 }]] });
    expect(projected({ 'z.n': { $literal: 1 } })).toEqual({ _id: 1, z: { n: 1 } });
  });

  test('cut arrays, and find items in them', () => {
    expect(projected({ l: { $slice: 1 }, a: 1 })).toEqual({ _id: 1, a: { b: 1, c: 2 }, l: [{ b: 1, c: 2 }] });
    expect(projected({ l: { $slice: [-2, 1] }, a: 0, s: 0 })).toEqual({ _id: 1, l: [5] });
    expect(projected({ l: { $elemMatch: { b: 1 } } })).toEqual({ _id: 1, l: [{ b: 1, c: 2 }] });
    expect(projected({ l: { $elemMatch: { b: 9 } } })).toEqual({ _id: 1 });
  });

  test('keep the item that the filter found', () => {
    const filter = compileFilter(encodeDocument({ 'l.b': 2 }));
    const projection = compileProjection(encodeDocument({ 'l.$': 1 }), filter);
    const document = encodeDocument({ _id: 1, l: [{ b: 1 }, { b: 2 }] });
    expect(projection && decodeDocument(projection.apply(document, 0))).toEqual({ _id: 1, l: [{ b: 2 }] });
    expect(() => projection?.apply(encodeDocument({ l: 5 }), 0)).not.toThrow();
    expect(() => projection?.apply(encodeDocument({ l: [{ b: 1 }] }), 0)).toThrow("couldn't find a matching element");
  });

  test('read a document from the middle of a buffer', () => {
    const bytes = encodeDocument(DOCUMENT);
    const buffer = new Uint8Array(bytes.length + 8).fill(0xff);
    buffer.set(bytes, 3);
    const spec = encodeDocument({ s: 1, x: '$a.b' });
    expect(compileProjection(spec)?.apply(buffer, 3)).toEqual(compileProjection(spec)?.apply(bytes, 0));
  });

  test.each([
    [{ a: 1, b: 0 }, '31254 Cannot do exclusion on field b in inclusion projection'],
    [{ a: 0, b: 1 }, '31253 Cannot do inclusion on field b in exclusion projection'],
    [{ a: 1, 'a.b': 1 }, '31249 Path collision at a.b remaining portion b'],
    [{ 'a.b': 1, a: 1 }, '31250 Path collision at a'],
    [{ a: 0, x: '$b' }, '31310 Cannot use an expression x: "$b" in an exclusion projection'],
    [{ 'a.b': { $elemMatch: { c: 1 } } }, '31275 Cannot use $elemMatch projection on a nested field.'],
    [{ 'a.$': 0 }, '31395 positional projection cannot be used with exclusion'],
    [{ 'a.$': 'x' }, '31308 positional projection cannot be used with a literal'],
    [{ 'a.$': { $slice: 1 } }, '31271 positional projection cannot be used with an expression or sub object'],
    [{ '.$': 1 }, '5392900 positional projection needs a path'],
    [{ 'a.$': 1, 'b.$': 1 }, '31276 Cannot specify more than one positional projection per query.'],
    [{ a: { $foo: 1 } }, '31325 Unknown expression $foo'],
    [{ a: {} }, '51270 An empty sub-projection is not a valid value. Found empty object at path a'],
  ])('refuse %j', (spec, message) => {
    expect(refusal(spec)).toBe(message);
  });
});
