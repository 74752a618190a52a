import { describe, expect, test } from 'vitest';
import { manualEnv, type ManualEnv } from '../../tests/support/manual_env.ts';
import { IoError } from '../base/env.ts';
import type { Log, LogLine } from '../base/log.ts';
import { OPTIME_NULL, type OpTime, termOf, TIMESTAMP_NULL, type Timestamp } from '../base/optime.ts';
import type { BaseBatch } from './base_store.ts';
import { BLOCK_BYTES_MAX } from './block.ts';
import { MemoryBaseStore } from './memory_base_store.ts';
import { Store } from './store.ts';
import type { StoreOptions } from './store_options.ts';
import type { Table } from './table.ts';

const TERM = termOf(3);

function at(ts: number): Timestamp {
  return ts as Timestamp;
}

function optime(ts: number, term = TERM): OpTime {
  return { ts: at(ts), t: term };
}

function key(n: number): Uint8Array {
  return Uint8Array.of(n >> 16, n >> 8, n);
}

interface Fixture {
  readonly env: ManualEnv;
  readonly base: MemoryBaseStore;
  readonly store: Store;
  readonly failures: unknown[];
  readonly lines: LogLine[];
}

async function open(base = new MemoryBaseStore(), options: Partial<StoreOptions> = {}): Promise<Fixture> {
  const env = manualEnv();
  const failures: unknown[] = [];
  const lines: LogLine[] = [];
  const log: Log = { write: (line) => void lines.push(line) };
  const onFailure = (error: unknown): void => void failures.push(error);
  return { env, base, store: await Store.open({ base, env, log, onFailure, ...options }), failures, lines };
}

function replicated(store: Store, created = 0): Table {
  return store.createTable({ kind: 'documents', replicated: true, at: at(created) });
}

/** A checkpoint at `ts` once everything is stable there. */
async function checkpointAt(store: Store, ts: number): Promise<void> {
  store.setStable(optime(ts));
  await store.checkpoint();
}

