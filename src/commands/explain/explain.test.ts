import { describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

async function filled(): Promise<TestCommands> {
  const db = await TestCommands.open();
  await db.run({ insert: 'c', documents: Array.from({ length: 200 }, (_, i) => ({ _id: i, a: i % 10, b: i })) });
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a_1' }] });
  await db.run({ createIndexes: 'c', indexes: [{ key: { b: -1 }, name: 'b_-1' }] });
  return db;
}

function planOf(reply: Reply): Reply {
  return (reply['queryPlanner'] as Reply)['winningPlan'] as Reply;
}

describe('explain', () => {
  test('counts the keys and documents that a query looked at', async () => {
    const db = await filled();
    const reply = await db.run({ explain: { find: 'c', filter: { a: 3, b: { $mod: [2, 1] } }, hint: 'a_1' } });
    expect(planOf(reply)).toMatchObject({ stage: 'FETCH', inputStage: { indexBounds: { a: ['[3, 3]'] } } });
    expect(reply['executionStats']).toMatchObject({ nReturned: 20, totalKeysExamined: 20, totalDocsExamined: 20 });
  });

  test('tells the plans that were not taken, and tries them when asked to', async () => {
    const db = await filled();
    const find = { find: 'c', filter: { a: 3, b: 13 } };
    const reply = await db.run({ explain: find });
    expect(planOf(reply)).toMatchObject({ inputStage: { indexName: 'b_-1', indexBounds: { b: ['[13, 13]'] } } });
    expect((reply['queryPlanner'] as Reply)['rejectedPlans']).toHaveLength(1);
    expect((reply['executionStats'] as Reply)['allPlansExecution']).toHaveLength(2);
    const brief = await db.run({ explain: find, verbosity: 'queryPlanner' });
    expect(brief).not.toHaveProperty('executionStats');
  });

  test('joins indexes for an $or, one branch each', async () => {
    const db = await filled();
    const reply = await db.run({ explain: { find: 'c', filter: { $or: [{ a: 1 }, { b: { $lt: 3 } }] } } });
    expect(planOf(reply)).toMatchObject({
      stage: 'SUBPLAN',
      inputStage: { inputStage: { stage: 'OR', inputStages: [{ indexName: 'a_1' }, { indexName: 'b_-1' }] } },
    });
    expect(reply['executionStats']).toMatchObject({ nReturned: 22, totalKeysExamined: 23 });
  });

  test('shows a pipeline as the query that stands for its beginning, and the stages after it', async () => {
    const db = await filled();
    const pipeline = [{ $match: { a: 1 } }, { $unwind: '$b' }];
    const reply = await db.run({ explain: { aggregate: 'c', pipeline, cursor: {} } });
    expect(reply['stages']).toMatchObject([
      { $cursor: { executionStats: { nReturned: 20 } } },
      { $unwind: { path: '$b' } },
    ]);
  });

  test('changes nothing', async () => {
    const db = await filled();
    const explained = await db.run({ explain: { delete: 'c', deletes: [{ q: { a: 1 }, limit: 0 }] } });
    expect(explained).toMatchObject({ executionStats: { executionStages: { stage: 'DELETE', nWouldDelete: 20 } } });
    expect(await db.run({ count: 'c' })).toMatchObject({ n: 200 });
  });
});

describe('find', () => {
  test('looks between two keys of the hinted index', async () => {
    const db = await filled();
    const found = await db.run({ find: 'c', min: { b: 9 }, max: { b: 6 }, hint: 'b_-1', returnKey: true });
    expect(found['cursor']).toMatchObject({ firstBatch: [{ b: 9 }, { b: 8 }, { b: 7 }] });
    const refused = await db.run({ find: 'c', min: { b: 6 }, max: { b: 9 }, hint: 'b_-1' });
    expect(refused).toMatchObject({ ok: 0, code: 51_175 });
    expect(await db.run({ find: 'c', min: { b: 6 } })).toMatchObject({ ok: 0, code: 51_173 });
  });

  test('shows record ids in the order of insertion', async () => {
    const db = await filled();
    const found = await db.run({ find: 'c', filter: { _id: { $lt: 2 } }, projection: { _id: 1 }, showRecordId: true });
    expect(found['cursor']).toMatchObject({ firstBatch: [{ $recordId: 1 }, { $recordId: 2 }] });
  });
});

describe('explain of findAndModify', () => {
  async function statsOf(db: TestCommands, command: object): Promise<unknown> {
    const reply = await db.run({ explain: { findAndModify: 'c', ...command }, verbosity: 'executionStats' });
    return reply['executionStats'];
  }

  test('takes the first document of the order, and gives it back', async () => {
    const db = await filled();
    expect(await statsOf(db, { query: { a: 3 }, sort: { b: 1 }, remove: true, hint: 'a_1' })).toMatchObject({
      nReturned: 1,
      executionStages: {
        stage: 'DELETE',
        nWouldDelete: 1,
        inputStage: { stage: 'SORT', limitAmount: 1, inputStage: { stage: 'FETCH', nReturned: 20 } },
      },
    });
    const update = { update: { $set: { z: 1 } }, upsert: true };
    expect(await statsOf(db, { query: { _id: 'none' }, ...update })).toMatchObject({ nReturned: 0 });
    expect(await statsOf(db, { query: { _id: 'none' }, new: true, ...update })).toMatchObject({
      nReturned: 1,
      executionStages: { nWouldUpsert: 1 },
    });
  });
});

describe('explain of a covered sort', () => {
  test('reads no documents when keys tell what to sort by', async () => {
    const db = await filled();
    await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1, b: 1 }, name: 'ab' }] });
    const find = { find: 'c', filter: { a: { $lt: 3 } }, sort: { b: -1 }, projection: { _id: 0, b: 1 }, hint: 'ab' };
    const reply = await db.run({ explain: find, verbosity: 'executionStats' });
    expect(planOf(reply)).toMatchObject({
      stage: 'PROJECTION_COVERED',
      inputStage: { stage: 'SORT', type: 'default', inputStage: { stage: 'IXSCAN' } },
    });
    expect(reply['executionStats']).toMatchObject({ nReturned: 60, totalDocsExamined: 0 });
    const { cursor } = await db.run({ ...find, limit: 2 });
    expect(cursor).toMatchObject({ firstBatch: [{ b: 192 }, { b: 191 }] });
  });

  test('counts documents that are listed several times by keys alone', async () => {
    const db = await filled();
    await db.run({ insert: 'm', documents: Array.from({ length: 10 }, (_, _id) => ({ _id, a: [1, 2, 3] })) });
    await db.run({ createIndexes: 'm', indexes: [{ key: { a: 1 }, name: 'a' }] });
    const count = { count: 'm', query: { a: { $gte: 2 } } };
    expect(await db.run(count)).toMatchObject({ n: 10 });
    expect(await db.run({ explain: count, verbosity: 'executionStats' })).toMatchObject({
      executionStats: {
        totalDocsExamined: 0,
        executionStages: { nCounted: 10, inputStage: { stage: 'COUNT_SCAN', keysExamined: 20 } },
      },
    });
  });
});
