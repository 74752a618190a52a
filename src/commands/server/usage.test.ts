import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [1, 2, 3].map((n) => ({ _id: n, a: n })) });
});

const admin = (command: object): object => ({ ...command, $db: 'admin' });

describe('top', () => {
  test('tells by collection how many operations of each kind there were', async () => {
    await db.run({ find: 'c' });
    await db.run({ find: 'c', filter: { _id: 1 } });
    await db.run({ update: 'c', updates: [{ q: { _id: 1 }, u: { $set: { a: 9 } } }] });
    await db.run({ delete: 'c', deletes: [{ q: { _id: 3 }, limit: 1 }] });
    await db.run({ count: 'c' });
    expect(await db.run(admin({ top: 1 }))).toMatchObject({
      totals: {
        note: 'all times in microseconds',
        'db.c': {
          total: { count: 6 },
          readLock: { count: 3 },
          writeLock: { count: 3 },
          queries: { count: 2 },
          getmore: { count: 0 },
          insert: { count: 1 },
          update: { count: 1 },
          remove: { count: 1 },
          commands: { time: expect.any(Number), count: 1 },
        },
      },
    });
  });

  test('forgets a collection that is dropped', async () => {
    await db.run({ drop: 'c' });
    expect(await db.run(admin({ top: 1 }))).toMatchObject({ totals: { note: expect.any(String) } });
    expect((await db.run(admin({ top: 1 })))['totals']).not.toHaveProperty(['db.c']);
  });
});

describe('$collStats', () => {
  const statsOf = async (field: object): Promise<unknown> => {
    const reply = await db.run({ aggregate: 'c', pipeline: [{ $collStats: field }], cursor: {} });
    return (reply as { cursor: { firstBatch: unknown[] } }).cursor.firstBatch[0];
  };

  test('tells latencies, also in buckets', async () => {
    await db.run({ find: 'c' });
    expect(await statsOf({ latencyStats: { histograms: true } })).toMatchObject({
      ns: 'db.c',
      latencyStats: {
        reads: { histogram: [{ micros: 0, count: 1 }], latency: expect.any(Number), ops: 1 },
        writes: { ops: 1 },
        commands: { ops: 0 },
        transactions: { ops: 0 },
      },
    });
  });

  test('counts walks through the whole collection', async () => {
    await db.run({ find: 'c', filter: { a: 1 } });
    await db.run({ find: 'c', filter: { _id: 1 } });
    expect(await statsOf({ queryExecStats: {} })).toMatchObject({
      queryExecStats: { collectionScans: { total: 1, nonTailable: 1 } },
    });
  });
});

test('serverStatus counts commands, documents and scans', async () => {
  await db.run({ find: 'c', filter: { a: 1 } });
  await db.run({ find: 'c', filter: { $bad: 1 } });
  await db.run({ update: 'c', updates: [{ q: {}, u: { $set: { a: 9 } }, multi: true }] });
  await db.run({ delete: 'c', deletes: [{ q: { _id: 3 }, limit: 1 }] });
  expect(await db.run(admin({ serverStatus: 1 }))).toMatchObject({
    globalLock: { currentQueue: { total: 0 }, activeClients: { total: 0 } },
    metrics: {
      commands: { find: { failed: 1, total: 2 }, insert: { failed: 0, total: 1 } },
      document: { inserted: 3, returned: 1, updated: 3, deleted: 1 },
      queryExecutor: { collectionScans: { total: 2, nonTailable: 2 } },
      ttl: { deletedDocuments: 0, passes: 0 },
    },
  });
  expect(await db.run(admin({ serverStatus: 1, metrics: 0 }))).not.toHaveProperty('metrics');
});
