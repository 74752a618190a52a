/** Options that commands share which write documents. */
import { Timestamp, UUID } from 'bson';
import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

const EMPTY = new Timestamp({ t: 0, i: 0 });

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
});

/** Ids of the documents whose `a` is an empty timestamp. */
function keptEmpty(): unknown[] {
  return db.member
    .find('db.c')
    .filter(({ a }) => JSON.stringify(a) === JSON.stringify(EMPTY))
    .map(({ _id }) => _id);
}

function update(q: object, u: unknown, options: object = {}): object {
  return { update: 'c', updates: [{ q, u, ...options }] };
}

describe('an empty timestamp at the top level', () => {
  test('is filled in by inserts and replacements, and by nothing else', async () => {
    const upsert = { upsert: true };
    await db.run({ insert: 'c', documents: [{ _id: 1, a: EMPTY }, { _id: 2 }, { _id: 3 }, { _id: 4 }] });
    await db.run(update({ _id: 2 }, { a: EMPTY }));
    await db.run({ findAndModify: 'c', query: { _id: 5 }, update: { a: EMPTY }, ...upsert });
    await db.run(update({ _id: 3 }, { $set: { a: EMPTY } }));
    await db.run(update({ _id: 4 }, [{ $set: { a: EMPTY } }]));
    await db.run(update({ _id: 6 }, { $set: { a: EMPTY } }, upsert));
    await db.run(update({ _id: 7 }, [{ $set: { a: EMPTY } }], upsert));
    expect(keptEmpty()).toEqual([3, 4, 6, 7]);
  });

  test('is kept with bypassEmptyTsReplacement', async () => {
    const bypassEmptyTsReplacement = true;
    await db.run({ insert: 'c', documents: [{ _id: 1, a: EMPTY }], bypassEmptyTsReplacement });
    await db.run({ ...update({ _id: 2 }, { a: EMPTY }, { upsert: true }), bypassEmptyTsReplacement });
    const replace = { findAndModify: 'c', query: { _id: 3 }, update: { a: EMPTY }, upsert: true };
    await db.run({ ...replace, bypassEmptyTsReplacement });
    const ops = [{ insert: 0, document: { _id: 4, a: EMPTY } }];
    await db.run({ bulkWrite: 1, $db: 'admin', ops, nsInfo: [{ ns: 'db.c' }], bypassEmptyTsReplacement });
    expect(keptEmpty()).toEqual([1, 2, 3, 4]);
  });
});

describe('collectionUUID', () => {
  const INSERT = { insert: 'c', documents: [{ a: 1 }] };
  const UPDATE = update({}, { $set: { b: 1 } });
  const DELETE = { delete: 'c', deletes: [{ q: {}, limit: 1 }] };
  const wrong = new UUID();

  function uuidOf(ns: string): UUID {
    const collection = db.member.collection(ns);
    return new UUID(collection.uuid);
  }

  test.each([INSERT, UPDATE, DELETE])('lets a statement on that collection pass: %j', async (command) => {
    expect(await db.run({ ...command, collectionUUID: uuidOf('db.c') })).not.toHaveProperty('writeErrors');
  });

  test.each([INSERT, UPDATE, DELETE])('refuses a statement on another one, and names it: %j', async (command) => {
    const common = { code: 361, db: 'db', expectedCollection: 'c' };
    expect(await db.run({ ...command, collectionUUID: uuidOf('db.other') })).toMatchObject({
      n: 0,
      writeErrors: [{ ...common, actualCollection: 'other' }],
    });
    const elsewhere = { n: 0, writeErrors: [{ ...common, actualCollection: null }] };
    expect(await db.run({ ...command, collectionUUID: uuidOf('db2.other') })).toMatchObject(elsewhere);
    expect(await db.run({ ...command, collectionUUID: wrong })).toMatchObject(elsewhere);
    expect(db.member.data.catalog.find('db.c')).toBeUndefined();
  });

  test('is one of each collection of a bulkWrite', async () => {
    const ops = [{ insert: 0, document: {} }];
    const bulk = (uuid: UUID): object => ({
      ...{ bulkWrite: 1, $db: 'admin', ops },
      nsInfo: [{ ns: 'db.c', collectionUUID: uuid }],
    });
    expect(await db.run(bulk(uuidOf('db.c')))).toMatchObject({ nErrors: 0, nInserted: 1 });
    expect(await db.run(bulk(wrong))).toMatchObject({ nErrors: 1, cursor: { firstBatch: [{ code: 361 }] } });
  });

  test('is a uuid', async () => {
    const type = {
      code: 14,
      errmsg: "BSON field 'insert.collectionUUID' is the wrong type 'string', expected type 'binData'",
    };
    expect(await db.run({ ...INSERT, collectionUUID: 'x' })).toMatchObject(type);
  });
});

