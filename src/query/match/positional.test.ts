import { serialize } from 'bson';
import { expect, test } from 'vitest';
import { compileFilter } from '../matcher.ts';
import { matchedArrayIndex } from './positional.ts';

function indexIn(document: object, filter: object): number | undefined {
  return matchedArrayIndex(compileFilter(serialize(filter)).predicate, serialize(document));
}

test('the last condition that met an array decides, ordered by kind and then by path', () => {
  const document = { a: [1, 6, 9], b: [9, 9, 1] };
  expect(indexIn(document, { a: { $gt: 5, $lt: 7 } })).toBe(1);
  expect(indexIn(document, { a: { $lt: 7, $gt: 5 } })).toBe(1);
  expect(indexIn(document, { b: 1, a: 9 })).toBe(2);
  expect(indexIn(document, { a: { $gt: 5 }, b: 1 })).toBe(1);
});

test('there is none where no condition met an array', () => {
  expect(indexIn({ a: 1 }, { a: 1 })).toBeUndefined();
  expect(indexIn({ a: [1], b: 2 }, { b: 2 })).toBeUndefined();
});

test('alternatives tell no item, unless they are equalities on one path', () => {
  const document = { a: [1, 2, 3], b: [4, 5, 6] };
  expect(indexIn(document, { $or: [{ a: 1 }, { b: 5 }] })).toBeUndefined();
  expect(indexIn(document, { $or: [{ a: { $gt: 1 } }, { a: 1 }] })).toBeUndefined();
  expect(indexIn(document, { $or: [{ a: 3 }, { a: 2 }] })).toBe(1);
  expect(indexIn(document, { $or: [{ b: 6 }] })).toBe(2);
  expect(indexIn(document, { $and: [{ a: 2 }, { $or: [{ b: 6 }] }] })).toBe(2);
  expect(indexIn(document, { $and: [{ $or: [{ b: 6 }, { b: 5 }] }, { a: 1 }] })).toBe(1);
});

test('$exists tells no item of the array that it asks for, but of one on the way', () => {
  expect(indexIn({ a: [1, 2] }, { a: { $exists: true } })).toBeUndefined();
  expect(indexIn({ a: [{ c: 1 }, { b: 1 }] }, { 'a.b': { $exists: true } })).toBe(1);
});

test('an item that the path names by its index is not one that was found', () => {
  expect(indexIn({ a: [0] }, { 'a.0': 0 })).toBeUndefined();
  expect(indexIn({ a: [{ b: 0 }] }, { 'a.0.b': 0 })).toBeUndefined();
  expect(indexIn({ a: [{ b: [0] }] }, { 'a.0.b.0': 0 })).toBeUndefined();
  expect(indexIn({ a: [{ b: [0, 1] }] }, { 'a.0.b': 1 })).toBe(1);
  expect(indexIn({ a: [[0, 1]] }, { 'a.0': 1 })).toBe(1);
  expect(indexIn({ a: [{ b: [7] }, { b: [0, 1] }] }, { 'a.b.1': 1 })).toBe(1);
  expect(indexIn({ a: [0, 1], b: [0] }, { a: 1, 'b.0': 0 })).toBe(1);
});
