import { Binary, Long } from 'bson';
import { describe, expect, test } from 'vitest';
import { ms } from '../../base/units.ts';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';
import { CURSOR_TIMEOUT_MS } from '../../database/run/cursors.ts';

function numbers(count: number): object[] {
  return Array.from({ length: count }, (_, i) => ({ _id: i, a: i % 3 }));
}

async function filled(count: number): Promise<TestCommands> {
  const db = await TestCommands.open();
  await db.run({ insert: 'c', documents: numbers(count) });
  return db;
}

interface CursorReply {
  readonly id: unknown;
  readonly firstBatch?: Reply[];
  readonly nextBatch?: Reply[];
}

function cursorOf(reply: Reply): CursorReply {
  return reply['cursor'] as CursorReply;
}

/** Numbers come back plain; a cursor's id has to be sent as an int64. */
function idOf(reply: Reply): Long {
  return Long.fromString(String(cursorOf(reply).id));
}

describe('a cursor', () => {
  test('gives everything once, in batches, and is closed by the last one', async () => {
    const db = await filled(250);
    const found = await db.run({ find: 'c', sort: { _id: 1 } });
    expect(cursorOf(found).firstBatch).toHaveLength(101);
    const second = await db.run({ getMore: idOf(found), collection: 'c', batchSize: 100 });
    const third = await db.run({ getMore: idOf(found), collection: 'c' });
    expect(cursorOf(second).nextBatch).toHaveLength(100);
    expect(cursorOf(third).nextBatch).toHaveLength(49);
    expect(String(cursorOf(third).id)).toBe('0');
    expect(db.member.data.cursors.count).toBe(0);
  });

  test('belongs to its collection and its session, and a wrong request leaves it usable', async () => {
    const db = await filled(5);
    const lsid = { id: new Binary(new Uint8Array(16).fill(1), 4) };
    const found = await db.run({ find: 'c', batchSize: 1, lsid });
    const getMore = idOf(found);
    expect(await db.run({ getMore, collection: 'd', lsid })).toMatchObject({ code: 13 });
    expect(await db.run({ getMore, collection: 'c' })).toMatchObject({ code: 50737 });
    expect(await db.run({ getMore, collection: 'c', maxTimeMS: 5, lsid })).toMatchObject({ codeName: 'BadValue' });
    expect(cursorOf(await db.run({ getMore, collection: 'c', lsid })).nextBatch).toHaveLength(4);
    expect(await db.run({ getMore, collection: 'c', lsid })).toMatchObject({ code: 43 });
  });

  test('dies with its collection, with its index, when it is killed, and after ten idle minutes', async () => {
    const db = await filled(5);
    await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a' }] });
    const open = async (hint: string): Promise<Long> => idOf(await db.run({ find: 'c', hint, batchSize: 1 }));
    const byIndex = await open('a');
    await db.run({ dropIndexes: 'c', index: 'a' });
    expect(await db.run({ getMore: byIndex, collection: 'c' })).toMatchObject({
      errmsg: "query plan killed :: index 'a' dropped",
    });
    const killed = await open('_id_');
    expect(await db.run({ killCursors: 'c', cursors: [killed, Long.ONE] })).toMatchObject({ cursorsNotFound: [1] });
    expect(await db.run({ getMore: killed, collection: 'c' })).toMatchObject({ code: 43 });
    const idle = await open('_id_');
    const kept = idOf(await db.run({ find: 'c', batchSize: 1, noCursorTimeout: true }));
    db.member.env.advance(CURSOR_TIMEOUT_MS + 60_000);
    expect(await db.run({ getMore: idle, collection: 'c' })).toMatchObject({ code: 43 });
    await db.run({ drop: 'c' });
    expect(await db.run({ getMore: kept, collection: 'c' })).toMatchObject({ codeName: 'QueryPlanKilled' });
  });

  test('ends with an error when its operation is interrupted between two turns', async () => {
    const db = await filled(2000);
    const { exchange, done } = slow(db, { find: 'c', filter: { a: 5 } });
    exchange.interrupt(new Error('stop') as never);
    expect(await done).toMatchObject({ ok: 0 });
    expect(db.member.data.cursors.count).toBe(0);
  });
});

/** A query during which time passes: it pauses after its first look at the clock. */
function slow(db: TestCommands, command: object): ReturnType<TestCommands['start']> {
  const { clock } = db.member.data.env;
  const still = clock.monotonic();
  let now = still;
  Object.assign(clock, { monotonic: () => (now = ms(now + 10)) });
  const started = db.start(command);
  Object.assign(clock, { monotonic: () => still });
  return started;
}

