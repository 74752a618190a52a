import { describe, expect, test } from 'vitest';
import { encodeDocument, decodeValue } from '../../bson/codec.ts';
import { indexField, KeyExtractor } from './index_key.ts';

const NO_SUFFIX = new Uint8Array(0);

/** The keys of a document, as the values behind them. */
function keysOf(document: object, paths: readonly string[], isSparse = false): unknown[][] {
  const extractor = new KeyExtractor(
    paths.map((path) => indexField(path, false)),
    isSparse,
  );
  const bytes = encodeDocument(document);
  const { keys } = extractor.extract(bytes, NO_SUFFIX);
  return keys.map((key) => extractor.valuesOf(bytes, NO_SUFFIX, key).map((value) => decodeValue(value)));
}

describe('the keys of an index', () => {
  test('are one per document without arrays, with null for what is missing', () => {
    expect(keysOf({ a: 1, b: { c: 'x' } }, ['a', 'b.c'])).toEqual([[1, 'x']]);
    expect(keysOf({ a: 1 }, ['a', 'b.c'])).toEqual([[1, null]]);
    expect(keysOf({ b: 5 }, ['b.c'])).toEqual([[null]]);
  });

  test('are one per different element of an array in their order, and undefined for an empty one', () => {
    expect(keysOf({ a: [1, 2, 1] }, ['a'])).toEqual([[1], [2]]);
    expect(keysOf({ a: [[1, 2], 3] }, ['a'])).toEqual([[3], [[1, 2]]]);
    expect(keysOf({ a: [] }, ['a'])).toEqual([[undefined]]);
    expect(keysOf({ a: [] }, ['a.b'])).toEqual([[null]]);
  });

  test('go through arrays of documents, pairing the fields of one element', () => {
    expect(keysOf({ a: [{ b: 1, c: 2 }, { b: 3 }, 7] }, ['a.b', 'a.c'])).toEqual([
      [null, null],
      [1, 2],
      [3, null],
    ]);
    expect(keysOf({ a: [{ b: [1, 2] }, { b: 3 }] }, ['a.b'])).toEqual([[1], [2], [3]]);
  });

  test('take a number in a path for a place in an array', () => {
    expect(keysOf({ a: [{ b: 1 }, { b: 2 }] }, ['a.1.b'])).toEqual([[2]]);
    expect(keysOf({ a: [{ b: 1 }] }, ['a.1.b'])).toEqual([[null]]);
    expect(keysOf({ a: { 1: { b: 5 } } }, ['a.1.b'])).toEqual([[5]]);
    expect(() => keysOf({ a: [{ 1: 5 }, 7] }, ['a.1'])).toThrow('Ambiguous field name');
  });

  test('cannot be made of two arrays side by side', () => {
    expect(() => keysOf({ a: [1], b: [2] }, ['a', 'b'])).toThrow('cannot index parallel arrays [b] [a]');
  });

  test('of a sparse index are none when all its fields are missing', () => {
    expect(keysOf({ c: 1 }, ['a', 'b'], true)).toEqual([]);
    expect(keysOf({ b: null }, ['a', 'b'], true)).toEqual([[null, null]]);
  });
});
