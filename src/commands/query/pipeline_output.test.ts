import { describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';
import { temporaryOptions } from '../../database/catalog/temporary.ts';
import { TestData } from '../../database/test_support.ts';
import { createCollection, dropTemporaryCollections, NO_OPTIONS } from '../../database/write/write_catalog.ts';
import { entryOpTime, entryWall } from '../../oplog/entry.ts';

async function open(): Promise<TestCommands> {
  const db = await TestCommands.open();
  await db.run({
    insert: 'c',
    documents: [
      { _id: 1, a: 1 },
      { _id: 2, a: 2 },
    ],
  });
  return db;
}

function aggregate(...pipeline: readonly object[]): object {
  return { aggregate: 'c', pipeline, cursor: {} };
}

describe('$out', () => {
  test('replaces the target, keeps its indexes, and answers with an empty cursor', async () => {
    const db = await open();
    await db.run({ insert: 'o', documents: [{ _id: 'old' }] });
    await db.run({ createIndexes: 'o', indexes: [{ key: { a: 1 }, name: 'a_1', unique: true }] });
    expect(await db.run(aggregate({ $out: 'o' }))).toMatchObject({
      ok: 1,
      cursor: { firstBatch: [], id: 0, ns: 'db.c' },
    });
    expect(db.member.find('db.o')).toEqual([
      { _id: 1, a: 1 },
      { _id: 2, a: 2 },
    ]);
    const indexes = await db.run({ listIndexes: 'o' });
    expect(indexes).toMatchObject({ cursor: { firstBatch: [{ name: '_id_' }, { name: 'a_1', unique: true }] } });
  });

  test('leaves no temporary collection behind, whether it ends well or not', async () => {
    const db = await open();
    await db.run(aggregate({ $out: 'o' }));
    await db.run(aggregate({ $project: { _id: 'same' } }, { $out: 'o' }));
    const names = [...db.member.data.catalog.collections()].map(({ ns }) => ns);
    expect(names.toSorted()).toEqual(['db.c', 'db.o']);
    expect(db.member.data.catalog.find('db.o')?.options).toEqual(Uint8Array.of(5, 0, 0, 0, 0));
  });

  test('leaves the target as it was when a unique index is broken', async () => {
    const db = await open();
    await db.run({ insert: 'o', documents: [{ _id: 'old', b: 1 }] });
    await db.run({ createIndexes: 'o', indexes: [{ key: { b: 1 }, name: 'b_1', unique: true }] });
    const reply = await db.run(aggregate({ $set: { b: 1 } }, { $out: 'o' }));
    expect(reply).toMatchObject({ ok: 0, code: 11000 });
    expect(db.member.find('db.o')).toEqual([{ _id: 'old', b: 1 }]);
  });

  test.each<[unknown, number]>([
    [5, 16990],
    ['', 73],
    ['system.x', 17385],
    [{ db: 'admin', coll: 'x' }, 31321],
    [{ db: 'other' }, 40414],
    [{ db: 'other', coll: 'x', more: 1 }, 40415],
    ['a$b', 20],
  ])('refuses the target %j with %i', async (target, code) => {
    const db = await open();
    expect(await db.run(aggregate({ $out: target }))).toMatchObject({ ok: 0, code });
  });

  test('is refused by a member that is not primary, before it makes anything', async () => {
    const db = await open();
    db.member.data.acceptsWrites = false;
    expect(await db.run(aggregate({ $out: 'o' }))).toMatchObject({ ok: 0, code: 10107 });
  });
});

describe('a member that follows', () => {
  test('has the same collections and options after $out and $merge', async () => {
    const db = await open();
    await db.run({ insert: 'o', documents: [{ _id: 'old' }] });
    await db.run({ createIndexes: 'o', indexes: [{ key: { a: 1 }, name: 'a_1' }] });
    await db.run(aggregate({ $out: 'o' }));
    await db.run(aggregate({ $set: { b: 1 } }, { $merge: 'o' }));
    const follower = await TestData.open();
    follower.data.acceptsWrites = false;
    const entries = db.member.entries();
    for (const entry of entries) follower.oplog.append(entry, entryOpTime(entry), entryWall(entry));
    await follower.data.applyBatch(entries, 'steady');
    expect(await follower.data.hash()).toEqual(await db.member.data.hash());
    expect(follower.data.catalog.find('db.o')?.options).toEqual(NO_OPTIONS);
    expect(follower.data.catalog.find('db.o')?.indexes).toHaveLength(1);
  });

  test('drops what a primary had begun to fill when it takes over', async () => {
    const member = await TestData.open();
    createCollection(member.data, 'db.tmp.agg_out.x', temporaryOptions(NO_OPTIONS));
    createCollection(member.data, 'db.c');
    dropTemporaryCollections(member.data);
    expect([...member.data.catalog.collections()].map(({ ns }) => ns)).toEqual(['db.c']);
  });
});

describe('$merge', () => {
  test.each<[string, object, object[]]>([
    [
      'merge',
      {},
      [
        { _id: 1, x: 0, a: 1 },
        { _id: 2, a: 2 },
      ],
    ],
    [
      'replace',
      { whenMatched: 'replace' },
      [
        { _id: 1, a: 1 },
        { _id: 2, a: 2 },
      ],
    ],
    [
      'keepExisting',
      { whenMatched: 'keepExisting' },
      [
        { _id: 1, x: 0 },
        { _id: 2, a: 2 },
      ],
    ],
    ['discard', { whenNotMatched: 'discard' }, [{ _id: 1, x: 0, a: 1 }]],
    [
      'a pipeline',
      { whenMatched: [{ $set: { s: { $add: ['$x', '$$new.a', '$$k'] } } }], let: { k: 10 } },
      [
        { _id: 1, x: 0, s: 11 },
        { _id: 2, a: 2 },
      ],
    ],
  ])('%s', async (_, modes, expected) => {
    const db = await open();
    await db.run({ insert: 't', documents: [{ _id: 1, x: 0 }] });
    expect(await db.run(aggregate({ $merge: { into: 't', ...modes } }))).toMatchObject({ ok: 1 });
    expect(db.member.find('db.t')).toEqual(expected);
  });

  test('that fails at one document has written the others of its batch', async () => {
    const db = await open();
    await db.run({ insert: 't', documents: [{ _id: 1, x: 0 }] });
    const reply = await db.run(aggregate({ $merge: { into: 't', whenMatched: 'fail' } }));
    expect(reply).toMatchObject({ ok: 0, code: 11000, keyValue: { _id: 1 } });
    expect(db.member.find('db.t')).toEqual([
      { _id: 1, x: 0 },
      { _id: 2, a: 2 },
    ]);
    const missing = await db.run(aggregate({ $set: { _id: 9 } }, { $merge: { into: 't', whenNotMatched: 'fail' } }));
    expect(missing).toMatchObject({ ok: 0, code: 13113, codeName: 'MergeStageNoMatchingDocument' });
  });

  test('by other fields needs a unique index over exactly them', async () => {
    const db = await open();
    await db.run({ insert: 't', documents: [{ _id: 7, a: 1 }] });
    const merge = aggregate({ $project: { _id: 0, a: 1, n: '$_id' } }, { $merge: { into: 't', on: 'a' } });
    expect(await db.run(merge)).toMatchObject({ ok: 0, code: 51183 });
    await db.run({ createIndexes: 't', indexes: [{ key: { a: 1 }, name: 'a_1', unique: true }] });
    expect(await db.run(merge)).toMatchObject({ ok: 1 });
    expect(db.member.find('db.t')).toMatchObject([
      { _id: 7, a: 1, n: 1 },
      { a: 2, n: 2 },
    ]);
  });

  test('treats a missing field as null when the unique index is not sparse, and refuses arrays', async () => {
    const db = await open();
    await db.run({ insert: 't', documents: [{ _id: 7, k: null }] });
    await db.run({ createIndexes: 't', indexes: [{ key: { k: 1 }, name: 'k_1', unique: true }] });
    const one = [{ $match: { _id: 1 } }, { $project: { _id: 0 } }];
    expect(await db.run(aggregate(...one, { $merge: { into: 't', on: 'k' } }))).toMatchObject({ ok: 1 });
    expect(db.member.find('db.t')).toEqual([{ _id: 7, k: null, a: 1 }]);
    const array = aggregate(...one, { $set: { k: ['$a'] } }, { $merge: { into: 't', on: 'k' } });
    expect(await db.run(array)).toMatchObject({ ok: 0, code: 51185 });
  });

  test.each<[unknown, number]>([
    [{ into: 't', whenMatched: 'fail', whenNotMatched: 'discard' }, 51181],
    [{ into: 't', whenMatched: 'x' }, 2],
    [{ into: 't', whenMatched: 1 }, 51191],
    [{ into: 't', on: [] }, 51187],
    [{ into: 't', let: { a: 1 } }, 51199],
    [{ into: { db: 'local', coll: 't' } }, 31320],
    [{ whenMatched: 'merge' }, 40414],
  ])('refuses %j with %i', async (operand, code) => {
    const db = await open();
    expect(await db.run(aggregate({ $merge: operand }))).toMatchObject({ ok: 0, code });
  });
});

test('a read concern of linearizable is refused', async () => {
  const db = await open();
  const reply = await db.run({ ...aggregate({ $merge: 't' }), readConcern: { level: 'linearizable' } });
  expect(reply).toMatchObject({ ok: 0, code: 72 });
});

test.each([{ db: 'other' }, { db: 'other', coll: '' }, { coll: null }, {}])(
  '$merge into %j names no collection',
  async (into) => {
    const db = await open();
    expect(await db.run(aggregate({ $merge: { into } }))).toMatchObject({ ok: 0, code: 5786801 });
  },
);
