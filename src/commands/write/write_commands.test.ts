import { Binary, Long } from 'bson';
import { describe, expect, test } from 'vitest';
import { ms } from '../../base/units.ts';
import { TestCommands } from '../../../tests/support/test_commands.ts';

const LSID = { id: new Binary(new Uint8Array(16).fill(9), 4) };

function retryable(txnNumber: number): object {
  return { lsid: LSID, txnNumber: Long.fromNumber(txnNumber) };
}

describe('insert', () => {
  test('stops at the first error when ordered, and goes on when not', async () => {
    const db = await TestCommands.open();
    const documents = [{ _id: 1 }, { _id: 1 }, { _id: 2 }];
    expect(await db.run({ insert: 'a', documents })).toMatchObject({ n: 1, writeErrors: [{ index: 1, code: 11000 }] });
    expect(await db.run({ insert: 'b', documents, ordered: false })).toMatchObject({
      n: 2,
      writeErrors: [{ index: 1 }],
    });
    expect(db.member.find('db.a')).toEqual([{ _id: 1 }]);
    expect(db.member.find('db.b')).toEqual([{ _id: 1 }, { _id: 2 }]);
  });

  test('refuses what it does not know, and what MongoDB knows and it cannot do', async () => {
    const db = await TestCommands.open();
    expect(await db.run({ insert: 'c', documents: [{}], foo: 1 })).toMatchObject({
      code: 40415,
      errmsg: "BSON field 'insert.foo' is an unknown field.",
    });
    expect(await db.run({ create: 'c', timeseries: { timeField: 't' } })).toMatchObject({ codeName: 'NotImplemented' });
    expect(
      await db.run({ update: 'c', updates: [{ q: {}, u: { $set: { a: 1 } } }], runtimeConstants: {} }),
    ).toMatchObject({
      codeName: 'NotImplemented',
    });
    expect(db.member.entries()).toEqual([]);
  });

  test('leaves the oplog and other system collections alone', async () => {
    const db = await TestCommands.open();
    for (const [$db, insert] of [
      ['local', 'oplog.rs'],
      ['config', 'transactions'],
      ['db', 'system.foo'],
    ]) {
      expect(await db.run({ insert, documents: [{ _id: 1 }], $db })).toMatchObject({ codeName: 'InvalidNamespace' });
    }
  });

  test('names the optime and the election in its reply', async () => {
    const db = await TestCommands.open();
    const { exchange, done } = db.start({ insert: 'c', documents: [{ _id: 1 }] });
    await done;
    expect(exchange.lastWrite).toEqual(db.member.oplog.lastWritten);
  });
});

describe('a retried statement', () => {
  test('is answered as before and not executed again', async () => {
    const db = await TestCommands.open();
    const insert = { insert: 'c', documents: [{ _id: 1, n: 0 }], ...retryable(1) };
    const update = { update: 'c', updates: [{ q: { _id: 1 }, u: { $inc: { n: 1 } } }], ...retryable(2) };
    const upsert = { update: 'c', updates: [{ q: { _id: 7 }, u: { $set: { a: 1 } }, upsert: true }], ...retryable(3) };
    const remove = { delete: 'c', deletes: [{ q: { _id: 7 }, limit: 1 }], ...retryable(4) };
    for (const command of [insert, update, upsert, remove]) {
      const first = await db.run(command);
      const written = db.member.oplog.lastWritten;
      expect(await db.run(command)).toEqual({ ...first, retriedStmtIds: [0] });
      expect(db.member.oplog.lastWritten).toEqual(written);
    }
    expect(db.member.find('db.c')).toEqual([{ _id: 1, n: 1 }]);
  });

  test('of findAndModify returns the image that was logged, also after a restart of memory', async () => {
    const db = await TestCommands.open();
    await db.run({ insert: 'c', documents: [{ _id: 1, n: 0 }] });
    const command = { findAndModify: 'c', query: {}, update: { $inc: { n: 1 } }, new: true, ...retryable(5) };
    const first = await db.run(command);
    await db.run({ update: 'c', updates: [{ q: {}, u: { $set: { n: 50 } } }] });
    db.member.data.sessions.forget();
    expect(await db.run(command)).toEqual(first);
    expect(first).toMatchObject({ value: { _id: 1, n: 1 }, lastErrorObject: { n: 1, updatedExisting: true } });
    expect(db.member.find('db.c')).toEqual([{ _id: 1, n: 50 }]);
  });

  test('of an older number, or of a multi update, is refused', async () => {
    const db = await TestCommands.open();
    await db.run({ insert: 'c', documents: [{ _id: 1 }], ...retryable(9) });
    expect(await db.run({ insert: 'c', documents: [{ _id: 2 }], ...retryable(8) })).toMatchObject({ code: 225 });
    const multi = { update: 'c', updates: [{ q: {}, u: { $set: { a: 1 } }, multi: true }], ...retryable(10) };
    expect(await db.run(multi)).toMatchObject({ writeErrors: [{ code: 72 }] });
  });
});

