import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { isCommandError } from '../base/command_error.ts';
import type { Env, Random } from '../base/env.ts';
import { IoError } from '../base/env.ts';
import { NO_LOG } from '../base/log.ts';
import { MemoryFiles } from '../base/memory_files.ts';
import { ms, unixMs } from '../base/units.ts';
import { crc32c } from './journal_checksum.ts';
import { frameSize } from './journal_format.ts';
import { Journal, type JournalOptions } from './journal.ts';

const SEGMENT = 8192;

/** Timers fire only when `fire` is called; turns end by themselves. */
class TestEnv {
  readonly files: MemoryFiles;
  timers: (() => void)[] = [];
  readonly env: Env;

  constructor(files: MemoryFiles) {
    this.files = files;
    const unused = (): never => {
      throw new Error('not used');
    };
    this.env = {
      files: files.process(),
      clock: { wall: () => unixMs(0), monotonic: () => ms(0) },
      timers: {
        after: (_delay, callback) => {
          this.timers.push(callback);
          return () => {
            this.timers = this.timers.filter((other) => other !== callback);
          };
        },
      },
      random: { uint32: unused, bytes: unused },
      network: { listen: unused, connect: unused },
      breathe: () => new Promise((resolve) => setImmediate(resolve)),
      endOfTurn: (callback) => void setImmediate(callback),
    };
  }

  fire(): void {
    const due = this.timers;
    this.timers = [];
    for (const callback of due) callback();
  }
}

function lehmer(seed: number): Random {
  let state = (seed % 2147483646) + 1;
  const uint32 = (): number => {
    state = (state * 48271) % 2147483647;
    return state * 2;
  };
  return { uint32, bytes: (length) => Uint8Array.from({ length }, () => uint32() & 0xff) };
}

function openOn(files: MemoryFiles, options: Partial<JournalOptions> = {}): Promise<Journal> {
  return Journal.open({
    env: new TestEnv(files).env,
    log: NO_LOG,
    directory: 'journal',
    segmentSizeBytes: SEGMENT,
    onFailure: () => {},
    ...options,
  });
}

/** A record that says which one it is, and of which writing. */
function record(sequence: number, length = 40, writing = 0): Uint8Array {
  const bytes = new Uint8Array(length).fill((sequence * 7 + writing * 31) & 0xff);
  new DataView(bytes.buffer).setUint32(0, sequence);
  new DataView(bytes.buffer).setUint32(4, writing);
  return bytes;
}

function readAll(journal: Journal): Uint8Array[] {
  const reader = journal.read(journal.first);
  const records: Uint8Array[] = [];
  for (let next = reader.next(); next !== undefined; next = reader.next()) records.push(next);
  return records;
}

async function filled(files: MemoryFiles, count: number): Promise<Journal> {
  const journal = await openOn(files);
  for (let i = 1; i <= count; i++) journal.append(record(i));
  await journal.durableAt(count);
  return journal;
}

const ACTIVE = 'journal/segment-0000000001';

describe('checksum', () => {
  test('CRC-32C has the values of RFC 3720', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(crc32c(new Uint8Array(32), 0, 32) >>> 0).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff), 0, 32) >>> 0).toBe(0x62a8ab43);
    expect(crc32c(ascending, 0, 32) >>> 0).toBe(0x46dd794e);
    expect(crc32c(new TextEncoder().encode('x123456789'), 1, 10) >>> 0).toBe(0xe3069283);
  });
});

