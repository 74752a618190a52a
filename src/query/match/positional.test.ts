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
