import { describe, expect, test } from 'vitest';
import type { Env } from '../base/env.ts';
import { NO_LOG } from '../base/log.ts';
import { MemoryFiles } from '../base/memory_files.ts';
import { OPTIME_NULL, TIMESTAMP_NULL, termOf, timestampOf, type OpTime, type Timestamp } from '../base/optime.ts';
import { ms, unixMs } from '../base/units.ts';
import { encodeDocument } from '../bson/codec.ts';
import { Journal } from '../storage/journal.ts';
import { EntryBuilder, entryOpTime } from './entry.ts';
import { Oplog, type OplogOptions } from './oplog.ts';
import type { OplogReader } from './oplog_reader.ts';

let wallNow = 1_000_000;

function testEnv(files: MemoryFiles): Env {
  const unused = (): never => {
    throw new Error('not used');
  };
  return {
    files: files.process(),
    clock: { wall: () => unixMs(wallNow), monotonic: () => ms(0) },
    timers: { after: () => () => {} },
    random: { uint32: unused, bytes: unused },
    network: { listen: unused, connect: unused },
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    endOfTurn: (callback) => void setImmediate(callback),
  };
}

async function openOn(files: MemoryFiles, options: Partial<OplogOptions> = {}): Promise<Oplog> {
  const env = testEnv(files);
  const onFailure = (error: unknown): void => {
    throw error;
  };
  const journal = await Journal.open({ env, log: NO_LOG, directory: 'journal', segmentSizeBytes: 32768, onFailure });
  return Oplog.open({ env, log: NO_LOG, journal, ...options });
}

const builder = new EntryBuilder();

function optimeOf(n: number, term = 1): OpTime {
  return { ts: timestampOf(n, n % 7), t: termOf(term) };
}

function entryOf(n: number, term = 1): Uint8Array {
  const o = encodeDocument({ _id: n, text: 'x'.repeat(n % 90) });
  return builder.build({ op: 'i', ns: 'test.c', o }, { optime: optimeOf(n, term), wall: unixMs(n * 1000) });
}

function fill(oplog: Oplog, from: number, to: number, term = 1): void {
  for (let n = from; n <= to; n++) oplog.append(entryOf(n, term), optimeOf(n, term), unixMs(n * 1000));
}

function timestampsOf(reader: OplogReader): Timestamp[] {
  const found: Timestamp[] = [];
  for (let entry = reader.next(); entry !== undefined; entry = reader.next()) found.push(entryOpTime(entry).ts);
  return found;
}

function range(from: number, to: number): Timestamp[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => optimeOf(from + i).ts);
}

const SMALL_TAIL = { tailBytesMax: 2000 };

describe('appending', () => {
  test('written and durable positions are told with their wall clocks', async () => {
    const oplog = await openOn(new MemoryFiles());
    expect([oplog.lastWritten, oplog.lastDurable, oplog.oldest]).toEqual([OPTIME_NULL, OPTIME_NULL, undefined]);
    fill(oplog, 1, 10);
    expect([oplog.lastWritten, oplog.lastWrittenWall]).toEqual([optimeOf(10), 10_000]);
    expect(oplog.lastDurable).toEqual(OPTIME_NULL);
    const told: OpTime[] = [];
    const end = oplog.onDurable((optime) => told.push(optime));
    await oplog.durableAt(optimeOf(4));
    expect([oplog.lastDurable, oplog.lastDurableWall]).toEqual([optimeOf(10), 10_000]);
    end();
    fill(oplog, 11, 12);
    await oplog.durableAt(optimeOf(12));
    expect(told).toEqual([optimeOf(10)]);
    expect([oplog.oldest, oplog.count]).toEqual([optimeOf(1), 12]);
  });

  test('appends of one turn wake followers once', async () => {
    const oplog = await openOn(new MemoryFiles());
    let calls = 0;
    const end = oplog.onAppend(() => {
      calls += 1;
    });
    fill(oplog, 1, 10);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(1);
    end();
  });

  test('a timestamp that does not ascend is a bug', async () => {
    const oplog = await openOn(new MemoryFiles());
    fill(oplog, 1, 5);
    expect(() => fill(oplog, 5, 5)).toThrow('timestamps in the oplog ascend');
    expect(() => fill(oplog, 6, 6, 0)).toThrow('terms');
  });
});