describe('appending and reading', () => {
  test('records are numbered from 1 and read back in order', async () => {
    const journal = await openOn(new MemoryFiles());
    expect(journal.first).toBe(1);
    for (let i = 1; i <= 500; i++) expect(journal.append(record(i, 30 + (i % 50)))).toBe(i);
    expect(readAll(journal)).toEqual(Array.from({ length: 500 }, (_, i) => record(i + 1, 30 + ((i + 1) % 50))));
    expect(journal.durable).toBe(0);
    await journal.durableAt(500);
    expect(journal.durable).toBe(500);
  });

  test('a reader at the end sees what is appended later', async () => {
    const journal = await openOn(new MemoryFiles());
    const reader = journal.read(1);
    expect(reader.next()).toBeUndefined();
    journal.append(record(1));
    expect(reader.next()).toEqual(record(1));
    expect(reader.next()).toBeUndefined();
    for (let i = 2; i < 400; i++) {
      journal.append(record(i));
      expect(reader.next()).toEqual(record(i));
    }
  });

  test('reading backwards gives the records in reverse', async () => {
    const journal = await filled(new MemoryFiles(), 300);
    const reader = journal.readBackward(250);
    for (let i = 250; i >= 1; i--) expect(reader.next()).toEqual(record(i));
    expect(reader.next()).toBeUndefined();
  });

  test('a record larger than a segment makes its file larger', async () => {
    const files = new MemoryFiles();
    const journal = await openOn(files);
    journal.append(record(1));
    journal.append(record(2, 100_000));
    journal.append(record(3));
    await journal.close();
    expect(readAll(await openOn(files))).toEqual([record(1), record(2, 100_000), record(3)]);
  });

  test('many waiters share one sync', async () => {
    const files = new MemoryFiles();
    const journal = await openOn(files);
    await journal.durableAt(journal.append(record(1)));
    const before = files.syncs;
    const waits = Array.from({ length: 64 }, (_, i) => journal.durableAt(journal.append(record(i + 2))));
    expect(new Set(waits).size).toBe(1);
    await Promise.all(waits);
    // One for the records, the others for room made ahead.
    expect(files.syncs - before).toBeLessThan(10);
  });

  test('what nobody waits for is synced when the timer fires', async () => {
    const files = new MemoryFiles();
    const world = new TestEnv(files);
    const journal = await openOn(files, { env: world.env });
    journal.append(record(1));
    const durable = new Promise<number>((resolve) => journal.onDurable(resolve));
    expect(world.timers.length).toBe(1);
    world.fire();
    expect(await durable).toBe(1);
  });

  test('the death of the process loses nothing that was flushed', async () => {
    const files = new MemoryFiles();
    const journal = await openOn(files);
    for (let i = 1; i <= 300; i++) journal.append(record(i));
    journal.flush();
    files.kill();
    expect(readAll(await openOn(files)).length).toBe(300);
  });
});

