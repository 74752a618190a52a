import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [1, 2, 3].map((n) => ({ _id: n, a: n })) });
});

function ids(reply: Reply): unknown[] {
  const { firstBatch } = reply['cursor'] as { readonly firstBatch: readonly { readonly _id: unknown }[] };
  return firstBatch.map(({ _id }) => _id);
}

async function view(name: string, viewOn: string, ...pipeline: readonly object[]): Promise<Reply> {
  return db.run({ create: name, viewOn, pipeline });
}

describe('a view', () => {
  test('is read through its pipeline by every command that reads', async () => {
    await view('v', 'c', { $match: { a: { $gte: 2 } } }, { $set: { n: { $multiply: ['$a', 10] } } });
    expect(await db.run({ find: 'v', filter: { n: { $gt: 20 } } })).toMatchObject({
      cursor: { firstBatch: [{ _id: 3, a: 3, n: 30 }], ns: 'db.v' },
    });
    expect(await db.run({ find: 'v', sort: { n: -1 }, skip: 1, projection: { n: 1, _id: 0 } })).toMatchObject({
      cursor: { firstBatch: [{ n: 20 }] },
    });
    expect(await db.run({ count: 'v', query: {}, limit: 1 })).toMatchObject({ n: 1 });
    expect(await db.run({ distinct: 'v', key: 'n' })).toMatchObject({ values: [20, 30] });
    expect(ids(await db.run({ aggregate: 'v', pipeline: [{ $match: { n: 20 } }], cursor: {} }))).toEqual([2]);
    const joined = { $lookup: { from: 'v', localField: 'a', foreignField: 'a', as: 'm' } };
    const reply = await db.run({ aggregate: 'c', pipeline: [joined, { $match: { 'm.n': 30 } }], cursor: {} });
    expect(ids(reply)).toEqual([3]);
  });

  test('may be made again as it is, and not with another pipeline; so may a collection', async () => {
    await view('v', 'c', { $match: { a: 1 } });
    expect(await view('v', 'c', { $match: { a: 1 } })).toMatchObject({ ok: 1 });
    expect(await view('v', 'c', { $match: { a: 2 } })).toMatchObject({ ok: 0, code: 48 });
    expect(await db.run({ create: 'c' })).toMatchObject({ ok: 1 });
    expect(await db.run({ create: 'c', capped: true, size: 4096 })).toMatchObject({ ok: 0, code: 48 });
  });

  test('may lie on views, up to twenty of them', async () => {
    await view('v1', 'c', { $match: { a: { $ne: 1 } } });
    for (let i = 2; i <= 20; i++) expect(await view(`v${i}`, `v${i - 1}`)).toMatchObject({ ok: 1 });
    expect(ids(await db.run({ find: 'v19' }))).toEqual([2, 3]);
    expect(await db.run({ find: 'v20' })).toMatchObject({ code: 165 });
    expect(await view('v21', 'v20')).toMatchObject({ code: 165 });
  });

  test('never leads back to itself', async () => {
    expect(await view('s', 's')).toMatchObject({ code: 5, errmsg: 'View cycle detected: db.s => db.s => db.s' });
    await view('a', 'b');
    const text = 'View cycle detected: db.b => db.b => db.a => db.b';
    expect(await view('b', 'a')).toMatchObject({ code: 5, errmsg: text });
    expect(await view('b', 'c', { $facet: { x: [{ $unionWith: 'a' }] } })).toMatchObject({ code: 5 });
  });

  test.each<[object]>([
    [{ insert: 'v', documents: [{ _id: 9 }] }],
    [{ update: 'v', updates: [{ q: {}, u: { $set: { a: 1 } } }] }],
    [{ update: 'v', updates: [{ q: { _id: 9 }, u: { $set: { a: 1 } }, upsert: true }] }],
    [{ delete: 'v', deletes: [{ q: {}, limit: 0 }] }],
  ])('refuses the write %j', async (command) => {
    await view('v', 'c');
    expect(await db.run(command)).toMatchObject({ ok: 1, n: 0, writeErrors: [{ index: 0, code: 166 }] });
  });

  test.each<[object]>([
    [{ findAndModify: 'v', query: {}, remove: true }],
    [{ createIndexes: 'v', indexes: [{ key: { a: 1 }, name: 'a_1' }] }],
    [{ dropIndexes: 'v', index: '*' }],
    [{ listIndexes: 'v' }],
    [{ aggregate: 'c', pipeline: [{ $out: 'v' }], cursor: {} }],
    [{ aggregate: 'c', pipeline: [{ $merge: 'v' }], cursor: {} }],
    [{ convertToCapped: 'v', size: 4096 }],
    [{ collStats: 'v' }],
  ])('refuses %j', async (command) => {
    await view('v', 'c');
    expect(await db.run(command)).toMatchObject({ ok: 0, code: 166 });
  });

  test('is listed beside the collections and dropped as one', async () => {
    await view('v', 'c', { $match: {} });
    expect(await db.run({ listCollections: 1, filter: { type: 'view' } })).toMatchObject({
      cursor: { firstBatch: [{ name: 'v', type: 'view', options: { viewOn: 'c', pipeline: [{ $match: {} }] } }] },
    });
    expect(await view('v', 'c')).toMatchObject({ code: 48 });
    expect(await db.run({ create: 'v' })).toMatchObject({ code: 48 });
    expect(await db.run({ drop: 'v' })).toMatchObject({ ok: 1, ns: 'db.v' });
    expect(ids(await db.run({ find: 'v' }))).toEqual([]);
  });

  test.each<[object, number]>([
    [{ viewOn: 'c', pipeline: [{ $out: 'x' }] }, 167],
    [{ viewOn: 'c', pipeline: [{ $changeStream: {} }] }, 167],
    [{ viewOn: 'c', pipeline: [{ $nonsense: {} }] }, 40324],
    [{ viewOn: 'c', pipeline: [{ $project: {} }] }, 51272],
    [{ viewOn: '', pipeline: [] }, 2],
    [{ viewOn: 'a$b', pipeline: [] }, 73],
    [{ pipeline: [] }, 72],
  ])('is not made as %j', async (definition, code) => {
    expect(await db.run({ create: 'v', ...definition })).toMatchObject({ ok: 0, code });
  });

  test.each<[object, number]>([
    [{ returnKey: true }, 168],
    [{ showRecordId: true }, 168],
    [{ tailable: true }, 168],
    [{ projection: { a: { $elemMatch: { x: 1 } } } }, 168],
  ])('does not take find with %j', async (options, code) => {
    await view('v', 'c');
    expect(await db.run({ find: 'v', ...options })).toMatchObject({ ok: 0, code });
  });

  test('is there after a restart', async () => {
    await view('v', 'c', { $match: { a: 2 } });
    await db.member.restart();
    const { catalog } = db.member.data;
    expect(catalog.find('db.system.views')?.count).toBe(1);
  });
});

