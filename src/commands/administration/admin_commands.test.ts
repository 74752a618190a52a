import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [1, 2, 3].map((n) => ({ _id: n, a: n })) });
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a' }] });
});

describe('statistics', () => {
  test('of a collection tell its size, its indexes and its limits', async () => {
    expect(await db.run({ collStats: 'c' })).toMatchObject({
      ns: 'db.c',
      size: 63,
      count: 3,
      avgObjSize: 21,
      capped: false,
      nindexes: 2,
      indexSizes: { _id_: expect.any(Number), a: expect.any(Number) },
    });
    await db.run({ create: 'k', capped: true, size: 5000 });
    expect(await db.run({ collStats: 'k', scale: 2 })).toMatchObject({ capped: true, max: -1, maxSize: 2560 });
    expect(await db.run({ collStats: 'none' })).toMatchObject({ ns: 'db.none', count: 0, nindexes: 0, ok: 1 });
    expect(await db.run({ collStats: 'oplog.rs', $db: 'local' })).toMatchObject({ capped: true, count: 7 });
    expect(await db.run({ collStats: 'c', scale: 0 })).toMatchObject({ ok: 0, code: 51024 });
  });

  test('of a database are the sums', async () => {
    await db.run({ create: 'v', viewOn: 'c', pipeline: [] });
    expect(await db.run({ dbStats: 1 })).toMatchObject({ db: 'db', collections: 2, views: 1, objects: 4, indexes: 3 });
  });
});

describe('validate', () => {
  test('finds a sound collection valid and counts what breaks its validator', async () => {
    await db.run({ collMod: 'c', validator: { a: { $lt: 3 } } });
    expect(await db.run({ validate: 'c' })).toMatchObject({
      ns: 'db.c',
      nrecords: 3,
      nInvalidDocuments: 0,
      nNonCompliantDocuments: 1,
      keysPerIndex: { _id_: 3, a: 3 },
      valid: true,
      errors: [],
    });
  });

  test('finds keys and documents that do not belong together', async () => {
    const index = db.member.collection('db.c').index('a');
    const cursor = index?.table.cursor();
    cursor?.next();
    if (cursor !== undefined) index?.table.remove(cursor.key, db.member.data.timestamp());
    const { oplog } = db.member;
    await db.run({ insert: 'other', documents: [{}] });
    expect(oplog.count).toBeGreaterThan(0);
    expect(await db.run({ validate: 'c' })).toMatchObject({
      valid: false,
      errors: [expect.stringContaining('lacks a key')],
    });
  });

  test('takes what PyMongo sends with it', async () => {
    expect(await db.run({ validate: 'c', scandata: false, full: false })).toMatchObject({ ok: 1, valid: true });
  });

  test('is not for views', async () => {
    await db.run({ create: 'v', viewOn: 'c', pipeline: [] });
    expect(await db.run({ validate: 'v' })).toMatchObject({ ok: 0, code: 166 });
  });
});

describe('what a client may ask', () => {
  test.each<[object, object]>([
    [
      { fsync: 1, $db: 'admin' },
      { ok: 1, numFiles: 1 },
    ],
    [{ fsync: 1, lock: true, $db: 'admin' }, { code: 238 }],
    [{ fsyncUnlock: 1, $db: 'admin' }, { code: 20 }],
    [{ top: 1, $db: 'admin' }, { ok: 1 }],
    [{ reIndex: 'c' }, { code: 20 }],
    [{ mapReduce: 'c' }, { code: 238 }],
    [{ compact: 'c' }, { code: 238 }],
    [{ ping: 1, zzz: 1 }, { code: 40415 }],
    [{ killAllSessions: [] }, { ok: 1 }],
    [{ killAllSessions: [{ user: 'u', db: 'd' }] }, { code: 11 }],
    [{ killAllSessions: 1 }, { code: 10065 }],
    [{ killAllSessionsByPattern: [{ nonsense: 1 }] }, { code: 40415 }],
    [{ eval: '1' }, { code: 59 }],
    [{ group: {} }, { code: 59 }],
  ])('%j', async (command, reply) => {
    expect(await db.run(command)).toMatchObject(reply);
  });

  test.each<[object]>([
    [{ $indexStats: {} }],
    [{ $collStats: { storageStats: {} } }],
    [{ $facet: { x: [{ $unionWith: { coll: 'c', pipeline: [{ $indexStats: {} }] } }] } }],
  ])('%j is outside of the strict API', async (stage) => {
    const strict = { apiVersion: '1', apiStrict: true };
    expect(await db.run({ aggregate: 'c', pipeline: [stage], cursor: {}, ...strict })).toMatchObject({ code: 323 });
  });
});

