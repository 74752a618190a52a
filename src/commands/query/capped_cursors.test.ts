import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({ create: 'c', capped: true, size: 100_000, max: 5 });
});

async function insert(...ids: readonly number[]): Promise<void> {
  await db.run({ insert: 'c', documents: ids.map((_id) => ({ _id })) });
}

interface Batch {
  readonly id: unknown;
  readonly ids: readonly unknown[];
}

function batchOf(reply: Reply): Batch {
  const cursor = reply['cursor'] as {
    readonly id: unknown;
    firstBatch?: { _id: unknown }[];
    nextBatch?: { _id: unknown }[];
  };
  return { id: cursor.id, ids: (cursor.firstBatch ?? cursor.nextBatch ?? []).map(({ _id }) => _id) };
}

async function tail(options: object = {}): Promise<Batch> {
  return batchOf(await db.run({ find: 'c', tailable: true, ...options }));
}

function next(id: unknown, options: object = {}): Promise<Reply> {
  return db.run({ getMore: BigInt(String(id)), collection: 'c', ...options });
}

describe('a tailable cursor on a capped collection', () => {
  test('stays open at the end and returns what comes later', async () => {
    await insert(1, 2, 3);
    const first = await tail({ batchSize: 2 });
    expect(first.ids).toEqual([1, 2]);
    expect(batchOf(await next(first.id)).ids).toEqual([3]);
    expect(batchOf(await next(first.id))).toEqual({ id: first.id, ids: [] });
    await insert(4, 5);
    expect(batchOf(await next(first.id)).ids).toEqual([4, 5]);
  });

  test('goes on when reads move to newer times, as on a secondary', async () => {
    await insert(1);
    const { data } = db.member;
    data.readTimestamp = db.member.oplog.lastWritten.ts;
    const { id } = await tail();
    for (const added of [2, 3]) {
      expect(batchOf(await next(id)).ids).toEqual([]);
      await insert(added);
      data.readTimestamp = db.member.oplog.lastWritten.ts;
      expect(batchOf(await next(id)).ids).toEqual([added]);
    }
  });

  test('is dead at once on an empty collection, but not when nothing matches', async () => {
    expect(await tail()).toEqual({ id: 0, ids: [] });
    await insert(1);
    const { id } = await tail({ filter: { _id: 2 } });
    await insert(2);
    expect(batchOf(await next(id)).ids).toEqual([2]);
  });

  test('waits for what comes when it may', async () => {
    await insert(1);
    const { id } = await tail({ awaitData: true });
    const waiting = next(id, { maxTimeMS: 1000 });
    await insert(2);
    expect(batchOf(await waiting).ids).toEqual([2]);
  });

  test('dies when the document it stands on is dropped', async () => {
    await insert(1);
    const { id } = await tail();
    await insert(2, 3, 4, 5, 6);
    expect(await next(id)).toMatchObject({ ok: 0, code: 136, codeName: 'CappedPositionLost' });
  });

  test('is not for other collections', async () => {
    await db.run({ insert: 'plain', documents: [{}] });
    expect(await db.run({ find: 'plain', tailable: true })).toMatchObject({ ok: 0, code: 2 });
  });
});

describe('a clustered collection', () => {
  beforeEach(async () => {
    const clusteredIndex = { key: { _id: 1 }, unique: true, name: 'ck' };
    expect(await db.run({ create: 'k', clusteredIndex })).toEqual({ ok: 1 });
    await db.run({ insert: 'k', documents: [3, 1, 2].map((_id) => ({ _id })) });
  });

  test('returns its documents in the order of _id', async () => {
    expect(batchOf(await db.run({ find: 'k' })).ids).toEqual([1, 2, 3]);
    expect(batchOf(await db.run({ find: 'k', sort: { $natural: -1 } })).ids).toEqual([3, 2, 1]);
    expect(batchOf(await db.run({ find: 'k', hint: 'ck', filter: { _id: { $gt: 1 } } })).ids).toEqual([2, 3]);
    expect(await db.run({ find: 'k', hint: '_id_' })).toMatchObject({ ok: 0, code: 2 });
    expect(await db.run({ insert: 'k', documents: [{ _id: 2 }] })).toMatchObject({ writeErrors: [{ code: 11000 }] });
  });

  test('shows what it is clustered by', async () => {
    const shown = { v: 2, key: { _id: 1 }, name: 'ck', unique: true };
    expect(await db.run({ listIndexes: 'k' })).toMatchObject({
      cursor: { firstBatch: [{ ...shown, clustered: true }] },
    });
    expect(await db.run({ listCollections: 1, filter: { name: 'k' } })).toMatchObject({
      cursor: { firstBatch: [{ options: { clusteredIndex: shown } }] },
    });
  });

  test.each<[object]>([
    [{ clusteredIndex: { key: { a: 1 }, unique: true } }],
    [{ clusteredIndex: { key: { _id: -1 }, unique: true } }],
    [{ clusteredIndex: { key: { _id: 1 }, unique: false } }],
    [{ clusteredIndex: { key: { _id: 1 } } }],
    [{ clusteredIndex: true }],
    [{ clusteredIndex: { key: { _id: 1 }, unique: true }, capped: true, size: 4096 }],
  ])('is not made with %j', async (options) => {
    expect(await db.run({ create: 'x', ...options })).toMatchObject({ ok: 0 });
  });
});