describe('a checkpoint', () => {
  test('carries the stable optime and leaves what is above it in memory', async () => {
    const { store, base } = await open();
    const table = replicated(store);
    table.put(key(1), Uint8Array.of(1), at(10));
    table.put(key(1), Uint8Array.of(2), at(20));
    await checkpointAt(store, 15);
    expect(store.checkpointed).toEqual(optime(15));
    expect(base.checkpoint()).toEqual(optime(15));
    expect(store.stats().versions).toBe(1);
    expect(table.get(key(1))).toEqual(Uint8Array.of(2));
    expect(table.get(key(1), at(15))).toEqual(Uint8Array.of(1));
  });

  test('counts an index right when it is counted while its new blocks are being written', async () => {
    const counts: number[] = [];
    const base = new MemoryBaseStore({ delay: async () => void counts.push(index.count) });
    const { store } = await open(base);
    const index = store.createTable({ kind: 'index', replicated: true, at: at(1) });
    for (const n of [1, 2, 3]) index.put(key(n), Uint8Array.of(), at(10));
    await checkpointAt(store, 10);
    index.put(key(4), Uint8Array.of(), at(20));
    index.remove(key(1), at(20));
    index.remove(key(2), at(20));
    await checkpointAt(store, 20);
    expect([...counts, index.count]).toEqual([3, 2, 2]);
    expect(index.sizeBytes).toBe(6);
  });

  test('tells how large an index is without reading its blocks', async () => {
    const { store } = await open();
    const index = store.createTable({ kind: 'index', replicated: true, at: at(1) });
    for (const n of [1, 2, 3]) index.put(key(n), Uint8Array.of(), at(10));
    await checkpointAt(store, 10);
    index.put(key(4), Uint8Array.of(7), at(20));
    index.remove(key(1), at(20));
    index.remove(key(2), at(20));
    const { cacheHits, cacheMisses } = store.stats();
    expect(index.sizeBytesEstimate).toBe(2 * key(1).length + 1);
    expect(store.stats()).toMatchObject({ cacheHits, cacheMisses });
    store.dropVersionsAfter(at(15));
    expect(index.sizeBytesEstimate).toBe(3 * key(1).length);
  });

  test('does not pass a pin, and does when the pin is released', async () => {
    const { store } = await open();
    const table = replicated(store);
    for (const ts of [10, 20, 30]) {
      table.put(key(1), Uint8Array.of(ts), at(ts));
      store.setStable(optime(ts));
    }
    const pin = store.pin(at(25));
    await store.checkpoint();
    expect(store.checkpointed).toEqual(optime(20));
    expect(table.get(key(1), at(25))).toEqual(Uint8Array.of(20));
    pin.release();
    await store.checkpoint();
    expect(store.checkpointed).toEqual(optime(30));
  });

  test('ends the reading of what is older, with SnapshotTooOld', async () => {
    const { store } = await open();
    const table = replicated(store);
    const cursor = table.cursor({ at: at(5) });
    table.put(key(1), Uint8Array.of(1), at(10));
    await checkpointAt(store, 10);
    expect(() => table.get(key(1), at(9))).toThrow(expect.objectContaining({ codeName: 'SnapshotTooOld' }));
    expect(() => cursor.next()).toThrow(expect.objectContaining({ codeName: 'SnapshotTooOld' }));
    expect(() => store.pin(at(9))).toThrow(expect.objectContaining({ codeName: 'SnapshotTooOld' }));
    expect(store.table(table.id).get(key(1), at(10))).toEqual(Uint8Array.of(1));
  });

  test('refuses later writes at or below its timestamp', async () => {
    const { store } = await open();
    const table = replicated(store);
    await checkpointAt(store, 10);
    expect(() => table.put(key(1), Uint8Array.of(1), at(10))).toThrow('not above');
    expect(() => table.put(key(1), Uint8Array.of(1), TIMESTAMP_NULL)).not.toThrow();
  });

  test('of very many changes is taken in several steps of one term', async () => {
    const { store } = await open();
    const table = replicated(store);
    await checkpointAt(store, 1);
    for (let i = 0; i < 50_000; i++) table.put(key(i), Uint8Array.of(1), at(i + 2));
    store.setStable(optime(50_001));
    await store.checkpoint();
    expect(store.checkpointed.ts).toBeLessThan(30_000);
    expect(store.stats().checkpointChangesLast).toBeLessThan(30_000);
    while (store.checkpointed.ts < 50_001) await store.checkpoint();
    expect(store.stats().versions).toBe(0);
    expect(table.count).toBe(50_000);
  });

  test('fills the blocks of a table that grows at its end', async () => {
    const { store, base } = await open();
    const table = replicated(store);
    for (let step = 1; step <= 20; step++) {
      for (let i = 0; i < 300; i++) table.put(key(step * 300 + i), new Uint8Array(250), at(step));
      await checkpointAt(store, step);
    }
    const blocks = base.keys(table.id).length;
    expect(base.sizeBytes() / blocks).toBeGreaterThan(BLOCK_BYTES_MAX * 0.9);
  });

  test('merges blocks that became small, and forgets a table that became empty', async () => {
    const { store, base } = await open();
    const table = replicated(store);
    for (let i = 0; i < 2000; i++) table.put(key(i), new Uint8Array(100), at(1));
    await checkpointAt(store, 1);
    const before = base.keys(table.id).length;
    for (let i = 0; i < 2000; i++) if (i % 10 !== 0) table.remove(key(i), at(2));
    await checkpointAt(store, 2);
    expect(base.keys(table.id).length).toBeLessThan(before / 4);
    for (let i = 0; i < 2000; i++) table.remove(key(i), at(3));
    await checkpointAt(store, 3);
    expect(base.keys(table.id)).toEqual([]);
    expect(table.count).toBe(0);
  });

  test('does not copy a big document when its small neighbour changes', async () => {
    const batches: BaseBatch[] = [];
    class Recording extends MemoryBaseStore {
      override commit(batch: BaseBatch): Promise<void> {
        batches.push(batch);
        return super.commit(batch);
      }
    }
    const { store } = await open(new Recording());
    const table = replicated(store);
    for (let i = 0; i < 4; i++) table.put(key(i), new Uint8Array(i % 2 === 0 ? 100 : 1_000_000), at(1));
    await checkpointAt(store, 1);
    for (const n of [0, 2]) table.put(key(n), new Uint8Array(120), at(2));
    await checkpointAt(store, 2);
    const written = batches[1]?.blocks.reduce((sum, block) => sum + (block.bytes?.length ?? 0), 0);
    expect(written).toBeLessThan(1000);
  });

  test('tells when it is done', async () => {
    const { store } = await open();
    const seen: OpTime[] = [];
    store.onCheckpoint((done) => seen.push(done));
    await checkpointAt(store, 4);
    expect(seen).toEqual([optime(4)]);
  });
});