describe('recovery', () => {
  test('a clean close and open changes nothing', async () => {
    const files = new MemoryFiles();
    const journal = await filled(files, 700);
    await journal.close();
    const again = await openOn(files);
    expect([again.first, again.appended, again.durable]).toEqual([1, 700, 700]);
    expect(again.append(record(701))).toBe(701);
    expect(readAll(again)).toEqual(Array.from({ length: 701 }, (_, i) => record(i + 1)));
  });

  test('a tail torn at any byte is cut to whole records', async () => {
    const files = new MemoryFiles();
    const journal = await filled(files, 3);
    for (let i = 4; i <= 7; i++) journal.append(record(i));
    journal.flush();
    files.kill();
    const start = 4096 + 3 * frameSize(40);
    for (let at = start; at < start + 4 * frameSize(40); at++) {
      const copy = files.clone();
      copy.damage(ACTIVE, (bytes) => bytes.fill(0, at));
      const whole = 3 + Math.floor((at - start) / frameSize(40));
      const opened = await openOn(copy);
      // A cut inside the padding, or before trailing zeros of the record itself, loses nothing.
      expect([whole, whole + 1]).toContain(opened.appended);
      expect(readAll(opened)).toEqual(Array.from({ length: opened.appended }, (_, i) => record(i + 1)));
      opened.append(record(opened.appended + 1, 40, 1));
      await opened.close();
      expect((await openOn(copy)).appended).toBe(opened.appended);
    }
  });

  test('a garbled byte anywhere in what was never durable cuts there, and nothing after it comes back', async () => {
    const files = new MemoryFiles();
    const journal = await filled(files, 3);
    for (let i = 4; i <= 7; i++) journal.append(record(i));
    journal.flush();
    files.kill();
    const start = 4096 + 3 * frameSize(40);
    for (let at = start; at < start + 4 * frameSize(40); at++) {
      const copy = files.clone();
      copy.damage(ACTIVE, (bytes) => {
        bytes[at] ^= 0x5a;
      });
      const whole = 3 + Math.floor((at - start) / frameSize(40));
      const opened = await openOn(copy);
      expect(opened.appended).toBe(whole);
      // The same size as the lost record: the old ones after it must not follow it.
      await opened.durableAt(opened.append(record(whole + 1, 40, 1)));
      copy.kill();
      const again = await openOn(copy);
      expect(again.appended).toBe(whole + 1);
      expect(readAll(again).at(-1)).toEqual(record(whole + 1, 40, 1));
    }
  });

  test('a flipped bit in a durable record refuses the journal and says where', async () => {
    const files = new MemoryFiles();
    const journal = await filled(files, 3);
    for (let i = 4; i <= 6; i++) await journal.durableAt(journal.append(record(i)));
    await journal.close();
    for (let at = 4096; at < 4096 + 5 * frameSize(40); at++) {
      const copy = files.clone();
      copy.damage(ACTIVE, (bytes) => {
        bytes[at] ^= 1 << (at & 7);
      });
      const broken = Math.floor((at - 4096) / frameSize(40));
      await expect(openOn(copy)).rejects.toThrow(
        `record ${broken + 1} in ${ACTIVE} at offset ${4096 + broken * frameSize(40)} is not readable`,
      );
    }
  });

  test('a flipped bit in the very last record is seen after a clean close', async () => {
    const files = new MemoryFiles();
    await (await filled(files, 3)).close();
    files.damage(ACTIVE, (bytes) => {
      bytes[4096 + 2 * frameSize(40) + 30] ^= 1;
    });
    await expect(openOn(files)).rejects.toThrow('record 3');
  });

  test('a flipped bit in an older segment refuses the journal', async () => {
    const files = new MemoryFiles();
    const journal = await filled(files, 500);
    await journal.close();
    files.damage(ACTIVE, (bytes) => {
      bytes[5000] ^= 4;
    });
    await expect(openOn(files)).rejects.toThrow('is not readable');
  });

  test('one damaged header slot is made good by the other, two refuse the journal', async () => {
    const files = new MemoryFiles();
    await (await filled(files, 500)).close();
    files.damage('journal/segment-0000000002', (bytes) => bytes.fill(1, 0, 50));
    expect((await openOn(files.clone())).appended).toBe(500);
    files.damage('journal/segment-0000000002', (bytes) => bytes.fill(1, 2048, 2100));
    await expect(openOn(files)).rejects.toThrow('is not readable');
  });

  test('damage met by a reader stops the journal', async () => {
    const files = new MemoryFiles();
    const failures: unknown[] = [];
    const journal = await openOn(files, { onFailure: (error) => failures.push(error) });
    for (let i = 1; i <= 3; i++) journal.append(record(i));
    await journal.durableAt(3);
    files.damage(ACTIVE, (bytes) => {
      bytes[4130] ^= 1;
    });
    expect(() => readAll(journal)).toThrow('is damaged');
    expect(failures.length).toBe(1);
  });
});

describe('failures', () => {
  test('after a failed sync nobody is told that anything is durable, and the owner is told to stop', async () => {
    const files = new MemoryFiles();
    const failures: unknown[] = [];
    const journal = await openOn(files, { onFailure: (error) => failures.push(error) });
    await journal.durableAt(journal.append(record(1)));
    files.syncFailure = new IoError('io', 'the disk is gone');
    await expect(journal.durableAt(journal.append(record(2)))).rejects.toThrow('the disk is gone');
    files.syncFailure = undefined;
    expect(failures.length).toBe(1);
    expect(journal.durable).toBe(1);
    await expect(journal.durableAt(2)).rejects.toThrow('the disk is gone');
    expect(() => journal.append(record(3))).toThrow('the disk is gone');
    expect(readAll(journal)).toEqual([record(1), record(2)]);
  });

  test('a failed write stops the journal', async () => {
    const files = new MemoryFiles();
    const failures: unknown[] = [];
    const journal = await openOn(files, { onFailure: (error) => failures.push(error) });
    journal.append(record(1));
    files.writeFailure = new IoError('io', 'bad sector');
    expect(() => journal.flush()).toThrow('bad sector');
    expect(failures.length).toBe(1);
  });

  test('a full disk refuses appends, loses nothing and takes appends again when there is room', async () => {
    const files = new MemoryFiles({ capacityBytes: 3 * SEGMENT });
    const failures: unknown[] = [];
    const journal = await openOn(files, { onFailure: (error) => failures.push(error) });
    let count = 0;
    const fill = async (): Promise<void> => {
      for (; count < 10_000; count++) {
        journal.append(record(count + 1));
        if (count % 10 === 0) await journal.durableAt(count + 1);
      }
    };
    await expect(fill()).rejects.toThrow('no room left');
    expect(count).toBeGreaterThan(150);
    await journal.durableAt(count);
    expect(() => journal.append(record(count + 1))).toThrow('no room left');
    expect(readAll(journal).length).toBe(count);
    const refusedAt = count;
    files.capacityBytes = 6 * SEGMENT;
    await expect(fill()).rejects.toThrow('no room left');
    expect(count).toBeGreaterThan(refusedAt + 100);
    journal.dropBefore(count - 20);
    for (let i = 0; i < 20; i++) journal.append(record(++count));
    await journal.close();
    expect(failures).toEqual([]);
    expect((await openOn(files)).appended).toBe(count);
  });
});

