/**
 * What the versioned tables cost: `npx tsx bench/storage_tables.ts [row…]` over LMDB in a temporary folder.
 * Rows: gets many cold scans index updates appends versions. BENCH_DOCS sets the number of documents (default 200,000).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { NO_LOG } from '../src/base/log.ts';
import { termOf, type Timestamp } from '../src/base/optime.ts';

import { createHostEnv } from '../src/host/env.ts';
import { openLmdbBaseStore } from '../src/host/lmdb_base_store.ts';
import { Store } from '../src/storage/store.ts';
import { GET_MANY_MAX, type Table } from '../src/storage/table.ts';

const TERM = termOf(1);
const DOCS = Number(process.env['BENCH_DOCS'] ?? 200_000);
const env = createHostEnv(tmpdir());

function recordKey(n: number): Uint8Array {
  return Uint8Array.of(0, 0, n >>> 24, n >>> 16, n >>> 8, n);
}

/** As an index on a number: type byte, eight bytes of value, record id. */
function indexKey(value: number, n: number): Uint8Array {
  return Uint8Array.of(
    30,
    192,
    value >>> 24,
    value >>> 16,
    value >>> 8,
    value,
    0,
    0,
    0,
    0,
    0,
    n >>> 24,
    n >>> 16,
    n >>> 8,
    n,
  );
}

function random(limit: number): number {
  return ((env.random.uint32() / 2 ** 32) * limit) | 0;
}

function report(what: string, count: number, millisecondsTaken: number): void {
  const rate = (count / millisecondsTaken) * 1000;
  console.log(
    `${what.padEnd(58)} ${Math.round(rate).toLocaleString('en').padStart(12)} /s ${((millisecondsTaken * 1e6) / count).toFixed(0).padStart(8)} ns`,
  );
}

function timed(what: string, count: number, run: () => void): void {
  for (let i = 0; i < 3; i++) {
    const begin = performance.now();
    run();
    if (i === 2) report(what, count, performance.now() - begin);
  }
}

async function withStore(run: (store: Store) => Promise<void>, cacheBytesMax = 1 << 30): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'quorate-bench-'));
  const base = await openLmdbBaseStore({ directory });
  const onFailure = (error: unknown): void => {
    throw error;
  };
  const store = await Store.open({ base, env, log: NO_LOG, cacheBytesMax, onFailure });
  await run(store);
  await store.close();
  rmSync(directory, { recursive: true });
}

let now = 1;

/** Writes in steps with a checkpoint after each. */
async function fill(store: Store, count: number, write: (i: number, at: Timestamp) => void): Promise<void> {
  for (let i = 0; i < count; i++) {
    now += 1;
    write(i, now as Timestamp);
    if (i % 10_000 === 9999 || i === count - 1) {
      store.setStable({ ts: now as Timestamp, t: TERM });
      await store.checkpoint();
    }
  }
}

async function filled(store: Store, size: number): Promise<Table> {
  const table = store.createTable({ kind: 'documents', replicated: true });
  await fill(store, DOCS, (i, at) => table.put(recordKey(i), new Uint8Array(size).fill(i), at));
  return table;
}

function scan(table: Table): number {
  const cursor = table.cursor();
  let sum = 0;
  while (cursor.next()) sum += cursor.valueBytes[cursor.valueStart + 7];
  return sum;
}

