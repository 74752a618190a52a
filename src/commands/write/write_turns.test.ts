/**
 * Writes of many documents give the loop back. Measured in a time of its own, whatever the machine does meanwhile: each
 * written document takes 50 µs of it, and nothing else takes any.
 */
import { beforeEach, expect, test } from 'vitest';
import { TURN_MS_MAX } from '../../base/limits.ts';
import { ms } from '../../base/units.ts';
import { TestData } from '../../database/test_support.ts';
import { TestCommands } from '../../../tests/support/test_commands.ts';

const DOCUMENTS = 20_000;
const WRITE_MS = 0.05;

/** A turn, and what may pass until the clock is looked at. */
const STALL_MS_MAX = 2 * TURN_MS_MAX;

/** The time by what was logged, and the longest part of it between two moments at which others had their turn. */
class WriteTime {
  longestMs = 0;
  turns = 0;
  #now = 0;
  #turnBegan = 0;

  constructor({ env, data }: TestData) {
    const { oplog } = data;
    const append = oplog.append.bind(oplog);
    oplog.append = (...entry) => {
      this.#now += WRITE_MS;
      append(...entry);
    };
    Object.defineProperty(env.clock, 'monotonic', { value: () => ms(this.#now) });
    // The commands have one, the data another.
    for (const one of [env, data.env]) {
      const breathe = one.breathe.bind(one);
      Object.defineProperty(one, 'breathe', {
        value: async () => {
          this.#note();
          await breathe();
          this.#turnBegan = this.#now;
        },
      });
    }
  }

  /** Lets a time pass that one written document takes. */
  pass(): void {
    this.#now += WRITE_MS;
  }

  #note(): void {
    this.turns += 1;
    this.longestMs = Math.max(this.longestMs, this.#now - this.#turnBegan);
  }
}

const INSERTED = Array.from({ length: DOCUMENTS }, (_, i) => ({ _id: i, a: i % 100 }));

let db: TestCommands;
let time: WriteTime;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'a' }] });
  time = new WriteTime(db.member);
});

function expectTurns(): void {
  expect(time.turns).toBeGreaterThan((DOCUMENTS * WRITE_MS) / STALL_MS_MAX);
  expect(time.longestMs).toBeLessThanOrEqual(STALL_MS_MAX);
}

test('an insert of many documents gives the loop back', async () => {
  expect(await db.run({ insert: 'c', documents: INSERTED })).toMatchObject({ n: DOCUMENTS });
  expectTurns();
});

test('a bulkWrite of many operations gives the loop back', async () => {
  const ops = INSERTED.map((document) => ({ insert: 0, document }));
  const bulk = { bulkWrite: 1, $db: 'admin', ops, nsInfo: [{ ns: 'db.c' }], errorsOnly: true };
  expect(await db.run(bulk)).toMatchObject({ nInserted: DOCUMENTS });
  expectTurns();
});

test.each([
  ['an update', { update: 'c', updates: [{ q: {}, u: { $inc: { a: 1 } }, multi: true }] }],
  ['an update by an index', { update: 'c', updates: [{ q: { a: { $gte: 0 } }, u: { $inc: { a: 1 } }, multi: true }] }],
  ['an update by a pipeline', { update: 'c', updates: [{ q: {}, u: [{ $set: { b: '$a' } }], multi: true }] }],
  ['many updates of one document', { update: 'c', updates: INSERTED.map(({ _id }) => ({ q: { _id }, u: { b: 1 } })) }],
  ['a delete', { delete: 'c', deletes: [{ q: {}, limit: 0 }] }],
  ['a delete by an index', { delete: 'c', deletes: [{ q: { a: { $gte: 0 } }, limit: 0 }] }],
])('%s of many documents gives the loop back', async (_, command) => {
  await db.run({ insert: 'c', documents: INSERTED });
  time = new WriteTime(db.member);
  expect(await db.run(command)).toMatchObject({ ok: 1, n: DOCUMENTS });
  expectTurns();
});

test.each([
  ['an update', { update: 'c', updates: [{ q: { isLate: true }, u: { $inc: { a: 1 } }, multi: true }] }],
  ['a delete', { delete: 'c', deletes: [{ q: { isLate: true }, limit: 0 }] }],
])('%s that finds its documents after many others gives the loop back', async (_, command) => {
  await db.run({ insert: 'c', documents: INSERTED.map((one) => ({ ...one, isLate: one._id >= DOCUMENTS / 2 })) });
  time = new WriteTime(db.member);
  expect(await db.run(command)).toMatchObject({ ok: 1, n: DOCUMENTS / 2 });
  expect(time.longestMs).toBeLessThanOrEqual(STALL_MS_MAX);
});

test.each([
  ['$merge', { $merge: 'd' }],
  ['$out', { $out: 'd' }],
])('a pipeline with %s gives the loop back', async (_, stage) => {
  await db.run({ insert: 'c', documents: INSERTED });
  time = new WriteTime(db.member);
  expect(await db.run({ aggregate: 'c', pipeline: [stage], cursor: {} })).toMatchObject({ ok: 1 });
  expectTurns();
});

test('a secondary that applies many entries gives the loop back', async () => {
  await db.run({ insert: 'c', documents: INSERTED });
  const entries = entriesOf(db.member);
  const secondary = await TestData.open();
  time = new WriteTime(secondary);
  await secondary.data.applyBatch(passingTime(entries, time), 'steady');
  expect(secondary.find('db.c')).toHaveLength(DOCUMENTS);
  expectTurns();
});

function entriesOf({ oplog }: TestData): Uint8Array[] {
  const entries: Uint8Array[] = [];
  const reader = oplog.reader({});
  for (let entry = reader.next(); entry !== undefined; entry = reader.next()) entries.push(entry);
  return entries;
}

/** The entries, each of which takes its time. */
function passingTime(entries: readonly Uint8Array[], spent: WriteTime): readonly Uint8Array[] {
  return Object.assign([...entries], {
    *[Symbol.iterator](): Generator<Uint8Array> {
      for (const entry of entries) {
        spent.pass();
        yield entry;
      }
    },
  });
}
