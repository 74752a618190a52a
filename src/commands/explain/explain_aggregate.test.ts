import { beforeAll, describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeAll(async () => {
  db = await TestCommands.open();
  const documents = Array.from({ length: 200 }, (_, i) => ({ _id: i, a: i % 10, b: i, tags: [1, 2] }));
  await db.run({ insert: 'c', documents });
  await db.run({ insert: 'd', documents: Array.from({ length: 20 }, (_, i) => ({ _id: i, a: i % 10 })) });
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1, b: 1 }, name: 'ab' }] });
  await db.run({ create: 'v', viewOn: 'c', pipeline: [{ $match: { a: { $gt: 3 } } }] });
});

function explain(command: object, verbosity = 'queryPlanner'): Promise<Reply> {
  return db.run({ explain: command, verbosity });
}

async function stagesOf(...pipeline: object[]): Promise<unknown[]> {
  const { stages } = await explain({ aggregate: 'c', pipeline, cursor: {} });
  return stages as unknown[];
}

async function planOf(...pipeline: object[]): Promise<Reply> {
  const reply = await explain({ aggregate: 'c', pipeline, cursor: {} });
  const [first] = (reply['stages'] ?? []) as { $cursor: Reply }[];
  const { queryPlanner } = (first?.$cursor ?? reply) as { queryPlanner: { winningPlan: Reply } };
  return queryPlanner.winningPlan;
}

describe('stages behind a cursor', () => {
  test('are shown as they run: short forms written out, constants marked', async () => {
    expect((await stagesOf({ $sortByCount: '$a' })).slice(1)).toEqual([
      { $group: { _id: '$a', count: { $sum: { $const: 1 } } } },
      { $sort: { sortKey: { count: -1 } } },
    ]);
    expect((await stagesOf({ $match: { b: 3 } }, { $count: 'n' })).slice(1)).toEqual([
      { $group: { _id: { $const: null }, n: { $sum: { $const: 1 } } } },
      { $project: { n: true, _id: false } },
    ]);
    const computed = { $addFields: { 'x.y': { $add: ['$a', 1] }, z: { $toInt: '$b' }, w: { $add: [1, 2] } } };
    expect((await stagesOf(computed)).slice(1)).toEqual([
      {
        $addFields: {
          x: { y: { $add: ['$a', { $const: 1 }] } },
          z: { $convert: { input: '$b', to: { $const: 'int' } } },
          w: { $const: 3 },
        },
      },
    ]);
    const exclusion = { $project: { a: false, 'b.c': false } };
    expect((await stagesOf(exclusion))[1]).toEqual({ $project: { a: false, b: { c: false }, _id: true } });
  });

  test('join where they run as one', async () => {
    expect(
      (await stagesOf({ $unwind: '$tags' }, { $sort: { tags: 1 } }, { $skip: 2 }, { $limit: 3 })).slice(1),
    ).toEqual([{ $unwind: { path: '$tags' } }, { $sort: { sortKey: { tags: 1 }, limit: 5 } }, { $skip: 2 }]);
    const lookup = { $lookup: { from: 'd', localField: 'a', foreignField: 'a', as: 'ds' } };
    expect((await stagesOf(lookup, { $unwind: '$ds' }, { $match: { 'ds._id': 3 } })).slice(1)).toEqual([
      {
        $lookup: {
          from: 'd',
          as: 'ds',
          localField: 'a',
          foreignField: 'a',
          unwinding: { preserveNullAndEmptyArrays: false },
          matching: { _id: { $eq: 3 } },
        },
      },
    ]);
  });

  test('tell what each of them gave, inside facets as well', async () => {
    const pipeline = [{ $match: { a: 1 } }, { $facet: { x: [{ $count: 'n' }], y: [{ $match: { b: 11 } }] } }];
    const reply = await explain({ aggregate: 'c', pipeline, cursor: {} }, 'executionStats');
    expect(reply['stages']).toMatchObject([
      { $cursor: { executionStats: { nReturned: 20 } }, nReturned: 20 },
      {
        $facet: {
          x: [{ $teeConsumer: {}, nReturned: 20 }, { nReturned: 1, usedDisk: false }, { nReturned: 1 }],
          y: [
            { $teeConsumer: {}, nReturned: 20 },
            { $match: { b: { $eq: 11 } }, nReturned: 1 },
          ],
        },
        nReturned: 1,
      },
    ]);
  });

  test('of a union are explained on both sides', async () => {
    const union = { $unionWith: { coll: 'd', pipeline: [{ $unset: 'x' }] } };
    expect(await stagesOf(union, { $match: { a: 1 } })).toMatchObject([
      { $cursor: { queryPlanner: { winningPlan: { stage: 'FETCH' } } } },
      {
        $unionWith: {
          coll: 'd',
          pipeline: [
            { $cursor: { queryPlanner: { namespace: 'db.d', winningPlan: { stage: 'COLLSCAN' } } } },
            { $project: { x: false, _id: true } },
          ],
        },
      },
    ]);
  });

  test('write nothing', async () => {
    expect((await stagesOf({ $out: 'new' }))[1]).toEqual({ $out: { coll: 'new', db: 'db' } });
    const merge = {
      $merge: { into: { db: 'db', coll: 'new' }, on: '_id', whenMatched: 'merge', whenNotMatched: 'insert' },
    };
    const reply = await explain({ aggregate: 'c', pipeline: [{ $merge: 'new' }], cursor: {} }, 'executionStats');
    expect(reply['stages']).toMatchObject([{ nReturned: 200 }, { ...merge, nReturned: 200 }]);
    expect(await db.run({ count: 'new' })).toMatchObject({ n: 0 });
  });
});

