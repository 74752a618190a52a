import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';
import { TestData } from '../../database/test_support.ts';
import { entryOpTime, entryWall } from '../../oplog/entry.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [1, 2, 3].map((n) => ({ _id: n, a: n % 2 })) });
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a' }] });
});

function change(index: object, options: object = {}): Promise<Reply> {
  return db.run({ collMod: 'c', index, ...options });
}

async function indexA(): Promise<unknown> {
  const { cursor } = await db.run({ listIndexes: 'c' });
  return (cursor as { readonly firstBatch: readonly unknown[] }).firstBatch[1];
}

describe('collMod of an index', () => {
  test('hides it and shows it again, and says nothing when nothing changes', async () => {
    expect(await change({ name: 'a', hidden: true })).toEqual({ hidden_old: false, hidden_new: true, ok: 1 });
    expect(await change({ keyPattern: { a: 1 }, hidden: true })).toEqual({ ok: 1 });
    expect(await indexA()).toEqual({ v: 2, key: { a: 1 }, name: 'a', hidden: true });
    expect(await change({ name: 'a', hidden: false })).toEqual({ hidden_old: true, hidden_new: false, ok: 1 });
    expect(await indexA()).toEqual({ v: 2, key: { a: 1 }, name: 'a' });
  });

  test('sets the time after which documents expire', async () => {
    expect(await change({ name: 'a', expireAfterSeconds: 100 })).toEqual({ expireAfterSeconds_new: 100, ok: 1 });
    expect(await change({ name: 'a', expireAfterSeconds: 200 })).toMatchObject({ expireAfterSeconds_new: 200 });
    expect(await indexA()).toMatchObject({ expireAfterSeconds: 200 });
  });

  test('makes it unique in two steps, when no two documents share a key', async () => {
    expect(await change({ name: 'a', unique: true })).toMatchObject({ code: 72 });
    await change({ name: 'a', prepareUnique: true });
    expect(await db.run({ insert: 'c', documents: [{ _id: 9, a: 0 }] })).toMatchObject({
      writeErrors: [{ code: 11000 }],
    });
    expect(await change({ name: 'a', unique: true })).toMatchObject({ code: 359, violations: [{ ids: [1, 3] }] });
    await db.run({ delete: 'c', deletes: [{ q: { _id: 3 }, limit: 1 }] });
    expect(await change({ name: 'a', unique: true }, { dryRun: true })).toMatchObject({ ok: 1 });
    expect(await indexA()).toEqual({ v: 2, key: { a: 1 }, name: 'a', prepareUnique: true });
    expect(await change({ name: 'a', unique: true })).toEqual({ unique_new: true, ok: 1 });
    expect(await indexA()).toEqual({ v: 2, key: { a: 1 }, name: 'a', unique: true });
  });

  test.each<[object, number]>([
    [{ name: 'none', hidden: true }, 27],
    [{ keyPattern: { z: 1 }, hidden: true }, 27],
    [{ name: 'a', keyPattern: { a: 1 }, hidden: true }, 72],
    [{ hidden: true }, 72],
    [{ name: 'a' }, 72],
    [{ name: '_id_', hidden: true }, 2],
    [{ name: 'a', unique: false }, 2],
    [{ name: 'a', expireAfterSeconds: -1 }, 72],
    [{ name: 'a', nonsense: 1 }, 40415],
  ])('refuses %j', async (index, code) => {
    expect(await change(index)).toMatchObject({ ok: 0, code });
  });
});