describe('a query over several turns', () => {
  test('lets others write in between and loses nothing that was there from the start', async () => {
    const db = await filled(1000);
    const { done } = slow(db, { find: 'c', filter: { a: 1 }, batchSize: 1000 });
    await db.run({ insert: 'c', documents: [{ _id: 'late', a: 1 }] });
    const { firstBatch } = cursorOf(await done);
    expect(firstBatch?.length).toBe(334);
  });

  test('ends with MaxTimeMSExpired when its time is over', async () => {
    const db = await filled(1000);
    const { done } = slow(db, { find: 'c', filter: { a: 1 }, maxTimeMS: 15 });
    Object.assign(db.member.data.env.clock, { monotonic: () => ms(2e12) });
    expect(await done).toMatchObject({ code: 50 });
  });
});

describe('the oplog as a collection', () => {
  test('is read by times, forwards and backwards', async () => {
    const db = await filled(5);
    const all = await db.run({ find: 'oplog.rs', filter: { op: 'i' }, $db: 'local' });
    const entries = cursorOf(all).firstBatch ?? [];
    expect(entries).toHaveLength(5);
    const ts = entries[1]['ts'];
    const project = { projection: { _id: 0, o: 1 }, $db: 'local' };
    const from = await db.run({ find: 'oplog.rs', filter: { ts: { $gte: ts } }, limit: 2, ...project });
    expect(cursorOf(from).firstBatch).toEqual([{ o: { _id: 1, a: 1 } }, { o: { _id: 2, a: 2 } }]);
    const before = await db.run({
      find: 'oplog.rs',
      filter: { ts: { $lt: ts }, op: 'i' },
      sort: { $natural: -1 },
      ...project,
    });
    expect(cursorOf(before).firstBatch).toEqual([{ o: { _id: 0, a: 0 } }]);
    const last = await db.run({ find: 'oplog.rs', sort: { $natural: -1 }, limit: 1, ...project });
    expect(cursorOf(last).firstBatch).toEqual([{ o: { _id: 4, a: 1 } }]);
  });

  test('wakes a waiting getMore with the next entry, and lets it go empty when its time is over', async () => {
    const db = await filled(1);
    const tail = { tailable: true, awaitData: true, $db: 'local' };
    const found = await db.run({ find: 'oplog.rs', filter: { op: 'i' }, ...tail });
    const getMore = { getMore: idOf(found), collection: 'oplog.rs', $db: 'local', maxTimeMS: 500 };
    const { done } = db.start(getMore);
    await db.run({ insert: 'c', documents: [{ _id: 'next' }] });
    expect(cursorOf(await done).nextBatch).toMatchObject([{ o: { _id: 'next' } }]);
    const empty = db.start(getMore);
    db.member.env.advance(600);
    expect(cursorOf(await empty.done)).toMatchObject({ nextBatch: [], id: cursorOf(found).id });
  });

  test('answers a member at once when the commit point has moved', async () => {
    const db = await filled(1);
    const found = await db.run({ find: 'oplog.rs', tailable: true, awaitData: true, $db: 'local' });
    const { lastWritten } = db.member.oplog;
    const known = { ts: cursorOf(found).firstBatch?.at(-1)?.['ts'], t: Long.ONE };
    const getMore = { getMore: idOf(found), collection: 'oplog.rs', $db: 'local', lastKnownCommittedOpTime: known };
    db.member.data.commitPoint = lastWritten;
    const { done } = db.start(getMore);
    db.member.data.commitPoint = { ts: (lastWritten.ts + 1) as never, t: lastWritten.t };
    expect(cursorOf(await done).nextBatch).toEqual([]);
  });

  test('is not shown further than readers may see', async () => {
    const db = await filled(3);
    db.member.data.readTimestamp = (db.member.oplog.lastWritten.ts - 1) as never;
    const found = await db.run({ find: 'oplog.rs', filter: { op: 'i' }, $db: 'local' });
    expect(cursorOf(found).firstBatch).toHaveLength(2);
    db.member.data.readTimestamp = db.member.oplog.lastWritten.ts;
    expect(cursorOf(await db.run({ find: 'oplog.rs', filter: { op: 'i' }, $db: 'local' })).firstBatch).toHaveLength(3);
  });
});