describe('update', () => {
  test('through an index that it moves documents in changes each of them once', async () => {
    const db = await TestCommands.open();
    await db.run({ insert: 'c', documents: [1, 5, 9].map((a) => ({ _id: a, a })) });
    await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a_1' }] });
    const update = { q: { a: { $gte: 1 } }, u: { $inc: { a: 3 } }, multi: true, hint: 'a_1' };
    expect(await db.run({ update: 'c', updates: [update] })).toMatchObject({ n: 3, nModified: 3 });
    expect(db.member.find('db.c').map((one) => one['a'])).toEqual([4, 8, 12]);
  });

  test('that changes nothing counts what it matched and logs nothing', async () => {
    const db = await TestCommands.open();
    await db.run({ insert: 'c', documents: [{ _id: 1, a: 1 }] });
    const before = db.member.oplog.lastWritten;
    const { exchange, done } = db.start({ update: 'c', updates: [{ q: { _id: 1 }, u: { $set: { a: 1 } } }] });
    expect(await done).toMatchObject({ n: 1, nModified: 0 });
    expect(exchange.lastWrite).toBeUndefined();
    expect(db.member.oplog.lastWritten).toEqual(before);
  });
});

describe('createIndexes', () => {
  test('beside running writes ends with an index that has every document once', async () => {
    const db = await TestCommands.open();
    const documents = Array.from({ length: 900 }, (_, i) => ({ _id: i, a: i % 10, l: [i, i + 1] }));
    await db.run({ insert: 'c', documents });
    const indexes = [
      { key: { a: 1, _id: -1 }, name: 'a' },
      { key: { l: 1 }, name: 'l' },
    ];
    const { clock } = db.member.data.env;
    let now = clock.monotonic();
    // Time passes with every look at the clock, so that the build goes on over many turns.
    Object.assign(clock, { monotonic: () => (now = ms(now + 3)) });
    let isBuilt = false;
    const building = db.start({ createIndexes: 'c', indexes }).done.finally(() => (isBuilt = true));
    let i = 0;
    for (; i < 60 && !isBuilt; i++) {
      await db.run({ update: 'c', updates: [{ q: { _id: i * 15 }, u: { $set: { a: 77, l: [-i] } } }] });
      await db.run({ delete: 'c', deletes: [{ q: { _id: i * 15 + 1 }, limit: 1 }] });
      await db.run({ insert: 'c', documents: [{ _id: `new${i}`, a: 1000 + i, l: [i] }] });
    }
    expect(i).toBeGreaterThan(10);
    expect(await building).toMatchObject({ numIndexesBefore: 1, numIndexesAfter: 3 });
    expect(await db.run({ validate: 'c' })).toMatchObject({ valid: true, errors: [] });
    expect(await db.run({ count: 'c', query: { a: 77 } })).toMatchObject({ n: i });
  });

  test('of a unique index over duplicates fails, leaves nothing behind and logs that it gave up', async () => {
    const db = await TestCommands.open();
    await db.run({
      insert: 'c',
      documents: [
        { _id: 1, a: 1 },
        { _id: 2, a: 1 },
      ],
    });
    const indexes = [{ key: { a: 1 }, name: 'a', unique: true }];
    expect(await db.run({ createIndexes: 'c', indexes })).toMatchObject({
      code: 11000,
      keyPattern: { a: 1 },
      keyValue: { a: 1 },
    });
    expect(await db.run({ listIndexes: 'c' })).toMatchObject({ cursor: { firstBatch: [{ name: '_id_' }] } });
    expect(await db.run({ insert: 'c', documents: [{ _id: 3, a: 1 }] })).toMatchObject({ n: 1 });
    const oplog = await db.run({ find: 'oplog.rs', filter: { op: 'c' }, projection: { o: 1, _id: 0 }, $db: 'local' });
    expect(JSON.stringify(oplog)).toContain('abortIndexBuild');
  });
});

describe('dropDatabase', () => {
  test('logs the drop of every collection, then its own entry', async () => {
    const db = await TestCommands.open();
    await db.run({ create: 'a' });
    await db.run({ create: 'b' });
    expect(await db.run({ dropDatabase: 1 })).toMatchObject({ dropped: 'db', ok: 1 });
    const entries = await db.run({ find: 'oplog.rs', filter: {}, projection: { _id: 0, o: 1 }, $db: 'local' });
    expect(entries).toMatchObject({
      cursor: { firstBatch: [{}, {}, { o: { drop: 'a' } }, { o: { drop: 'b' } }, { o: { dropDatabase: 1 } }] },
    });
  });
});