describe('tables come and go with timestamps', () => {
  test('one created above the checkpoint is not there after a crash, one created below it is', async () => {
    const { store, base } = await open();
    const early = replicated(store, 5);
    const late = replicated(store, 15);
    early.put(key(1), Uint8Array.of(1), at(6));
    late.put(key(1), Uint8Array.of(1), at(16));
    await checkpointAt(store, 10);
    const { store: again } = await open(base);
    expect(again.hasTable(early.id)).toBe(true);
    expect(again.hasTable(late.id)).toBe(false);
  });

  test('a drop waits for a checkpoint that reaches it', async () => {
    const { store, base } = await open();
    const table = replicated(store, 5);
    table.put(key(1), Uint8Array.of(1), at(6));
    await checkpointAt(store, 10);
    store.dropTable(table.id, at(20));
    await checkpointAt(store, 15);
    expect(store.table(table.id).get(key(1))).toEqual(Uint8Array.of(1));
    await checkpointAt(store, 20);
    expect(store.hasTable(table.id)).toBe(false);
    expect(base.tables()).toEqual([]);
    expect(base.keys(table.id)).toEqual([]);
  });

  test('a rollback takes creations and drops above it back', async () => {
    const { store } = await open();
    const kept = replicated(store, 5);
    store.dropTable(kept.id, at(20));
    const created = replicated(store, 18);
    store.dropVersionsAfter(at(12));
    await checkpointAt(store, 30);
    expect(store.hasTable(kept.id)).toBe(true);
    expect(store.hasTable(created.id)).toBe(false);
  });

  test('the blocks of a large dropped table leave in steps, also over a restart', async () => {
    const { store, base } = await open();
    const table = replicated(store);
    for (let i = 0; i < 6000; i++) table.put(key(i), new Uint8Array(5000), at(1));
    await checkpointAt(store, 1);
    store.dropTable(table.id);
    await store.checkpoint();
    expect(base.keys(table.id)).toHaveLength(1000);
    const { store: again } = await open(base);
    expect(again.hasTable(table.id)).toBe(false);
    await again.checkpoint();
    expect(base.keys(table.id)).toEqual([]);
    expect(base.tables()).toEqual([]);
  });

  test('a table dropped while a checkpoint writes it does not come back', async () => {
    const { store, base } = await open();
    const table = replicated(store);
    table.put(key(1), Uint8Array.of(1), at(1));
    store.setStable(optime(1));
    const underWay = store.checkpoint();
    store.dropTable(table.id);
    await underWay;
    await store.checkpoint();
    expect(base.tables()).toEqual([]);
    expect(store.stats().versionBytes).toBe(0);
  });
});

describe('in the background', () => {
  test('a checkpoint is taken every second', async () => {
    const { store, env } = await open();
    const table = replicated(store);
    store.start();
    table.put(key(1), Uint8Array.of(1), at(1));
    store.setStable(optime(1));
    env.advance(999);
    await env.breathe();
    expect(store.checkpointed).toEqual(OPTIME_NULL);
    env.advance(1);
    await env.breathe();
    expect(store.checkpointed).toEqual(optime(1));
    await store.close();
  });

  test('a checkpoint is taken after 10,000 changes', async () => {
    const { store, env } = await open();
    const table = replicated(store);
    store.start();
    for (let i = 0; i < 10_000; i++) table.put(key(i), Uint8Array.of(1), at(i + 1));
    store.setStable(optime(10_000));
    await env.breathe();
    await env.breathe();
    expect(store.checkpointed).toEqual(optime(10_000));
    await store.close();
  });

  test('writers wait while too much that could be on disk is not', async () => {
    const { store } = await open();
    const table = replicated(store);
    store.start();
    for (let i = 0; i < 50_000; i++) table.put(key(i), Uint8Array.of(1), at(i + 1));
    expect(store.backpressure()).toBeUndefined();
    store.setStable(optime(50_000));
    const waiting = store.backpressure();
    expect(waiting).toBeInstanceOf(Promise);
    await waiting;
    expect(store.backpressure()).toBeUndefined();
    await store.close();
  });

  test('writers wait while nothing becomes stable and the versions take too much memory', async () => {
    const { store } = await open(new MemoryBaseStore(), { versionBytesMax: 100_000 });
    const table = replicated(store);
    store.start();
    for (let i = 0; i < 100; i++) table.put(key(i), new Uint8Array(1000), at(i + 1));
    const waiting = store.backpressure();
    expect(waiting).toBeInstanceOf(Promise);
    store.setStable(optime(100));
    await store.checkpoint();
    await waiting;
    await store.close();
  });
});

