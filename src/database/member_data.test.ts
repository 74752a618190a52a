import { describe, expect, test } from 'vitest';
import { TIMESTAMP_MAX } from '../base/optime.ts';
import { encodeDocument, decodePlain } from '../bson/codec.ts';
import { checkData } from './check.ts';
import { dropCollection, renameCollection } from './write/write_catalog.ts';
import { TestData } from './test_support.ts';

describe('a member alone', () => {
  test('finds by _id what was inserted', async () => {
    const member = await TestData.open();
    member.insert('db.c', { _id: 1, a: 'x' });
    member.insert('db.c', { _id: 2, a: 'y' });
    expect(member.find('db.c', { _id: 2 })).toEqual([{ _id: 2, a: 'y' }]);
    expect(member.find('db.c')).toEqual([
      { _id: 1, a: 'x' },
      { _id: 2, a: 'y' },
    ]);
  });

  test('refuses a second document with the same _id and changes nothing', async () => {
    const member = await TestData.open();
    member.insert('db.c', { _id: 1, a: 'x' });
    const before = member.oplog.lastWritten;
    expect(() => member.insert('db.c', { _id: 1, a: 'y' })).toThrow(
      'E11000 duplicate key error collection: db.c index: _id_ dup key: { _id: 1 }',
    );
    expect(member.oplog.lastWritten).toEqual(before);
    expect(member.find('db.c')).toEqual([{ _id: 1, a: 'x' }]);
  });

  test('gives a document without _id one, and moves _id to the front', async () => {
    const member = await TestData.open();
    member.insert('db.c', { a: 1 });
    member.insert('db.c', { a: 2, _id: 7 });
    const [first, second] = member.find('db.c');
    expect(Object.keys(first)).toEqual(['_id', 'a']);
    expect(Object.keys(second)).toEqual(['_id', 'a']);
  });

  test('keeps indexes in step with inserts, updates and deletes', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1 });
    member.index('db.c', { tags: 1 });
    for (let i = 0; i < 50; i++) member.insert('db.c', { _id: i, a: i % 7, tags: ['t', `t${i % 3}`] });
    member.update('db.c', { a: { $gte: 3 } }, { $inc: { a: 10 }, $set: { tags: [] } }, { isMulti: true });
    expect(member.delete('db.c', { a: 1 }, true)).toBe(7);
    expect(member.find('db.c', { a: 13 }).map((one) => one['_id'])).toEqual([3, 10, 17, 24, 31, 38, 45]);
    expect(await checkData(member.data)).toEqual([]);
  });

  test('refuses duplicates of a unique index with the key that is there already', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1, 'b.c': 1 }, { unique: true });
    member.insert('db.c', { _id: 1, a: 1, b: [{ c: 3 }, { c: 4 }] });
    expect(() => member.insert('db.c', { _id: 2, a: 1, b: { c: 4 } })).toThrow('dup key: { a: 1, b.c: 4 }');
    member.insert('db.c', { _id: 2, a: 2, b: { c: 4 } });
    expect(() => member.update('db.c', { _id: 2 }, { $set: { a: 1 } })).toThrow('E11000');
    expect(await checkData(member.data)).toEqual([]);
  });
});

describe('after a restart', () => {
  test('what the journal holds after the checkpoint is there again', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1 });
    for (let i = 0; i < 20; i++) member.insert('db.c', { _id: i, a: i });
    await member.checkpoint();
    member.update('db.c', { _id: 3 }, { $set: { a: 33 } });
    member.delete('db.c', { _id: 4 });
    member.insert('db.new', { _id: 1 });
    const before = await member.data.hash();
    await member.restart();
    expect(await member.data.hash()).toEqual(before);
    expect(member.find('db.c', { a: 33 })).toEqual([{ _id: 3, a: 33 }]);
    expect(member.data.catalog.find('db.c')?.count).toBe(19);
    expect(await checkData(member.data)).toEqual([]);
  });

  test('an index with arrays is still known to be multikey', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1 });
    member.insert('db.c', { _id: 1, a: [1, 2] });
    await member.checkpoint();
    await member.restart();
    expect(member.find('db.c', { a: { $gte: 1, $lte: 2 } })).toHaveLength(1);
    expect(await checkData(member.data)).toEqual([]);
  });

  test('a dropped collection stays dropped and a renamed one keeps its documents', async () => {
    const member = await TestData.open();
    member.insert('db.a', { _id: 1 });
    member.insert('db.b', { _id: 2 });
    await member.checkpoint();
    dropCollection(member.data, member.collection('db.a'));
    renameCollection(member.data, member.collection('db.b'), 'db.a', undefined);
    await member.restart();
    expect(member.find('db.a')).toEqual([{ _id: 2 }]);
    expect(member.data.catalog.find('db.b')).toBeUndefined();
    await member.checkpoint();
    await member.restart();
    expect(member.find('db.a')).toEqual([{ _id: 2 }]);
  });

  test('new record ids go on behind the old ones', async () => {
    const member = await TestData.open();
    member.insert('db.c', { _id: 'z' });
    await member.checkpoint();
    await member.restart();
    member.insert('db.c', { _id: 'a' });
    expect(member.find('db.c').map((one) => one['_id'])).toEqual(['z', 'a']);
  });
});

