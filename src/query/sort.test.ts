import { Double, Long } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { compareBytes } from '../bson/bytes.ts';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import { compileSort } from './sort.ts';
import { Sorter } from './sort/sorter.ts';

function sorter(spec: object, limit?: number): Sorter {
  const compiled = compileSort(encodeDocument(spec));
  if (compiled === undefined) throw new Error('an empty sort');
  return new Sorter(compiled, limit);
}

function drain(source: Sorter): Uint8Array[] {
  const documents: Uint8Array[] = [];
  for (let document = source.next(); document !== undefined; document = source.next()) documents.push(document);
  return documents;
}

/** The `_id`s in order. */
function sorted(spec: object, documents: readonly object[], limit?: number): unknown[] {
  const target = sorter(spec, limit);
  for (const document of documents) target.add(encodeDocument(document));
  return drain(target).map((document) => decodeDocument(document)._id);
}

function refusal(spec: object): number {
  try {
    compileSort(encodeDocument(spec));
  } catch (error) {
    if (error instanceof CommandError) return error.code;
    throw error;
  }
  return 0;
}

describe('sorting', () => {
  test('follows the order of types, and equal keys keep their order', () => {
    const documents = [
      { _id: 1, a: 'x' },
      { _id: 2, a: 2 },
      { _id: 3 },
      { _id: 4, a: new Double(2) },
      { _id: 5, a: [] },
    ];
    expect(sorted({ a: 1 }, documents)).toEqual([5, 3, 2, 4, 1]);
    expect(sorted({ a: -1 }, documents)).toEqual([1, 2, 4, 3, 5]);
  });

  test('takes the smallest element of an array, or descending the largest', () => {
    const documents = [
      { _id: 1, a: [5, 1] },
      { _id: 2, a: 3 },
      { _id: 3, a: [4] },
    ];
    expect(sorted({ a: 1 }, documents)).toEqual([1, 2, 3]);
    expect(sorted({ a: -1 }, documents)).toEqual([1, 3, 2]);
  });

  test('takes the fields of a compound sort from one element', () => {
    const documents = [
      {
        _id: 1,
        a: [
          { b: 1, c: 9 },
          { b: 2, c: 1 },
        ],
      },
      { _id: 2, a: [{ b: 1, c: 5 }] },
    ];
    expect(sorted({ 'a.b': 1, 'a.c': 1 }, documents)).toEqual([2, 1]);
  });

  test('refuses arrays in parallel', () => {
    expect(() => sorted({ a: 1, b: 1 }, [{ _id: 1, a: [1], b: [1] }])).toThrow(
      'cannot sort with keys that are parallel arrays',
    );
  });

  test('keeps only the first few when there is a limit', () => {
    const values = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 10 }), fc.constantFrom(1, -1), (list, limit, direction) => {
        const documents = list.map((a, i) => ({ _id: i, a }));
        const all = sorted({ a: direction }, documents);
        expect(sorted({ a: direction }, documents, limit)).toEqual(all.slice(0, limit));
        const expected = documents.toSorted((x, y) => (x.a - y.a) * direction || x._id - y._id);
        expect(all).toEqual(expected.map(({ _id }) => _id));
      }),
    );
  });

  test('merges many runs', () => {
    const target = sorter({ n: 1 });
    const count = 10_000;
    for (let i = 0; i < count; i++) target.add(encodeDocument({ n: (i * 7919) % count }));
    const order = drain(target).map((document) => decodeDocument(document).n);
    expect(order).toEqual(Array.from({ length: count }, (_, i) => i));
  });

  test('keys order as values do', () => {
    const spec = compileSort(encodeDocument({ a: 1 }));
    const key = (a: unknown): Uint8Array => spec?.key(encodeDocument({ a }), 0) ?? new Uint8Array(0);
    expect(compareBytes(key(1), key(new Double(1)))).toBe(0);
    expect(compareBytes(key(Long.MAX_VALUE), key(2 ** 63))).toBeLessThan(0);
  });

  test('an empty sort is none, and bad ones are refused', () => {
    expect(compileSort(encodeDocument({}))).toBeUndefined();
    expect([{ a: 0 }, { a: 'asc' }, { '': 1 }, { 'a.': 1 }, { $a: 1 }].map(refusal)).toEqual([
      15975, 15974, 40352, 40353, 16410,
    ]);
    expect(refusal(Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`f${i}`, 1])))).toBe(13103);
  });
});