test('a key that was removed may be added again, and counts once', async () => {
  const { store } = await open();
  const table = replicated(store);
  table.add(key(1), Uint8Array.of(1), at(1));
  await checkpointAt(store, 1);
  table.remove(key(1), at(2));
  table.add(key(1), Uint8Array.of(2), at(3));
  table.add(key(2), Uint8Array.of(3), at(3));
  expect([table.count, table.get(key(1)), table.get(key(1), at(1))]).toEqual([2, Uint8Array.of(2), Uint8Array.of(1)]);
  await checkpointAt(store, 3);
  expect(table.count).toBe(2);
});

test('filling leaves keys alone that were written meanwhile', async () => {
  const { store } = await open();
  const index = store.createTable({ kind: 'index', replicated: true, at: at(1) });
  index.put(key(1), Uint8Array.of(), at(2));
  index.remove(key(2), at(2));
  for (const n of [1, 2, 3]) index.fill(key(n), Uint8Array.of());
  expect([1, 2, 3].map((n) => index.has(key(n)))).toEqual([true, false, true]);
  await checkpointAt(store, 2);
  expect(index.count).toBe(2);
});

test('data copied at the null timestamp goes to disk although nothing is stable yet', async () => {
  const { store, base } = await open();
  const table = replicated(store);
  for (let i = 0; i < 1000; i++) table.put(key(i), new Uint8Array(100), TIMESTAMP_NULL);
  await store.checkpoint();
  expect(store.stats().versions).toBe(0);
  expect(base.checkpoint()).toEqual(OPTIME_NULL);
  table.put(key(1), Uint8Array.of(1), at(5));
  await checkpointAt(store, 5);
  const { store: again } = await open(base);
  expect(again.table(table.id).count).toBe(1000);
  expect(again.table(table.id).get(key(1))).toEqual(Uint8Array.of(1));
});

test('writers that wait are let go when the store closes', async () => {
  const { store } = await open(new MemoryBaseStore(), { versionBytesMax: 1000 });
  replicated(store).put(key(1), new Uint8Array(2000), at(1));
  store.start();
  const waiting = expect(store.backpressure()).rejects.toMatchObject({ codeName: 'InterruptedAtShutdown' });
  await store.close();
  await waiting;
});