describe.each([{ tailBytesMax: 1_000_000 }, SMALL_TAIL])('reading with a tail of $tailBytesMax bytes', (options) => {
  test('every bound finds its place, in memory and on disk, before and after opening again', async () => {
    const files = new MemoryFiles();
    let oplog = await openOn(files, options);
    fill(oplog, 10, 900);
    await oplog.durableAt(optimeOf(900));
    fill(oplog, 901, 905);
    for (const phase of ['written', 'opened']) {
      for (const n of [1, 9, 10, 11, 100, 437, 438, 850, 899, 904, 905, 906]) {
        expect(timestampsOf(oplog.reader({ from: optimeOf(n).ts })), phase).toEqual(range(Math.max(10, n), 905));
        expect(timestampsOf(oplog.reader({ after: optimeOf(n).ts }))).toEqual(range(Math.max(10, n + 1), 905));
        expect(timestampsOf(oplog.reader({ from: optimeOf(n).ts, reverse: true }))).toEqual(
          range(Math.max(10, n), 905).toReversed(),
        );
        expect(oplog.find(optimeOf(n).ts)).toEqual(n >= 10 && n <= 905 ? entryOf(n) : undefined);
        expect(oplog.find((optimeOf(n).ts + 1) as Timestamp)).toBeUndefined();
      }
      await oplog.close();
      oplog = await openOn(files, options);
      expect([oplog.lastWritten, oplog.lastDurable]).toEqual([optimeOf(905), optimeOf(905)]);
      expect([oplog.oldest, oplog.count, oplog.lastWrittenWall]).toEqual([optimeOf(10), 896, 905_000]);
    }
  });

  test('a reader follows what is appended, up to its bound', async () => {
    const oplog = await openOn(new MemoryFiles(), options);
    let visible = TIMESTAMP_NULL;
    const bounded = oplog.reader({ upTo: () => visible });
    const free = oplog.reader();
    for (let n = 1; n < 300; n += 3) {
      fill(oplog, n, n + 2);
      expect(timestampsOf(free)).toEqual(range(n, n + 2));
      expect(bounded.next()).toBeUndefined();
    }
    visible = optimeOf(200).ts;
    expect(timestampsOf(bounded)).toEqual(range(1, 200));
    visible = optimeOf(299).ts;
    expect(timestampsOf(bounded)).toEqual(range(201, 299));
    expect(bounded.lastRead).toBe(optimeOf(299).ts);
    expect(timestampsOf(oplog.reader({ reverse: true, upTo: () => optimeOf(50).ts }))).toEqual(
      range(1, 50).toReversed(),
    );
  });

  test('a reader that waits for a later time skips what comes before', async () => {
    const oplog = await openOn(new MemoryFiles(), options);
    fill(oplog, 1, 5);
    const reader = oplog.reader({ from: optimeOf(20).ts });
    expect(reader.next()).toBeUndefined();
    fill(oplog, 6, 25);
    expect(timestampsOf(reader)).toEqual(range(20, 25));
  });

  test('a cut removes entries for good, and ends the readers beyond it', async () => {
    const files = new MemoryFiles();
    let oplog = await openOn(files, options);
    fill(oplog, 1, 600);
    const before = oplog.reader();
    before.next();
    const beyond = oplog.reader({ from: optimeOf(500).ts });
    beyond.next();
    const backward = oplog.reader({ reverse: true });
    backward.next();
    await oplog.truncateAfter(optimeOf(400));
    expect([oplog.lastWritten, oplog.lastDurable, oplog.count]).toEqual([optimeOf(400), optimeOf(400), 400]);
    expect(oplog.lastDurableWall).toBe(400_000);
    expect(() => beyond.next()).toThrow('deleted');
    expect(() => backward.next()).toThrow('deleted');
    fill(oplog, 700, 800, 2);
    const expected = [...range(1, 400), ...range(700, 800)];
    expect(timestampsOf(before)).toEqual(expected.slice(1));
    expect(timestampsOf(oplog.reader())).toEqual(expected);
    expect(oplog.find(optimeOf(500).ts)).toBeUndefined();
    expect(oplog.find(optimeOf(750).ts)).toEqual(entryOf(750, 2));
    await oplog.close();
    oplog = await openOn(files, options);
    expect(timestampsOf(oplog.reader())).toEqual(expected);
  });

  test('everything can be removed, and the log begins anew anywhere', async () => {
    const files = new MemoryFiles();
    let oplog = await openOn(files, options);
    fill(oplog, 1, 300, 3);
    await oplog.truncateAfter(OPTIME_NULL);
    expect([oplog.lastWritten, oplog.lastDurable, oplog.oldest, oplog.count]).toEqual([
      OPTIME_NULL,
      OPTIME_NULL,
      undefined,
      0,
    ]);
    fill(oplog, 50, 60, 1);
    await oplog.durableAt(optimeOf(60));
    files.kill();
    oplog = await openOn(files, options);
    expect(timestampsOf(oplog.reader())).toEqual(range(50, 60));
    expect(oplog.oldest).toEqual(optimeOf(50));
  });
});

describe('retention', () => {
  test('entries go when the log is over its size and the checkpoint has passed them', async () => {
    const files = new MemoryFiles();
    const oplog = await openOn(files, { sizeBytesMax: 100_000, ...SMALL_TAIL });
    const slow = oplog.reader();
    fill(oplog, 1, 3000);
    await oplog.durableAt(optimeOf(3000));
    expect(oplog.sizeBytes).toBeGreaterThan(400_000);
    expect(oplog.oldest).toEqual(optimeOf(1));
    oplog.checkpointPassed(optimeOf(500).ts);
    const first = oplog.oldest?.ts ?? TIMESTAMP_NULL;
    expect(first).toBeGreaterThan(optimeOf(1).ts);
    expect(first).toBeLessThanOrEqual(optimeOf(500).ts);
    oplog.checkpointPassed(optimeOf(3000).ts);
    expect(oplog.sizeBytes).toBeGreaterThanOrEqual(100_000);
    expect(oplog.sizeBytes).toBeLessThan(140_000);
    expect(() => slow.next()).toThrow('deleted');
    const left = timestampsOf(oplog.reader());
    expect(left.at(-1)).toBe(optimeOf(3000).ts);
    expect(left.length).toBe(oplog.count);
    oplog.resize(60_000, ms(0));
    expect(oplog.sizeBytes).toBeLessThan(100_000);
    expect(oplog.find(oplog.oldest?.ts ?? TIMESTAMP_NULL)).toBeDefined();
  });

  test('young entries stay, whatever the size', async () => {
    wallNow = 3_000_000;
    const oplog = await openOn(new MemoryFiles(), { sizeBytesMax: 10_000, minRetention: ms(2_000_000) });
    fill(oplog, 1, 3000);
    await oplog.durableAt(optimeOf(3000));
    oplog.checkpointPassed(optimeOf(3000).ts);
    expect(oplog.oldest?.ts).toBeGreaterThan(optimeOf(700).ts);
    expect(oplog.oldest?.ts).toBeLessThanOrEqual(optimeOf(1000).ts);
  });
});