describe('dropping and cutting', () => {
  test('dropped segments are used again, and their old records never come back', async () => {
    const files = new MemoryFiles();
    let journal = await openOn(files);
    for (let round = 0; round < 30; round++) {
      for (let i = 0; i < 100; i++) journal.append(record(journal.appended + 1));
      await journal.durableAt(journal.appended);
      journal.dropBefore(Math.max(1, journal.appended - 150));
      if (round % 7 !== 6) continue;
      const expected = { first: journal.first, appended: journal.appended };
      files.kill();
      journal = await openOn(files);
      expect(journal.appended).toBe(expected.appended);
      expect(journal.first).toBeLessThanOrEqual(expected.first);
      journal.dropBefore(expected.first);
      expect(readAll(journal).map((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0))).toEqual(
        Array.from({ length: expected.appended - journal.first + 1 }, (_, i) => journal.first + i),
      );
    }
    expect(files.list('journal').length).toBeLessThan(8);
    expect(() => journal.read(1).next()).toThrow('no longer holds the position');
  });

  test('a cut removes what is after it, for readers too', async () => {
    const files = new MemoryFiles();
    const journal = await filled(files, 400);
    const before = journal.read(50);
    before.next();
    const beyond = journal.read(300);
    beyond.next();
    const backward = journal.readBackward(300);
    backward.next();
    await journal.truncateAfter(100);
    expect([journal.appended, journal.durable]).toEqual([100, 100]);
    for (let i = 101; i <= 130; i++) journal.append(record(i, 40, 1));
    for (let i = 51; i <= 100; i++) expect(before.next()).toEqual(record(i));
    expect(before.next()).toEqual(record(101, 40, 1));
    expect(() => beyond.next()).toThrow('no longer holds');
    expect(() => backward.next()).toThrow('no longer holds');
    await journal.close();
    const again = await openOn(files);
    expect(again.appended).toBe(130);
    expect(readAll(again)[129]).toEqual(record(130, 40, 1));
  });

  test('a cut before the first record empties the journal and goes on with its number', async () => {
    const files = new MemoryFiles();
    let journal = await filled(files, 400);
    journal.dropBefore(300);
    const { first } = journal;
    await journal.truncateAfter(first - 1);
    expect([journal.first, journal.appended, journal.durable]).toEqual([first, first - 1, first - 1]);
    await journal.close();
    journal = await openOn(files);
    expect(journal.append(record(first, 40, 1))).toBe(first);
    await journal.close();
    expect(readAll(await openOn(files))).toEqual([record(first, 40, 1)]);
  });
});

describe('crashes at random moments', () => {
  test('what was reported durable is there, and what is there is a prefix', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 30 }), async (seed) => {
        await liveAndCrash(lehmer(seed), 5);
      }),
      { numRuns: 60 },
    );
  });

  test('a crash during a cut leaves all or none of what was cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 30 }), async (seed) => {
        await cutAndCrash(lehmer(seed));
      }),
      { numRuns: 60 },
    );
  });
});