const rows: Record<string, () => Promise<void>> = {
  gets: () =>
    withStore(async (store) => {
      const table = await filled(store, 250);
      const keys = Array.from({ length: 500_000 }, () => recordKey(random(DOCS)));
      scan(table);
      timed('random gets, cached, 250 B', keys.length, () => {
        for (const key of keys) table.get(key);
      });
      now += 1;
      const spread = Array.from({ length: 10_000 }, (_, i) => recordKey(i * 17));
      for (const key of spread) table.put(key, new Uint8Array(250), now as Timestamp);
      timed('random gets that hit one of 10,000 versions', keys.length, () => {
        for (let i = 0; i < keys.length; i++) table.get(spread[i % spread.length]);
      });
      timed('random gets, cached, with 10,000 versions elsewhere', keys.length, () => {
        for (const key of keys) table.get(key);
      });
    }),
  many: () =>
    withStore(async (store) => {
      const table = await filled(store, 1000);
      scan(table);
      const keys = Array.from({ length: GET_MANY_MAX }, () => recordKey(0));
      const draw = (): void => keys.forEach((key) => key.set(recordKey(random(DOCS))));
      const values: Uint8Array[] = [];
      const reply = new Uint8Array(GET_MANY_MAX * 1000);
      const at = now as Timestamp;
      const rounds = 10_000;
      const count = rounds * GET_MANY_MAX;
      timed('random gets, cached, 1000 B, copied', count, () => {
        for (let round = 0; round < rounds; round++) {
          draw();
          keys.forEach((key, i) => reply.set(table.get(key) ?? reply, i * 1000));
        }
      });
      timed(`random gets of ${GET_MANY_MAX} together, copied`, count, () => {
        for (let round = 0; round < rounds; round++) {
          draw();
          table.getMany(keys, GET_MANY_MAX, at, values);
          values.forEach((value, i) => reply.set(value, i * 1000));
        }
      });
      timed('of which the keys', count, () => {
        for (let round = 0; round < rounds; round++) draw();
      });
    }),
  cold: () =>
    withStore(async (store) => {
      const table = await filled(store, 250);
      const keys = Array.from({ length: 200_000 }, () => recordKey(random(DOCS)));
      timed('random gets, cache of 1 MB, 250 B', keys.length, () => {
        for (const key of keys) table.get(key);
      });
      timed('scan, cache of 1 MB, 250 B', DOCS, () => void scan(table));
    }, 1 << 20),
  scans: async () => {
    for (const size of [250, 1000]) {
      await withStore(async (store) => {
        const table = await filled(store, size);
        timed(`scan, cached, ${size} B`, DOCS, () => void scan(table));
        timed(`scan with a view of each value, cached, ${size} B`, DOCS, () => {
          const cursor = table.cursor();
          while (cursor.next()) void cursor.value;
        });
        timed(`reverse scan, cached, ${size} B`, DOCS, () => {
          const cursor = table.cursor({ reverse: true });
          while (cursor.next());
        });
        now += 1;
        for (let i = 0; i < 10_000; i++) table.put(recordKey(random(DOCS)), new Uint8Array(size), now as Timestamp);
        timed(`scan with 10,000 random versions, ${size} B`, DOCS, () => void scan(table));
      });
    }
  },
  index: () =>
    withStore(async (store) => {
      const table = store.createTable({ kind: 'index', replicated: true });
      const order = Array.from({ length: DOCS }, (_, i) => i).sort(() => random(2) - 0.5);
      const empty = new Uint8Array(0);
      const begin = performance.now();
      await fill(store, DOCS, (i, at) => table.put(indexKey(random(1 << 30), order[i]), empty, at));
      report('index entries put at random and checkpointed', DOCS, performance.now() - begin);
      timed('index scan, cached', DOCS, () => {
        const cursor = table.cursor();
        while (cursor.next());
      });
      timed('index scan with keyBytes', DOCS, () => {
        const cursor = table.cursor();
        let sum = 0;
        while (cursor.next()) sum += cursor.keyBytes[cursor.keyEnd - 1];
        if (sum < 0) throw new Error('unreachable');
      });
      timed('index ranges of 100', 20_000, () => {
        for (let i = 0; i < 20_000; i++) {
          const cursor = table.cursor({ from: indexKey(random(1 << 30), 0) });
          for (let k = 0; k < 100 && cursor.next(); k++);
        }
      });
    }),
  updates: () =>
    withStore(async (store) => {
      const table = await filled(store, 1000);
      for (let round = 0; round < 5; round++) {
        now += 1;
        for (let i = 0; i < 10_000; i++) table.put(recordKey(random(DOCS)), new Uint8Array(1000), now as Timestamp);
        store.setStable({ ts: now as Timestamp, t: TERM });
        const cpu = process.cpuUsage();
        const begin = performance.now();
        const idle = performance.eventLoopUtilization();
        const delay = monitorEventLoopDelay({ resolution: 1 });
        delay.enable();
        await store.checkpoint();
        delay.disable();
        const used = process.cpuUsage(cpu);
        const busy = performance.eventLoopUtilization(idle).active;
        const { checkpointBlocksLast } = store.stats();
        console.log(
          `checkpoint of 10,000 random updates, 1000 B: ${(performance.now() - begin).toFixed(0)} ms, loop busy ${busy.toFixed(0)} ms, ` +
            `all threads ${((used.user + used.system) / 1000).toFixed(0)} ms, ${checkpointBlocksLast} blocks, longest turn ${(delay.max / 1e6).toFixed(0)} ms`,
        );
      }
    }, 128 << 20),
  appends: () =>
    withStore(async (store) => {
      const table = store.createTable({ kind: 'documents', replicated: true });
      const value = new Uint8Array(250);
      const begin = performance.now();
      await fill(store, DOCS, (i, at) => table.put(recordKey(i), value, at));
      report('documents appended and checkpointed, 250 B', DOCS, performance.now() - begin);
      console.log(
        `base store: ${(store.stats().baseBytes / 2 ** 20).toFixed(0)} MB for ${(table.sizeBytes / 2 ** 20).toFixed(0)} MB`,
      );
    }),
  versions: () =>
    withStore(async (store) => {
      const value = new Uint8Array(250);
      const keys = Array.from({ length: 100_000 }, (_, i) => recordKey(i));
      for (const kind of ['documents', 'index'] as const) {
        const begin = performance.now();
        const table = store.createTable({ kind, replicated: true });
        now += 1;
        for (const key of keys) table.put(key, value, now as Timestamp);
        report(`puts of new keys in order, ${kind}`, keys.length, performance.now() - begin);
        timed(`scan of versions only, ${kind}`, keys.length, () => void scan(table));
      }
    }),
};

const wanted = process.argv.slice(2);
for (const name of wanted.length === 0 ? Object.keys(rows) : wanted) await rows[name]();