describe('null', () => {
  test('is the same as no option', async () => {
    const none = { query: null, sort: null, fields: null, new: null, remove: null, collation: null, let: null };
    expect(await db.run({ findAndModify: 'c', ...none, update: { a: 1 }, upsert: true })).toMatchObject({ ok: 1 });
    const updates = [{ q: {}, u: { $set: { b: 1 } }, multi: null, upsert: null, collation: null }];
    expect(await db.run({ update: 'c', updates, ordered: null, let: null })).toMatchObject({ ok: 1, n: 1 });
    const deletes = [{ q: {}, limit: 1, collation: null }];
    expect(await db.run({ delete: 'c', deletes, ordered: null })).toMatchObject({ ok: 1, n: 1 });
  });

  test('leaves what is needed missing, and hides no unknown name', async () => {
    expect(await db.run({ delete: 'c', deletes: [{ q: null, limit: 1 }] })).toMatchObject({ code: 40414 });
    expect(await db.run({ insert: 'c', documents: [{}], unknown: null })).toMatchObject({ code: 40415 });
  });
});

test('the constants of a pipeline are seen by its filter, and go before let', async () => {
  await db.run({
    insert: 'c',
    documents: [
      { _id: 1, key: 'a' },
      { _id: 2, key: 'b' },
    ],
  });
  const q = { $expr: { $eq: ['$key', '$$wanted'] } };
  const statement = update(q, [{ $set: { key: '$$new' } }], { c: { wanted: 'b', new: 'c' } });
  expect(await db.run({ ...statement, let: { new: 'd' } })).toMatchObject({ n: 1 });
  expect(db.member.find('db.c')).toMatchObject([{ key: 'a' }, { key: 'c' }]);
});

describe('arrayFilters', () => {
  const SET = { $set: { 'a.$[i]': 9 } };

  test('may join conditions that all begin with the same name', async () => {
    await db.run({ insert: 'c', documents: [{ _id: 1, a: [1, 2, 3] }] });
    const arrayFilters = [{ $or: [{ i: 1 }, { $and: [{ i: { $gt: 2 } }, {}] }] }];
    expect(await db.run(update({}, SET, { arrayFilters }))).toMatchObject({ n: 1 });
    expect(db.member.find('db.c')).toEqual([{ _id: 1, a: [9, 2, 9] }]);
  });

  test.each([
    [{ i: 0, j: 0 }, 9],
    [{ $alwaysTrue: 1 }, 9],
    [{}, 9],
    [{ $expr: { $eq: ['$foo', 1] } }, 224],
    [{ $text: { $search: 'x' } }, 2],
  ])('refuse %j', async (filter, code) => {
    await db.run({ create: 'c' });
    expect(await db.run(update({}, SET, { arrayFilters: [filter] }))).toMatchObject({ writeErrors: [{ code }] });
  });

  test('mean nothing to a replacement', async () => {
    const replace = { findAndModify: 'c', query: { _id: 1 }, update: { a: 1 }, upsert: true };
    expect(await db.run({ ...replace, arrayFilters: [{ i: 1 }] })).toMatchObject({ ok: 1 });
  });
});