/** Several lives of one journal; in each, writes with crashes between any two turns. */
async function liveAndCrash(random: Random, lives: number): Promise<void> {
  const files = new MemoryFiles();
  files.syncDelay = async () => {
    for (let turns = random.uint32() % 4; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  };
  let history: Uint8Array[] = [];
  let promised = 0;
  let dropped = 1;
  for (let life = 1; life <= lives; life++) {
    const world = new TestEnv(files);
    const journal = await openOn(files, { env: world.env });
    expect(journal.appended).toBeGreaterThanOrEqual(promised);
    expect(journal.appended).toBeLessThanOrEqual(Math.max(history.length, journal.first - 1));
    expect(journal.first).toBeLessThanOrEqual(Math.max(dropped, 1));
    history = history.slice(0, journal.appended);
    expect(readAll(journal)).toEqual(history.slice(journal.first - 1));
    promised = journal.appended;
    journal.onDurable((sequence) => {
      promised = sequence;
    });
    for (let step = random.uint32() % 60; step > 0; step--) {
      for (let i = random.uint32() % 8; i > 0; i--) {
        const bytes = record(history.length + 1, 8 + (random.uint32() % 300), life);
        if (!appended(journal, bytes)) break;
        history.push(bytes);
      }
      if (random.uint32() % 20 === 0) files.capacityBytes = files.sizeBytes + (random.uint32() % 20_000);
      if (random.uint32() % 10 === 0) files.capacityBytes = Number.POSITIVE_INFINITY;
      if (random.uint32() % 40 === 0) {
        const kept = journal.first - 1 + (random.uint32() % (journal.appended - journal.first + 2));
        files.capacityBytes = Number.POSITIVE_INFINITY;
        await journal.truncateAfter(kept);
        history = history.slice(0, kept);
        promised = kept;
        dropped = Math.min(dropped, kept + 1);
      }
      if (random.uint32() % 3 === 0) void journal.durableAt(journal.appended);
      if (random.uint32() % 5 === 0) journal.flush();
      if (random.uint32() % 8 === 0) world.fire();
      if (random.uint32() % 6 === 0 && journal.durable > 100) {
        dropped = Math.max(dropped, journal.durable - 100);
        journal.dropBefore(journal.durable - 100);
      }
      if (random.uint32() % 3 !== 0) await world.env.breathe();
    }
    if (random.uint32() % 5 === 0) await journal.close();
    if (random.uint32() % 4 === 0) files.kill();
    else files.crash(random);
  }
}

/** False when the disk is full. */
function appended(journal: Journal, bytes: Uint8Array): boolean {
  try {
    journal.append(bytes);
    return true;
  } catch (error) {
    if (isCommandError(error, 'OutOfDiskSpace')) return false;
    throw error;
  }
}

async function cutAndCrash(random: Random): Promise<void> {
  const files = new MemoryFiles();
  let turns = 0;
  files.syncDelay = async () => {
    turns += 1;
    await new Promise((resolve) => setImmediate(resolve));
  };
  const journal = await openOn(files);
  const count = 1 + (random.uint32() % 400);
  for (let i = 1; i <= count; i++) journal.append(record(i));
  await journal.durableAt(count);
  if (random.uint32() % 3 === 0) journal.dropBefore(1 + (random.uint32() % count));
  const { first } = journal;
  const kept = first - 1 + (random.uint32() % (count - first + 2));
  let isCut = false;
  void journal.truncateAfter(kept).then(() => {
    isCut = true;
  });
  const crashAt = turns + 1 + (random.uint32() % 8);
  for (let i = 0; i < 60 && turns < crashAt && !isCut; i++) await new Promise((resolve) => setImmediate(resolve));
  const wasCut = isCut;
  files.crash(random);
  let again = await openOn(files);
  expect([kept, count]).toContain(again.appended);
  if (wasCut) expect(again.appended).toBe(kept);
  expect(readAll(again)).toEqual(
    Array.from({ length: Math.max(0, again.appended - again.first + 1) }, (_, i) => record(again.first + i)),
  );
  const next = again.append(record(again.appended + 1, 40, 1));
  await again.durableAt(next);
  files.crash(random);
  again = await openOn(files);
  expect(again.appended).toBe(next);
  expect(readAll(again).at(-1)).toEqual(record(next, 40, 1));
}