describe('what needs a collection', () => {
  const query = { query: { a: 1 } };
  test.each([
    { dataSize: 'db.v' },
    { planCacheClear: 'v' },
    { planCacheListFilters: 'v' },
    { planCacheClearFilters: 'v' },
    { planCacheSetFilter: 'v', ...query, indexes: [{ a: 1 }] },
    { aggregate: 'v', pipeline: [{ $collStats: { latencyStats: {}, count: {} } }], cursor: {} },
  ])('%j is refused on a view', async (command) => {
    const db = await TestCommands.open();
    await db.run({ create: 'v', viewOn: 'c', pipeline: [] });
    expect(await db.run(command)).toMatchObject({ ok: 0, code: 166 });
  });
});

test('latencies of a view are its own', async () => {
  const db = await TestCommands.open();
  await db.run({ create: 'v', viewOn: 'c', pipeline: [] });
  await db.run({ find: 'v' });
  await db.run({ find: 'c' });
  const latencyStats = { aggregate: 'v', pipeline: [{ $collStats: { latencyStats: {} } }], cursor: {} };
  expect(await db.run(latencyStats)).toMatchObject({
    cursor: { firstBatch: [{ ns: 'db.v', latencyStats: { reads: { ops: 1 } } }] },
  });
});

test('no view takes the name of the collection of views', async () => {
  const db = await TestCommands.open();
  expect(await db.run({ create: 'system.views', viewOn: 'c' })).toMatchObject({ ok: 0, code: 73 });
});
