import { describe, expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { compileFilter } from '../matcher.ts';
import { describeQuery } from './describe_predicate.ts';

const textOf = (filter: Record<string, unknown>): string =>
  describeQuery('db.c', compileFilter(encodeDocument(filter)).predicate, { sort: encodeDocument({ a: 1 }) });

describe('a query as errors tell it', () => {
  test('is a tree of conditions with its sort and its projection', () => {
    expect(textOf({})).toBe('ns=db.cTree: $and\nSort: { a: 1 }\nProj: {}\n');
    expect(textOf({ a: 1 })).toBe('ns=db.cTree: a $eq 1\nSort: { a: 1 }\nProj: {}\n');
    expect(textOf({ a: { $exists: false } })).toContain('Tree: $not\n    a exists\nSort');
    expect(textOf({ a: { $in: [1, 'x'] }, b: 2 })).toContain('Tree: $and\n    a $in [ 1 "x" ]\n    b $eq 2\n');
  });
});
