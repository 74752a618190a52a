import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
});

async function create(options: object): Promise<void> {
  expect(await db.run({ create: 'c', validator: { a: { $gt: 0 } }, ...options })).toMatchObject({ ok: 1 });
}

describe('a validator', () => {
  test('refuses inserts, updates and upserts, and tells why', async () => {
    await create({});
    const errInfo = {
      failingDocumentId: 1,
      details: {
        operatorName: '$gt',
        specifiedAs: { a: { $gt: 0 } },
        reason: 'comparison failed',
        consideredValue: 0,
      },
    };
    expect(await db.run({ insert: 'c', documents: [{ _id: 1, a: 0 }] })).toEqual({
      n: 0,
      writeErrors: [{ index: 0, code: 121, errInfo, errmsg: 'Document failed validation' }],
      ok: 1,
    });
    await db.run({ insert: 'c', documents: [{ _id: 1, a: 1 }] });
    const update = { q: { _id: 1 }, u: { $set: { a: 0 } } };
    expect(await db.run({ update: 'c', updates: [update] })).toMatchObject({ n: 0, writeErrors: [{ errInfo }] });
    expect(await db.run({ findAndModify: 'c', query: { _id: 1 }, update: { $set: { a: 0 } } })).toMatchObject({
      ok: 0,
      code: 121,
      errInfo,
    });
    const upsert = { q: { _id: 2 }, u: { $set: { b: 1 } }, upsert: true };
    expect(await db.run({ update: 'c', updates: [upsert] })).toMatchObject({ n: 0, writeErrors: [{ code: 121 }] });
    expect(db.member.find('db.c')).toEqual([{ _id: 1, a: 1 }]);
  });

  test('is passed over by writes that say so', async () => {
    await create({});
    const bypassDocumentValidation = true;
    expect(await db.run({ insert: 'c', documents: [{ _id: 1 }], bypassDocumentValidation })).toMatchObject({ n: 1 });
    const updates = [{ q: { _id: 1 }, u: { $set: { a: -1 } } }];
    expect(await db.run({ update: 'c', updates, bypassDocumentValidation })).toMatchObject({ nModified: 1 });
    const findAndModify = { findAndModify: 'c', query: {}, update: { $set: { a: -2 } }, bypassDocumentValidation };
    expect(await db.run(findAndModify)).toMatchObject({ ok: 1 });
  });

  test('that only warns lets everything be written', async () => {
    await create({ validationAction: 'warn' });
    expect(await db.run({ insert: 'c', documents: [{ _id: 1 }] })).toMatchObject({ n: 1, ok: 1 });
  });

  test('at level moderate leaves documents alone that were wrong before', async () => {
    await create({ validationLevel: 'moderate' });
    await db.run({ insert: 'c', documents: [{ _id: 1, a: -1 }], bypassDocumentValidation: true });
    await db.run({ insert: 'c', documents: [{ _id: 2, a: 1 }] });
    const change = (id: number): object => ({ q: { _id: id }, u: { $set: { a: -5 } } });
    expect(await db.run({ update: 'c', updates: [change(1)] })).toMatchObject({ nModified: 1 });
    expect(await db.run({ update: 'c', updates: [change(2)] })).toMatchObject({ writeErrors: [{ code: 121 }] });
  });

  test('is asked by $out and $merge too', async () => {
    await create({});
    await db.run({ insert: 's', documents: [{ _id: 1, a: -1 }] });
    for (const stage of [{ $out: 'c' }, { $merge: 'c' }]) {
      expect(await db.run({ aggregate: 's', pipeline: [stage], cursor: {} })).toMatchObject({ ok: 0, code: 121 });
    }
  });

  test.each<[object, number]>([
    [{ validator: { $text: { $search: 'x' } } }, 2],
    [{ validator: { a: { $near: [0, 0] } } }, 2],
    [{ validator: { $or: [{ a: { $not: { $geoNear: [0, 0] } } }] } }, 2],
    [{ validator: { a: { $nonsense: 1 } } }, 2],
    [{ validationLevel: 'loose' }, 2],
    [{ validationAction: 1 }, 14],
  ])('is refused as %j', async (options, code) => {
    expect(await db.run({ create: 'c', ...options })).toMatchObject({ ok: 0, code });
  });

  test('is not for the databases of the system', async () => {
    expect(await db.run({ create: 'c', validator: { a: 1 }, $db: 'admin' })).toMatchObject({ code: 72 });
  });
});

describe('the options of a capped collection', () => {
  test.each<[object, number]>([
    [{ capped: true }, 72],
    [{ size: 4096 }, 72],
    [{ capped: true, size: 0 }, 51024],
    [{ capped: true, size: 2 ** 50 + 1 }, 51024],
    [{ capped: true, size: 4096, max: 2 ** 31 }, 51024],
    [{ capped: true, size: '4096' }, 14],
  ])('%j are refused', async (options, code) => {
    expect(await db.run({ create: 'c', ...options })).toMatchObject({ ok: 0, code });
  });

  test('are stored rounded', async () => {
    await db.run({ create: 'c', capped: true, size: 4097, max: -5 });
    expect(await db.run({ listCollections: 1 })).toMatchObject({
      cursor: { firstBatch: [{ options: { capped: true, size: 4352, max: 2147483647 } }] },
    });
  });
});
