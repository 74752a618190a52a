import { describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

async function open(): Promise<TestCommands> {
  const db = await TestCommands.open();
  await db.run({
    insert: 'c',
    documents: [
      { _id: 1, a: 1 },
      { _id: 2, a: 2 },
    ],
  });
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a_1' }] });
  return db;
}

function aggregate(collection: string | number, ...pipeline: readonly object[]): object {
  return { aggregate: collection, pipeline, cursor: {} };
}

describe('$collStats', () => {
  test('counts, and tells sizes', async () => {
    const db = await open();
    const reply = await db.run(aggregate('c', { $collStats: { count: {}, storageStats: {} } }));
    const storageStats = { size: 42, count: 2, avgObjSize: 21, nindexes: 2, capped: false, scaleFactor: 1 };
    expect(reply).toMatchObject({ cursor: { firstBatch: [{ ns: 'db.c', count: 2, storageStats }] } });
  });

  test('of a collection that a $unionWith names', async () => {
    const db = await open();
    await db.run({ insert: 'd', documents: [{ _id: 1 }] });
    const union = { $unionWith: { coll: 'd', pipeline: [{ $collStats: { count: {} } }, { $project: { count: 1 } }] } };
    const reply = await db.run(aggregate('c', { $match: { _id: 1 } }, union));
    expect(reply).toMatchObject({ cursor: { firstBatch: [{ _id: 1 }, { count: 1 }] } });
  });

  test('of a collection that does not exist has no count', async () => {
    const db = await open();
    expect(await db.run(aggregate('none', { $collStats: { count: {} } }))).toMatchObject({ ok: 0, code: 40481 });
    expect(await db.run(aggregate('none', { $collStats: {} }))).toMatchObject({ ok: 1 });
  });

  test('refuses fields that it does not know', async () => {
    const db = await open();
    expect(await db.run(aggregate('c', { $collStats: { more: {} } }))).toMatchObject({ ok: 0, code: 40415 });
  });
});

test('$indexStats counts the queries that read each index', async () => {
  const db = await open();
  await db.run({ find: 'c', filter: { a: 1 } });
  const reply = await db.run(aggregate('c', { $indexStats: {} }, { $project: { name: 1, ops: '$accesses.ops' } }));
  expect(reply).toMatchObject({
    cursor: {
      firstBatch: [
        { name: '_id_', ops: 0 },
        { name: 'a_1', ops: 1 },
      ],
    },
  });
});

describe('$currentOp', () => {
  test('shows itself', async () => {
    const db = await open();
    const command = { ...aggregate(1, { $currentOp: {} }, { $match: { 'command.comment': 'me' } }), comment: 'me' };
    const reply = await db.run({ ...command, $db: 'admin' });
    expect(reply).toMatchObject({ cursor: { firstBatch: [{ op: 'command', ns: 'admin.$cmd.aggregate' }] } });
  });

  test('is for admin only', async () => {
    const db = await open();
    expect(await db.run(aggregate(1, { $currentOp: {} }))).toMatchObject({ ok: 0, code: 73 });
    const reply = await db.run({ ...aggregate(1, { $currentOp: { allUsers: 5 } }), $db: 'admin' });
    expect(reply).toMatchObject({ ok: 0, code: 14 });
  });
});

test('$listLocalSessions shows the session that asks', async () => {
  const db = await open();
  const lsid = { id: crypto.randomUUID() };
  const binary = (await import('bson')).UUID.createFromHexString(lsid.id.replaceAll('-', ''));
  const reply = await db.run({ ...aggregate(1, { $listLocalSessions: {} }), lsid: { id: binary } });
  expect(reply).toMatchObject({ cursor: { firstBatch: [{ _id: {} }] } });
  expect(await db.run(aggregate('c', { $listLocalSessions: {} }))).toMatchObject({ ok: 0, code: 73 });
});

test.each([
  ['$search', 31082],
  ['$vectorSearch', 31082],
  ['$shardedDataDistribution', 6789101],
  ['$nothing', 40324],
])('%s is refused with %i', async (stage, code) => {
  const db = await open();
  expect(await db.run(aggregate('c', { [stage]: {} }))).toMatchObject({ ok: 0, code });
});