describe('lists', () => {
  test.each([{ $text: { $search: 's' } }, { a: { $near: [0, 0] } }])('are not selected by %j', async (filter) => {
    expect(await db.run({ listCollections: 1, filter })).toMatchObject({ ok: 0 });
    expect(await db.run({ listDatabases: 1, filter, $db: 'admin' })).toMatchObject({ ok: 0 });
  });

  test('of collections know no pending drops', async () => {
    expect(await db.run({ listCollections: 1, includePendingDrops: true })).toMatchObject({ ok: 1 });
    expect(await db.run({ listCollections: 1, includePendingDrops: 'x' })).toMatchObject({ ok: 0, code: 14 });
    const strict = { apiVersion: '1', apiStrict: true };
    const refused = await db.run({ listCollections: 1, includePendingDrops: true, ...strict });
    expect(refused).toMatchObject({ ok: 0, code: 323 });
  });
});

test('dbStats tells free room only when asked to', async () => {
  expect(await db.run({ dbStats: 1 })).not.toHaveProperty('freeStorageSize');
  const free = { freeStorageSize: 0, indexFreeStorageSize: 0, totalFreeStorageSize: 0 };
  expect(await db.run({ dbStats: 1, freeStorage: 1, scale: 2 ** 50 })).toMatchObject(free);
});

test('createIndexes passes over fields that no index has, when asked to', async () => {
  const index = { key: { x: 1 }, name: 'x', sparse: true, some: 'field' };
  const command = { createIndexes: 'n', indexes: [index] };
  expect(await db.run(command)).toMatchObject({ ok: 0, code: 197 });
  expect(await db.run({ ...command, ignoreUnknownIndexOptions: 'x' })).toMatchObject({ ok: 0, code: 14 });
  expect(await db.run({ ...command, ignoreUnknownIndexOptions: true })).toMatchObject({ ok: 1 });
  expect(await db.run({ listIndexes: 'n' })).toMatchObject({
    cursor: { firstBatch: [{ name: '_id_' }, { v: 2, key: { x: 1 }, name: 'x', sparse: true }] },
  });
  const broken = { createIndexes: 'n', indexes: [{ key: { y: 1 }, name: 'a\0b' }] };
  expect(await db.run(broken)).toMatchObject({ ok: 0, code: 67 });
});

test('collections are not renamed in and out of replication', async () => {
  const rename = { renameCollection: 'db.c', to: 'local.c', $db: 'admin' };
  expect(await db.run(rename)).toMatchObject({ ok: 0, code: 20 });
});

test('validate runs in the background or in full', async () => {
  expect(await db.run({ validate: 'c', background: true, full: true })).toMatchObject({ ok: 0, code: 72 });
  expect(await db.run({ validate: 'c', background: true, full: false })).toMatchObject({ valid: true });
});

describe('logComponentVerbosity', () => {
  const set = (logComponentVerbosity: unknown) => db.run({ setParameter: 1, logComponentVerbosity, $db: 'admin' });
  const get = () => db.run({ getParameter: 1, logComponentVerbosity: 1, logLevel: 1, $db: 'admin' });

  test('is the level of the log, for every part', async () => {
    expect(await set({ verbosity: 2, storage: { verbosity: -1, journal: { verbosity: -1 } } })).toMatchObject({
      was: { verbosity: 0 },
      ok: 1,
    });
    expect(await get()).toMatchObject({
      logLevel: 2,
      logComponentVerbosity: { verbosity: 2, storage: { verbosity: -1, journal: { verbosity: -1 } } },
    });
  });

  test.each([
    ['x', 14],
    [{ verbosity: 'x' }, 2],
    [{ nothing: { verbosity: 1 } }, 2],
    [{ storage: { nothing: { verbosity: 1 } } }, 2],
    [{ storage: { journal: { verbosity: 3 } } }, 238],
    [{ query: 3 }, 238],
  ])('%j is refused with %d', async (value, code) => {
    expect(await set(value)).toMatchObject({ ok: 0, code });
    expect(await get()).toMatchObject({ logLevel: 0 });
  });
});