describe('a rollback', () => {
  test('takes back documents, indexes and collections, and hands over what it takes', async () => {
    const member = await TestData.open();
    member.insert('db.c', { _id: 1, a: 1 });
    member.insert('db.c', { _id: 2, a: 2 });
    const commonPoint = member.oplog.lastWritten;
    const before = await member.data.hash();
    member.update('db.c', { _id: 1 }, { $set: { a: [1, 2] } });
    member.delete('db.c', { _id: 2 });
    member.insert('db.c', { _id: 3 });
    member.insert('db.later', { _id: 1 });
    dropCollection(member.data, member.collection('db.later'));
    member.data.acceptsWrites = false;
    const removed: [string, unknown][] = [];
    await member.data.rollBackTo(commonPoint, (ns, _uuid, documents) => {
      for (const document of documents) removed.push([ns, decodePlain(document)]);
    });
    expect(removed).toEqual([
      ['db.c', { _id: 1, a: [1, 2] }],
      ['db.c', { _id: 3 }],
    ]);
    expect(await member.data.hash()).toEqual(before);
    expect(member.data.catalog.find('db.later')).toBeUndefined();
    expect(member.oplog.lastWritten).toEqual(commonPoint);
    expect(await checkData(member.data)).toEqual([]);
  });

  test('brings a dropped collection back', async () => {
    const member = await TestData.open();
    member.insert('db.c', { _id: 1 });
    const commonPoint = member.oplog.lastWritten;
    dropCollection(member.data, member.collection('db.c'));
    member.data.acceptsWrites = false;
    await member.data.rollBackTo(commonPoint, () => {});
    expect(member.find('db.c')).toEqual([{ _id: 1 }]);
    await member.restart();
    expect(member.find('db.c')).toEqual([{ _id: 1 }]);
  });

  // Seed 265: the table went at once, and the state on disk still named it.
  test('leaves tables that were dropped before the common point to the checkpoint that passes the drop', async () => {
    const member = await TestData.open();
    member.insert('db.c', { _id: 1 });
    const dropped = member.collection('db.c').documents.id;
    await member.checkpoint();
    dropCollection(member.data, member.collection('db.c'));
    const commonPoint = member.oplog.lastWritten;
    member.insert('db.other', { _id: 2 });
    member.data.acceptsWrites = false;
    await member.data.rollBackTo(commonPoint, () => {});
    await member.store.checkpoint();
    await member.restart();
    expect(member.find('db.c')).toEqual([]);
    await member.checkpoint();
    expect(member.store.hasTable(dropped)).toBe(false);
  });
});

describe('what is not replicated', () => {
  test('collections of local leave no entries and survive a rollback', async () => {
    const member = await TestData.open();
    member.insert('db.c', { _id: 1 });
    const commonPoint = member.oplog.lastWritten;
    member.insert('local.mine', { _id: 1 });
    expect(member.oplog.lastWritten).toEqual(commonPoint);
    member.insert('db.c', { _id: 2 });
    member.data.acceptsWrites = false;
    await member.data.rollBackTo(commonPoint, () => {});
    expect(member.find('local.mine')).toEqual([{ _id: 1 }]);
    await member.checkpoint();
    await member.restart();
    expect(member.find('local.mine')).toEqual([{ _id: 1 }]);
  });

  test('clients cannot write before the member says that it takes writes', async () => {
    const member = await TestData.open();
    member.data.acceptsWrites = false;
    expect(() => member.insert('db.c', { _id: 1 })).toThrow('not primary');
    member.data.appendNoop(encodeDocument({ msg: 'new primary' }));
    expect(member.entries()).toHaveLength(1);
  });
});

describe('readers at a timestamp', () => {
  test('do not see what came later', async () => {
    const member = await TestData.open();
    member.insert('db.c', { _id: 1, a: 1 });
    const at = member.oplog.lastWritten.ts;
    member.insert('db.c', { _id: 2, a: 1 });
    member.update('db.c', { _id: 1 }, { $set: { a: 2 } });
    expect(member.find('db.c', {}, { at })).toEqual([{ _id: 1, a: 1 }]);
    expect(member.find('db.c', {}, { at: TIMESTAMP_MAX })).toHaveLength(2);
  });

  test('pass over an index that was built after their timestamp', async () => {
    const member = await TestData.open();
    member.insert('db.c', { _id: 1, a: 1 });
    const at = member.oplog.lastWritten.ts;
    member.delete('db.c', { _id: 1 });
    member.index('db.c', { a: 1 });
    expect(member.find('db.c', { a: 1 }, { at })).toEqual([{ _id: 1, a: 1 }]);
    expect(member.find('db.c', { a: 1 })).toEqual([]);
  });
});
