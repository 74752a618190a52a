import { Binary, Long } from 'bson';
import { describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

const NS_INFO = [{ ns: 'db.c' }, { ns: 'db.d' }];
const LSID = { id: new Binary(new Uint8Array(16).fill(7), 4) };

function bulkWrite(db: TestCommands, ops: readonly object[], options: object = {}): Promise<Reply> {
  return db.run({ bulkWrite: 1, ops, nsInfo: NS_INFO, ...options, $db: 'admin' });
}

describe('bulkWrite', () => {
  test('writes to several collections and tells what each operation did', async () => {
    const db = await TestCommands.open();
    const ops = [
      { insert: 0, document: { _id: 1, n: 1 } },
      { insert: 1, document: { _id: 2 } },
      { update: 0, filter: { _id: 1 }, updateMods: { $inc: { n: 1 } } },
      { update: 0, filter: { _id: 9 }, updateMods: { n: 9 }, upsert: true },
      { delete: 1, filter: {}, multi: true },
    ];
    expect(await bulkWrite(db, ops)).toEqual({
      cursor: {
        firstBatch: [
          { ok: 1, idx: 0, n: 1 },
          { ok: 1, idx: 1, n: 1 },
          { ok: 1, idx: 2, n: 1, nModified: 1 },
          { ok: 1, idx: 3, n: 1, nModified: 0, upserted: { _id: 9 } },
          { ok: 1, idx: 4, n: 1 },
        ],
        id: 0,
        ns: 'admin.$cmd.bulkWrite',
      },
      ...{ nErrors: 0, nInserted: 2, nMatched: 1, nModified: 1, nUpserted: 1, nDeleted: 1, ok: 1 },
    });
    expect(db.member.find('db.c')).toEqual([
      { _id: 1, n: 2 },
      { _id: 9, n: 9 },
    ]);
    expect(db.member.find('db.d')).toEqual([]);
  });

  test('stops at the first error when ordered, and goes on when not', async () => {
    const ops = [1, 1, 2].map((_id) => ({ insert: 0, document: { _id } }));
    const ordered = await bulkWrite(await TestCommands.open(), ops);
    expect(ordered).toMatchObject({ nErrors: 1, nInserted: 1, cursor: { firstBatch: [{ ok: 1 }, { idx: 1 }] } });
    const unordered = await bulkWrite(await TestCommands.open(), ops, { ordered: false, errorsOnly: true });
    expect(unordered).toMatchObject({ nErrors: 1, nInserted: 2 });
    expect(unordered).toMatchObject({
      cursor: { firstBatch: [{ ok: 0, idx: 1, code: 11000, keyPattern: { _id: 1 }, keyValue: { _id: 1 }, n: 0 }] },
    });
  });

  test('is applied once when it is sent twice under one txnNumber', async () => {
    const db = await TestCommands.open();
    const ops = [
      { insert: 0, document: { _id: 1, n: 0 } },
      { update: 0, filter: { _id: 1 }, updateMods: { $inc: { n: 1 } } },
      { update: 0, filter: { _id: 2 }, updateMods: { $inc: { n: 1 } }, upsert: true },
      { delete: 0, filter: { _id: 2 } },
    ];
    const retryable = { lsid: LSID, txnNumber: Long.fromNumber(1), stmtIds: [5, 6, 7, 8] };
    const first = await bulkWrite(db, ops, retryable);
    expect(await bulkWrite(db, ops, retryable)).toEqual({ ...first, retriedStmtIds: [5, 6, 7, 8] });
    expect(db.member.find('db.c')).toEqual([{ _id: 1, n: 1 }]);
  });

  test('gives its results in batches', async () => {
    const db = await TestCommands.open();
    const ops = [1, 2, 3].map((_id) => ({ insert: 0, document: { _id } }));
    const reply = await bulkWrite(db, ops, { cursor: { batchSize: 2 } });
    expect(reply).toMatchObject({ cursor: { firstBatch: [{ idx: 0 }, { idx: 1 }] }, nInserted: 3 });
    const { id } = reply['cursor'] as { id: unknown };
    expect(
      await db.run({ getMore: Long.fromString(String(id)), collection: '$cmd.bulkWrite', $db: 'admin' }),
    ).toMatchObject({
      cursor: { nextBatch: [{ idx: 2 }], id: 0 },
    });
  });

  test.each([
    [[{ insert: 2, document: {} }], {}, { code: 2 }],
    [[{ insert: 0 }], {}, { code: 40414 }],
    [[{ insert: -1, document: {} }], {}, { code: 51024 }],
    [[{ replace: 0, filter: {} }], {}, { code: 9 }],
    [[{ delete: 0, filter: {}, updateMods: {} }], {}, { code: 40415 }],
    [[{ update: 0, filter: {}, updateMods: {}, sort: { a: 1 }, multi: true }], {}, { code: 9 }],
    [[], {}, { code: 16 }],
    [[{ insert: 0, document: {} }], { stmtIds: [1, 2] }, { code: 16 }],
    [[{ insert: 0, document: {} }], { nsInfo: [{ ns: 'c' }] }, { code: 73 }],
    [[{ insert: 0, document: {} }], { nsInfo: [{ ns: 'db.c' }, { ns: 'db.c' }] }, { code: 2 }],
    [[{ insert: 0, document: {} }], { foo: 1 }, { code: 40415 }],
  ])('refuses %j with %j', async (ops, options, refusal) => {
    const db = await TestCommands.open();
    expect(await bulkWrite(db, ops, options)).toMatchObject({ ok: 0, ...refusal });
    expect(db.member.entries()).toEqual([]);
  });

  test('tells which rule of a validator a document breaks', async () => {
    const db = await TestCommands.open();
    await db.run({ create: 'c', validator: { n: { $gt: 0 } } });
    const ops = [{ insert: 0, document: { _id: 1, n: 0 } }];
    expect(await bulkWrite(db, ops)).toMatchObject({
      cursor: { firstBatch: [{ ok: 0, code: 121, errInfo: { failingDocumentId: 1 } }] },
    });
    expect(await bulkWrite(db, ops, { bypassDocumentValidation: true })).toMatchObject({ nInserted: 1 });
  });

  test('runs on admin only', async () => {
    const db = await TestCommands.open();
    const ops = [{ insert: 0, document: {} }];
    expect(await db.run({ bulkWrite: 1, ops, nsInfo: NS_INFO })).toMatchObject({ codeName: 'Unauthorized' });
  });
});
