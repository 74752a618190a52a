import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { manualEnv } from '../../tests/support/manual_env.ts';
import { NO_LOG } from '../base/log.ts';
import { TIMESTAMP_NULL, termOf, type Timestamp } from '../base/optime.ts';
import { compareBytes } from '../bson/bytes.ts';
import { EntryChunk } from './entry_chunk.ts';
import type { SortedRun } from './entry_source.ts';
import { MemoryBaseStore } from './memory_base_store.ts';
import { Store } from './store.ts';
import type { Table } from './table.ts';

const NONE = new Uint8Array(0);
const TERM = termOf(1);
const env = manualEnv();

async function open(base: MemoryBaseStore, failures: unknown[] = []): Promise<Store> {
  return Store.open({ base, env, log: NO_LOG, onFailure: (error) => void failures.push(error) });
}

function runOf(entries: readonly (readonly [Uint8Array, Uint8Array])[]): SortedRun {
  const chunk = new EntryChunk();
  for (const [key, value] of entries) chunk.add(key, key.length, NONE, 0, value);
  return chunk.sort();
}

/** Lengths at which entries stand alone, blocks become wide, and separators do not fit names. */
const keyArbitrary = fc
  .tuple(fc.constantFrom(0, 3, 200, 254, 700, 3000), fc.integer({ min: 0, max: 400 }))
  .map(([length, n]) => Uint8Array.of(...new Uint8Array(length).fill(7), n >> 8, n));
const valueArbitrary = fc.constantFrom(0, 1, 30, 3000).map((size) => new Uint8Array(size).fill(9));
const entriesArbitrary = fc
  .array(fc.tuple(keyArbitrary, valueArbitrary), { minLength: 1, maxLength: 120 })
  .map((entries) => [...new Map(entries.map((entry) => [entry[0].join(), entry])).values()]);

function rowsOf(table: Table): string[] {
  const rows: string[] = [];
  const cursor = table.cursor();
  while (cursor.next()) rows.push(`${cursor.key.join()}=${cursor.value.join()}`);
  return rows;
}

const pause = (): Promise<void> => env.breathe();