describe('the cursor of a pipeline', () => {
  test('takes a projection that comes first, or the fields that are looked at', async () => {
    expect(await planOf({ $project: { a: 1 } })).toMatchObject({
      stage: 'PROJECTION_SIMPLE',
      transformBy: { _id: true, a: true },
    });
    expect(await planOf({ $group: { _id: '$b', n: { $sum: '$tags' } } })).toMatchObject({
      stage: 'PROJECTION_SIMPLE',
      transformBy: { b: 1, tags: 1, _id: 0 },
    });
    expect(await planOf({ $match: { a: 2 } }, { $group: { _id: '$b' } })).toMatchObject({
      stage: 'PROJECTION_COVERED',
    });
    expect(await planOf({ $match: { a: 2 } }, { $facet: { x: [{ $count: 'n' }] } })).toMatchObject({
      stage: 'COUNT_SCAN',
    });
    const computed = { $project: { z: { $add: ['$b', 1] } } };
    expect(await planOf(computed)).toMatchObject({ stage: 'PROJECTION_DEFAULT' });
    expect(await planOf({ $sort: { tags: 1 } }, computed)).toMatchObject({ stage: 'PROJECTION_SIMPLE' });
  });

  test('is all there is where a query can do everything', async () => {
    const pipeline = [{ $match: { a: { $gt: 2 } } }, { $sort: { b: -1 } }, { $project: { a: 1 } }, { $limit: 2 }];
    const reply = await explain({ aggregate: 'c', pipeline, cursor: {} });
    expect(reply).not.toHaveProperty('stages');
    expect(reply['queryPlanner']).toMatchObject({ optimizedPipeline: true });
  });
});

describe('a view', () => {
  test('is explained as the pipeline over its collection', async () => {
    const find = await explain({ find: 'v', filter: { b: 3 } });
    expect(find['queryPlanner']).toMatchObject({ namespace: 'db.c', winningPlan: { stage: 'FETCH' } });
    expect(find['command']).toMatchObject({ aggregate: 'v', pipeline: [{ $match: { b: 3 } }] });
    const count = await explain({ count: 'v', query: { b: 3 } }, 'executionStats');
    expect(count['stages']).toHaveLength(3);
    const distinct = await explain({ distinct: 'v', key: 'a' });
    expect(distinct['stages']).toHaveLength(3);
    expect(await explain({ delete: 'v', deletes: [{ q: {}, limit: 0 }] })).toMatchObject({ code: 166 });
  });
});
