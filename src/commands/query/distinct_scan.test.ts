/** Reading one entry of an index for each value gives what reading every document gives. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

function documentOf(_id: number): object {
  const values = [null, 1, 2.5, 'x', [1, 2], { y: 1 }];
  return {
    _id,
    ...(_id % 9 === 4 ? {} : { a: _id % 13 === 0 ? null : (_id * 7) % 5 }),
    b: _id % 4 === 0 ? 0.5 : _id % 3,
    c: _id,
    n: { x: (_id * 3) % 4 },
    m: values[_id % values.length],
  };
}

beforeAll(async () => {
  db = await TestCommands.open();
  const documents = Array.from({ length: 300 }, (_, i) => documentOf(i));
  for (const name of ['plain', 'indexed']) await db.run({ insert: name, documents });
  const indexes = [
    { key: { a: 1, b: -1, c: 1 }, name: 'abc' },
    { key: { b: 1, m: 1 }, name: 'bm' },
    { key: { 'n.x': -1, c: 1 }, name: 'nc' },
    { key: { m: 1 }, name: 'm' },
    { key: { b: 1, a: 1 }, name: 'ba', sparse: true },
  ];
  await db.run({ createIndexes: 'indexed', indexes });
  await db.member.checkpoint();
  for (const name of ['plain', 'indexed'])
    await db.run({ delete: name, deletes: [{ q: { c: { $lt: 40 } }, limit: 0 }] });
});

async function distinctIn(collection: string, key: string, query: object): Promise<unknown[]> {
  const { values } = await db.run({ distinct: collection, key, query });
  return (values as unknown[]).map((value) => JSON.stringify(value)).toSorted((a, b) => a.localeCompare(b));
}

async function resultsIn(collection: string, pipeline: object[]): Promise<unknown[]> {
  const { cursor } = await db.run({ aggregate: collection, pipeline, cursor: { batchSize: 1000 } });
  const batch = (cursor as { firstBatch: unknown[] }).firstBatch;
  return batch.map((one) => JSON.stringify(one)).toSorted((a, b) => a.localeCompare(b));
}

const key = fc.constantFrom('a', 'b', 'c', 'n.x', 'n', 'm', 'z');
const condition = fc.constantFrom(
  {},
  { a: { $gt: 1 } },
  { a: 2 },
  { a: { $in: [1, 3] }, c: { $lt: 200 } },
  { b: { $gte: 1 } },
  { 'n.x': { $lt: 3 }, c: { $gt: 100 } },
  { a: null },
  { a: { $gt: 0 }, b: 2 },
);

describe('distinct by an index', () => {
  test('gives the values that reading documents gives', async () => {
    await fc.assert(
      fc.asyncProperty(key, condition, async (path, query) => {
        expect(await distinctIn('indexed', path, query)).toEqual(await distinctIn('plain', path, query));
      }),
      { numRuns: 80 },
    );
  });

  test('reads one entry for each value', async () => {
    const reply = await db.run({
      explain: { distinct: 'indexed', key: 'b', query: { a: 2 } },
      verbosity: 'executionStats',
    });
    expect(reply).toMatchObject({
      queryPlanner: {
        winningPlan: { stage: 'PROJECTION_COVERED', inputStage: { stage: 'DISTINCT_SCAN', indexName: 'abc' } },
      },
      executionStats: { totalKeysExamined: 4 },
    });
    expect(stageOf(await db.run({ explain: { distinct: 'indexed', key: 'm' } }))).toBe('COLLSCAN');
    expect(stageOf(await db.run({ explain: { distinct: 'indexed', key: 'b', query: { n: 1, a: 2 } } }))).toBe('FETCH');
  });
});

function stageOf(reply: Reply): unknown {
  return (reply['queryPlanner'] as { winningPlan: Reply }).winningPlan['stage'];
}

describe('a group of one document by an index', () => {
  const accumulator = fc.constantFrom('$first', '$last');
  const field = fc.constantFrom('$c', '$b', '$n', '$$ROOT');
  const sort = fc.constantFrom<[string, object]>(
    ['a', { a: 1, b: -1, c: 1 }],
    ['a', { a: -1, b: 1, c: -1 }],
    ['n.x', { 'n.x': 1, c: -1 }],
    ['n.x', { 'n.x': -1, c: 1 }],
    ['b', { b: 1, c: 1 }],
  );

  test('gives what grouping all documents gives', async () => {
    await fc.assert(
      fc.asyncProperty(sort, accumulator, field, condition, async ([path, $sort], operator, value, $match) => {
        const $group = { _id: `$${path}`, v: { [operator]: value } };
        const pipeline = [{ $match }, { $sort }, { $group }];
        expect(await resultsIn('indexed', pipeline)).toEqual(await resultsIn('plain', pipeline));
      }),
      { numRuns: 80 },
    );
  });

  test('is shown as the making of a document of one', async () => {
    const pipeline = [{ $sort: { a: 1, b: -1, c: 1 } }, { $group: { _id: '$a', v: { $first: '$c' } } }];
    const reply = await db.run({
      explain: { aggregate: 'indexed', pipeline, cursor: {} },
      verbosity: 'executionStats',
    });
    expect(reply['stages']).toMatchObject([
      { $cursor: { queryPlanner: { winningPlan: { inputStage: { stage: 'DISTINCT_SCAN' } } } }, nReturned: 6 },
      { $groupByDistinctScan: { newRoot: { _id: '$a', v: '$c' } }, nReturned: 6 },
    ]);
  });

  test('needs all documents for other accumulators, and where an array may be', async () => {
    for (const $group of [{ _id: '$a', v: { $sum: '$c' } }, { _id: '$m' }, { _id: { x: '$a', y: '$b' } }]) {
      const { stages } = await db.run({ explain: { aggregate: 'indexed', pipeline: [{ $group }], cursor: {} } });
      expect(stages).toHaveProperty('1.$group');
    }
  });
});