describe('when the disk is full', () => {
  test('nothing is lost, readers go on, and checkpoints go on when there is room', async () => {
    const { store, base, env, lines, failures } = await open(new MemoryBaseStore({ sizeBytesMax: 10_000 }));
    const table = replicated(store);
    for (let i = 0; i < 100; i++) table.put(key(i), new Uint8Array(1000).fill(i), at(1));
    store.setStable(optime(1));
    await expect(store.checkpoint()).rejects.toMatchObject({ codeName: 'OutOfDiskSpace' });
    await expect(store.checkpoint()).rejects.toMatchObject({ codeName: 'OutOfDiskSpace' });
    expect(store.checkpointed).toEqual(OPTIME_NULL);
    expect(table.get(key(7))).toEqual(new Uint8Array(1000).fill(7));
    expect(lines.filter((line) => line.severity === 'E')).toHaveLength(1);
    base.sizeBytesMax = Infinity;
    store.start();
    env.advance(5000);
    await env.breathe();
    await env.breathe();
    expect(store.checkpointed).toEqual(optime(1));
    expect(store.stats()).toMatchObject({ diskFull: false, versions: 0 });
    expect(failures).toEqual([]);
    await store.close();
  });

  test('writers are refused once the memory for versions is used up', async () => {
    const { store } = await open(new MemoryBaseStore({ sizeBytesMax: 10_000 }), { versionBytesMax: 150_000 });
    const table = replicated(store);
    for (let i = 0; i < 100; i++) table.put(key(i), new Uint8Array(1000), at(1));
    store.setStable(optime(1));
    await expect(store.checkpoint()).rejects.toThrow('disk is full');
    expect(store.backpressure()).toBeUndefined();
    for (let i = 0; i < 100; i++) table.put(key(i), new Uint8Array(1000), at(2));
    await expect(store.backpressure()).rejects.toMatchObject({ codeName: 'OutOfDiskSpace' });
  });

  test('an update that was not committed is still read, and its old blocks are not damaged', async () => {
    const { store, base } = await open(new MemoryBaseStore(), { cacheBytesMax: 10_000 });
    const table = replicated(store);
    for (let i = 0; i < 300; i++) table.put(key(i), new Uint8Array(300).fill(1), at(1));
    await checkpointAt(store, 1);
    base.sizeBytesMax = 0;
    for (let i = 0; i < 300; i += 7) table.put(key(i), new Uint8Array(500).fill(2), at(2));
    store.setStable(optime(2));
    await expect(store.checkpoint()).rejects.toThrow('disk is full');
    for (let i = 0; i < 300; i++) expect(table.get(key(i))?.[0]).toBe(i % 7 === 0 ? 2 : 1);
    const { store: again } = await open(base);
    for (let i = 0; i < 300; i++) expect(again.table(table.id).get(key(i))?.[0]).toBe(1);
  });
});

describe('when the base store fails', () => {
  test('the failure is reported once and later checkpoints are refused', async () => {
    class Failing extends MemoryBaseStore {
      override commit(): Promise<void> {
        return Promise.reject(new IoError('io', 'the disk is gone'));
      }
    }
    const { store, failures } = await open(new Failing());
    store.setStable(optime(1));
    await expect(store.checkpoint()).rejects.toThrow('the disk is gone');
    await expect(store.checkpoint()).rejects.toThrow('the disk is gone');
    expect(failures).toHaveLength(1);
    await store.close();
  });

  test('a block that changed on disk is noticed when it is read', async () => {
    const { store, base } = await open();
    const table = replicated(store);
    for (let i = 0; i < 100; i++) table.put(key(i), new Uint8Array(100), at(1));
    await checkpointAt(store, 1);
    const name = base.keys(table.id)[1];
    if (name === undefined) throw new Error('two blocks are expected');
    const block = base.read(table.id, name);
    block[block.length - 5] = (block[block.length - 5] ?? 0) ^ 16;
    const { store: again } = await open(base);
    const damaged = again.table(table.id);
    expect(damaged.get(key(1))).toHaveLength(100);
    expect(() => damaged.get(key(99))).toThrow('fails its checksum');
    const cursor = damaged.cursor();
    expect(() => {
      while (cursor.next());
    }).toThrow('fails its checksum');
  });
});

test('a value that is read stays as it was, whatever is written and checkpointed later', async () => {
  const { store } = await open(new MemoryBaseStore(), { cacheBytesMax: 20_000 });
  const table = replicated(store);
  for (let i = 0; i < 200; i++) table.put(key(i), new Uint8Array(100).fill(1), at(1));
  await checkpointAt(store, 1);
  const kept: (Uint8Array | undefined)[] = [];
  for (let round = 2; round < 6; round++) {
    for (let i = 0; i < 200; i++) table.put(key(i), new Uint8Array(100).fill(round), at(round));
    store.setStable(optime(round));
    const underWay = store.checkpoint();
    await Promise.resolve();
    kept.push(...Array.from({ length: 200 }, (_, i) => table.get(key(i), at(round))));
    await underWay;
    kept.push(...Array.from({ length: 200 }, (_, i) => table.get(key(i))));
  }
  const rounds = kept.map((value) => new Set(value));
  expect(rounds.every((bytes) => bytes.size === 1)).toBe(true);
});

test('small views into large buffers are copied when they are kept', async () => {
  const { store } = await open();
  const table = replicated(store);
  const message = new Uint8Array(100_000).fill(9);
  table.put(message.subarray(0, 3), message.subarray(10, 20), at(1));
  message.fill(0);
  expect(table.get(Uint8Array.of(9, 9, 9))).toEqual(new Uint8Array(10).fill(9));
});