describe('collMod of a collection', () => {
  test('changes validators and limits', async () => {
    await db.run({ create: 'k', capped: true, size: 4096 });
    expect(await db.run({ collMod: 'k', cappedSize: 5000, cappedMax: 2 })).toEqual({ ok: 1 });
    await db.run({ insert: 'k', documents: [1, 2, 3].map((_id) => ({ _id })) });
    expect(db.member.find('db.k')).toEqual([{ _id: 2 }, { _id: 3 }]);
    await db.run({ collMod: 'k', validator: { a: 1 }, validationLevel: 'strict', validationAction: 'error' });
    expect(await db.run({ listCollections: 1, filter: { name: 'k' } })).toMatchObject({
      cursor: { firstBatch: [{ options: { capped: true, size: 5120, max: 2, validator: { a: 1 } } }] },
    });
    expect(await db.run({ insert: 'k', documents: [{ a: 2 }] })).toMatchObject({ writeErrors: [{ code: 121 }] });
    await db.run({ collMod: 'k', validator: {} });
    expect(await db.run({ insert: 'k', documents: [{ a: 2 }] })).toMatchObject({ n: 1 });
  });

  test.each<[object, number]>([
    [{ collMod: 'none' }, 26],
    [{ collMod: 'c', viewOn: 'd', pipeline: [] }, 72],
    [{ collMod: 'c', cappedSize: 4096 }, 72],
    [{ collMod: 'c', zzz: 1 }, 40415],
  ])('refuses %j', async (command, code) => {
    expect(await db.run(command)).toMatchObject({ ok: 0, code });
  });

  test('is the same on a member that applies the log, and after a restart', async () => {
    await db.run({ collMod: 'c', validator: { a: { $lt: 9 } }, index: { name: 'a', hidden: true } });
    const { member } = db;
    const other = await TestData.open();
    other.data.acceptsWrites = false;
    for (const entry of member.entries()) other.oplog.append(entry, entryOpTime(entry), entryWall(entry));
    await other.data.applyBatch(member.entries(), 'steady');
    await member.restart();
    const [mine, theirs] = [member, other].map(({ data }) => data.catalog.find('db.c'));
    expect(mine?.options).toEqual(theirs?.options);
    expect(mine?.validator).toBeDefined();
    expect([mine, theirs].map((one) => one?.index('a')?.spec.isHidden)).toEqual([true, true]);
  });
});

describe('collMod of a view', () => {
  test('replaces its definition', async () => {
    await db.run({ create: 'v', viewOn: 'c', pipeline: [] });
    expect(await db.run({ collMod: 'v', viewOn: 'c', pipeline: [{ $match: { a: 0 } }] })).toEqual({ ok: 1 });
    expect(await db.run({ count: 'v' })).toMatchObject({ n: 1 });
    expect(await db.run({ collMod: 'v', pipeline: [] })).toEqual({ ok: 1 });
    expect(await db.run({ count: 'v' })).toMatchObject({ n: 3 });
  });

  test('takes nothing that is for collections', async () => {
    await db.run({ create: 'v', viewOn: 'c', pipeline: [] });
    expect(await db.run({ collMod: 'v', validator: {} })).toMatchObject({ code: 72 });
    expect(await db.run({ collMod: 'v', viewOn: 'v', pipeline: [] })).toMatchObject({ code: 5 });
  });
});

describe('prepareUnique', () => {
  const flags = async (name: string): Promise<unknown> => {
    const { cursor } = (await db.run({ listIndexes: name })) as { cursor: { firstBatch: object[] } };
    return cursor.firstBatch[1];
  };

  test('false is no option of an index', async () => {
    const index = { key: { a: 1 }, name: 'a', prepareUnique: false };
    await db.run({ createIndexes: 'p', indexes: [index] });
    expect(await flags('p')).toEqual({ v: 2, key: { a: 1 }, name: 'a' });
    expect(await db.run({ insert: 'p', documents: [{ a: 1 }, { a: 1 }] })).toMatchObject({ n: 2 });
  });

  test('is not for what is unique', async () => {
    const index = { key: { a: 1 }, name: 'a', unique: true };
    const both = { createIndexes: 'p', indexes: [{ ...index, prepareUnique: true }] };
    expect(await db.run(both)).toMatchObject({ ok: 0, code: 67 });
    await db.run({ createIndexes: 'p', indexes: [index] });
    expect(await db.run({ collMod: 'p', index: { name: 'a', prepareUnique: true } })).toEqual({ ok: 1 });
    expect(await flags('p')).not.toHaveProperty('prepareUnique');
  });
});

test.each([
  [{ index: { keyPattern: { a: 1 }, unique: true, hidden: true }, dryRun: true }, 72],
  [{ timeseries: { granularity: 'hours' } }, 72],
  [{ timeseriesBucketsMayHaveMixedSchemaData: true }, 72],
  [{ index: { keyPattern: { a: 1 }, forceNonUnique: true } }, 238],
])('%j is refused with %d', async (change, code) => {
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a_1' }] });
  expect(await db.run({ collMod: 'c', ...change })).toMatchObject({ ok: 0, code });
});

test('documents of a capped collection may expire', async () => {
  await db.run({ create: 'k', capped: true, size: 4096 });
  await db.run({ createIndexes: 'k', indexes: [{ key: { a: 1 }, name: 'a' }] });
  const index = { name: 'a', expireAfterSeconds: 5 };
  expect(await db.run({ collMod: 'k', index })).toMatchObject({ ok: 1, expireAfterSeconds_new: 5 });
});