describe('a bulk load', () => {
  test('lies under what was written while it was gathered, whatever checkpoints do meanwhile', async () => {
    const writes = fc.array(fc.record({ key: keyArbitrary, value: fc.option(valueArbitrary), isKnown: fc.boolean() }), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(entriesArbitrary, writes, fc.nat(30), fc.nat(30), async (entries, all, before, stable) => {
        const base = new MemoryBaseStore({ delay: pause });
        const store = await open(base);
        const table = store.createTable({ kind: 'index', replicated: true });
        store.hold(table.id);
        const expected = new Map(entries.map(([key, value]) => [key.join(), { key, value }]));
        let now = 0;
        const write = ({ key, value, isKnown }: (typeof all)[number]): void => {
          now += 1;
          const target = isKnown ? entries[key.length % entries.length][0] : key;
          if (value === null) table.remove(target, now as Timestamp);
          else table.put(target, value, now as Timestamp);
          if (value === null) expected.delete(target.join());
          else expected.set(target.join(), { key: target, value });
        };
        for (const one of all.slice(0, before)) write(one);
        store.setStable({ ts: Math.min(now, stable) as Timestamp, t: TERM });
        const checkpoint = store.checkpoint();
        // Whoever asks for the count makes the table look at its blocks, which are not there yet.
        if (before % 2 === 0) expect(table.count).toBeGreaterThanOrEqual(0);
        const load = store.load(table.id, runOf(entries), { pause, waitsForRoom: false, partBytes: 9000 });
        for (const one of all.slice(before)) {
          write(one);
          await pause();
        }
        expect(await load).toBe(true);
        await checkpoint;
        const rows = [...expected.values()].sort((a, b) => compareBytes(a.key, b.key));
        const check = (checked: Table): void => {
          expect(rowsOf(checked)).toEqual(rows.map(({ key, value }) => `${key.join()}=${value.join()}`));
          expect(checked.count).toBe(rows.length);
          expect(checked.sizeBytes).toBe(rows.reduce((sum, { key, value }) => sum + key.length + value.length, 0));
        };
        check(table);
        store.setStable({ ts: (now + 1) as Timestamp, t: TERM });
        await store.checkpoint();
        expect(store.stats().versions).toBe(0);
        check(table);
        check((await open(base)).table(table.id));
      }),
      { numRuns: 60 },
    );
  });

  test('leaves nothing when the process dies in the middle', async () => {
    const base = new MemoryBaseStore();
    const store = await open(base);
    const table = store.createTable({ kind: 'index', replicated: true });
    store.hold(table.id);
    const entries = Array.from({ length: 2000 }, (_, i) => [Uint8Array.of(i >> 8, i), new Uint8Array(40)] as const);
    const died = new Promise<void>(() => {});
    let parts = 0;
    const reached = new Promise<void>((resolve) => {
      const stop = (): Promise<void> => {
        parts += 1;
        if (parts === 2) resolve();
        return parts === 2 ? died : env.breathe();
      };
      void store.load(table.id, runOf(entries), { pause: stop, waitsForRoom: false, partBytes: 8000 });
    });
    await reached;
    expect(base.keys(table.id).length).toBeGreaterThan(0);
    const again = await open(base);
    expect(again.hasTable(table.id)).toBe(false);
    expect(again.createTable({ kind: 'index', replicated: true }).id).not.toBe(table.id);
    await again.checkpoint();
    expect(base.keys(table.id)).toEqual([]);
    expect(base.tables().map(({ id }) => id)).not.toContain(table.id);
  });

  test('of a table that is dropped meanwhile ends, and its blocks go', async () => {
    const base = new MemoryBaseStore({ delay: pause });
    const store = await open(base);
    const table = store.createTable({ kind: 'index', replicated: true });
    store.hold(table.id);
    const entries = Array.from({ length: 2000 }, (_, i) => [Uint8Array.of(i >> 8, i), new Uint8Array(40)] as const);
    const load = store.load(table.id, runOf(entries), { pause, waitsForRoom: false, partBytes: 8000 });
    while (base.keys(table.id).length === 0) await pause();
    store.dropTable(table.id);
    await store.checkpoint();
    expect(await load).toBe(false);
    await store.checkpoint();
    expect(base.keys(table.id)).toEqual([]);
    expect(base.tables()).toEqual([]);
  });

  test('gives up on a full disk, or waits for room', async () => {
    const base = new MemoryBaseStore({ sizeBytesMax: 100 });
    const failures: unknown[] = [];
    const store = await open(base, failures);
    const entries = Array.from({ length: 100 }, (_, i) => [Uint8Array.of(i), new Uint8Array(40)] as const);
    const given = store.createTable({ kind: 'index', replicated: true });
    store.hold(given.id);
    const load = store.load(given.id, runOf(entries), { pause, waitsForRoom: false });
    await expect(load).rejects.toMatchObject({ codeName: 'OutOfDiskSpace' });
    store.dropTable(given.id);
    const kept = store.createTable({ kind: 'index', replicated: true });
    store.hold(kept.id);
    const waiting = store.load(kept.id, runOf(entries), { pause, waitsForRoom: true });
    await pause();
    base.sizeBytesMax = 1_000_000;
    env.advance(60_000);
    expect(await waiting).toBe(true);
    expect(kept.count).toBe(100);
    expect(failures).toEqual([]);
  });

  test('does not change which state the store is in', async () => {
    const base = new MemoryBaseStore();
    const store = await open(base);
    const documents = store.createTable({ kind: 'documents', replicated: true });
    documents.put(Uint8Array.of(1), NONE, 5 as Timestamp);
    store.setStable({ ts: 5 as Timestamp, t: TERM });
    await store.checkpoint();
    const table = store.createTable({ kind: 'index', replicated: true, at: TIMESTAMP_NULL });
    store.hold(table.id);
    await store.load(table.id, runOf([[Uint8Array.of(1), NONE]]), { pause, waitsForRoom: false });
    expect(base.checkpoint()).toEqual({ ts: 5, t: TERM });
  });
});
