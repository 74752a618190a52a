import { describe, expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { compileFilter } from '../../query/matcher.ts';
import { TestData } from '../test_support.ts';
import type { Plan } from './access.ts';
import { solutionsOf } from './solutions.ts';

async function plansOf(filter: object, ...keys: object[]): Promise<readonly Plan[]> {
  const data = await TestData.open();
  const collection = data.collection('db.c');
  for (const key of keys) data.index('db.c', { ...key });
  return solutionsOf({
    collection,
    filter: compileFilter(encodeDocument(filter)),
    sort: undefined,
    at: data.oplog.lastWritten.ts,
    only: undefined,
    allowed: undefined,
  });
}

function rangesOf({ access }: Plan): unknown {
  if (access.kind === 'union')
    return access.branches.map((branch) => rangesOf({ ...branch, isSorted: true, isExact: true }));
  return access.kind === 'index' ? access.ranges : access.kind;
}

const MANY = Array.from({ length: 20_000 }, (_, i) => i);

describe('plans of very many conditions', () => {
  test('very many values of one field are looked for as a list of them is', async () => {
    const [alternatives] = await plansOf({ $or: MANY.map((a) => ({ a })) }, { a: 1 });
    const [listed] = await plansOf({ a: { $in: MANY } }, { a: 1 });
    expect(rangesOf(alternatives)).toEqual(rangesOf(listed));
  });

  test('very many values of several fields, and what else there is, find what they match', async () => {
    const data = await TestData.open();
    data.index('db.c', { a: 1 });
    data.index('db.c', { b: 1 });
    const documents = [
      { a: 1 },
      { b: 250 },
      { a: 'x' },
      { a: null, b: -3 },
      { b: 5000 },
      { a: [7, 'y'] },
      { a: /z/, b: 1e9 },
    ];
    for (const [i, document] of documents.entries()) data.insert('db.c', { _id: i, ...document });
    const $or = [
      ...MANY.slice(0, 300).flatMap((i) => [{ a: i }, { b: i }]),
      { b: { $gt: 4999, $lt: 6000 } },
      { a: { $eq: /z/ } },
    ];
    const ids = (filter: object): unknown[] =>
      data.find('db.c', { ...filter }, { sort: { _id: 1 } }).map(({ _id }) => _id);
    expect(ids({ $or })).toEqual([0, 1, 4, 5, 6]);
    expect(ids({ $or: [...$or, { a: null, b: -3 }] })).toEqual([0, 1, 3, 4, 5, 6]);
    expect(ids({ $or: [...$or, { a: null }] })).toEqual([0, 1, 3, 4, 5, 6]);
  });

  test('branches of one index are joined where the first of them stood, others stay', async () => {
    const $or = [{ a: 1 }, { b: 1 }, { a: { $gt: 5 } }, { b: 2, x: 1 }, { b: 3 }];
    const [{ access }] = await plansOf({ $or }, { a: 1 }, { b: 1 });
    const shown = access.kind === 'union' ? access.branches : [];
    const counts = shown.map((branch) => (branch.access.kind === 'index' ? branch.access.ranges.length : 0));
    expect(counts).toEqual([2, 2, 1]);
    expect(shown.map(({ residual }) => residual !== undefined)).toEqual([false, false, true]);
  });

  test('a partial index serves a branch that with the rest of the filter implies its filter', async () => {
    const data = await TestData.open();
    const collection = data.collection('db.c');
    data.index('db.c', { a: 1 }, { partialFilterExpression: { x: 1, y: 1 } });
    const count = (filter: object): number =>
      solutionsOf({
        collection,
        filter: compileFilter(encodeDocument(filter)),
        sort: undefined,
        at: data.oplog.lastWritten.ts,
        only: undefined,
        allowed: undefined,
      }).length;
    expect(
      count({
        x: 1,
        $or: [
          { a: 1, y: 1 },
          { a: 2, y: 1 },
        ],
      }),
    ).toBe(1);
    expect(count({ x: 1, $or: [{ a: 1, y: 1 }, { a: 2 }] })).toBe(0);
  });

  test('very many values that are left out', async () => {
    const [plan] = await plansOf({ $and: MANY.map((a) => ({ a: { $ne: a } })) }, { a: 1 });
    expect(plan.access.kind === 'index' && plan.access.ranges.length).toBe(MANY.length + 1);
  });

  test('no more plans are made than would be tried', async () => {
    const fields = Object.fromEntries(MANY.map((i) => [`f${i}`, i]));
    expect(await plansOf(fields, { '$**': 1 })).toHaveLength(64);
    expect(await plansOf({ $and: MANY.map((i) => ({ $or: [{ a: i }, { a: -i }] })) }, { a: 1 })).toHaveLength(64);
  });
});
