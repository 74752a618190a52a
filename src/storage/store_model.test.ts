import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { manualEnv } from '../../tests/support/manual_env.ts';
import { NO_LOG } from '../base/log.ts';
import { TIMESTAMP_MAX, TIMESTAMP_NULL, termOf, type Timestamp } from '../base/optime.ts';
import { compareBytes } from '../bson/bytes.ts';
import { openLmdbBaseStore } from '../host/lmdb_base_store.ts';
import type { BaseStore } from './base_store.ts';
import { MemoryBaseStore } from './memory_base_store.ts';
import { type Pin, Store } from './store.ts';
import type { CursorOptions, Table, TableCursor, TableId, TableKind } from './table.ts';

/** Key shapes that meet different paths: short, record ids, long common prefixes, longer than any name may be. */
const KEY_SHAPES = ['tiny', 'recordId', 'prefixed', 'narrowEdge', 'huge'] as const;
type KeyShape = (typeof KEY_SHAPES)[number];

function keyOf(shape: KeyShape, n: number): Uint8Array {
  const high = n >> 8;
  switch (shape) {
    case 'tiny':
      return Uint8Array.of(n % 251);
    case 'recordId':
      return Uint8Array.of(0, 0, 0, 0, high, n);
    case 'prefixed':
      return padded(300, n);
    case 'narrowEdge':
      return padded(n % 3 === 0 ? 255 : 257, n);
    case 'huge':
      return padded(700 + (n % 7) * 380, n);
  }
}

/** Equal bytes but for `n` near the end. */
function padded(length: number, n: number): Uint8Array {
  const key = new Uint8Array(length + 2).fill(7);
  key[length - 4] = n >> 8;
  key[length - 3] = n;
  return key;
}

function valueOf(size: number, at: number): Uint8Array {
  return new Uint8Array(size).fill(at + size);
}

interface ModelVersion {
  readonly at: number;
  readonly value: Uint8Array | undefined;
}

/** A table as a plain map from keys to all their versions, ascending. */
class ModelTable {
  readonly entries = new Map<string, { readonly key: Uint8Array; versions: ModelVersion[] }>();

  write(key: Uint8Array, value: Uint8Array | undefined, at: number): void {
    const name = String.fromCharCode(...key);
    let entry = this.entries.get(name);
    if (entry === undefined) {
      entry = { key, versions: [] };
      this.entries.set(name, entry);
    }
    entry.versions = [...entry.versions.filter((version) => version.at !== at), { at, value }];
  }

  cutAbove(at: number): void {
    for (const entry of this.entries.values()) entry.versions = entry.versions.filter((version) => version.at <= at);
  }

  rows(at: number): { key: Uint8Array; value: Uint8Array }[] {
    const rows: { key: Uint8Array; value: Uint8Array }[] = [];
    for (const { key, versions } of this.entries.values()) {
      const value = versions.findLast((version) => version.at <= at)?.value;
      if (value !== undefined) rows.push({ key, value });
    }
    return rows.sort((a, b) => compareBytes(a.key, b.key));
  }

  scan(options: CursorOptions): { key: Uint8Array; value: Uint8Array }[] {
    const { reverse = false, from, to, fromInclusive = true, toInclusive = true } = options;
    const order = (a: Uint8Array, b: Uint8Array): number => (reverse ? compareBytes(b, a) : compareBytes(a, b));
    const rows = this.rows(options.at ?? TIMESTAMP_MAX);
    if (reverse) rows.reverse();
    return rows.filter(({ key }) => {
      const afterFrom = from === undefined || order(key, from) > 0 || (fromInclusive && order(key, from) === 0);
      const beforeTo = to === undefined || order(key, to) < 0 || (toInclusive && order(key, to) === 0);
      return afterFrom && beforeTo;
    });
  }
}

type Op = WriteOp | ReadOp;

type WriteOp =
  | { readonly op: 'put'; readonly from: number; readonly count: number; readonly step: number; readonly size: number }
  | { readonly op: 'remove'; readonly from: number; readonly count: number; readonly step: number }
  | { readonly op: 'stable'; readonly share: number }
  | { readonly op: 'checkpoint' | 'checkpointLater' | 'reopen' | 'crash' }
  | { readonly op: 'rollBack'; readonly share: number };

type ReadOp =
  | { readonly op: 'check' | 'pinAndKeep' }
  | {
      readonly op: 'keep';
      readonly reverse: boolean;
      readonly from: number | undefined;
      readonly to: number | undefined;
    }
  | { readonly op: 'advance'; readonly steps: number }
  | { readonly op: 'seek'; readonly to: number };

const position = fc.integer({ min: 0, max: 700 });
const opArbitrary: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('put' as const),
      from: position,
      count: fc.constantFrom(1, 1, 3, 40, 300),
      step: fc.constantFrom(1, 1, 2, 7),
      size: fc.constantFrom(0, 1, 30, 250, 250, 2600, 9000, 70_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('remove' as const),
      from: position,
      count: fc.constantFrom(1, 3, 40, 300, 800),
      step: fc.constantFrom(1, 1, 2),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('stable' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constantFrom('checkpoint' as const, 'checkpointLater' as const, 'check' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('reopen' as const, 'crash' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('rollBack' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('keep' as const),
      reverse: fc.boolean(),
      from: fc.option(position, { nil: undefined }),
      to: fc.option(position, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('pinAndKeep' as const) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('advance' as const), steps: fc.constantFrom(1, 5, 60) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('seek' as const), to: position }) },
);

interface KeptCursor {
  readonly cursor: TableCursor;
  readonly bounds: CursorOptions;
  /** What is still to come: the bounds from the present position on. */
  options: CursorOptions;
  readonly pin: Pin | undefined;
}

const TERM = termOf(1);

/** Runs operations against a store and the model side by side. */
class Run {
  readonly #openBase: () => Promise<BaseStore>;
  readonly #kind: TableKind;
  readonly #shape: KeyShape;
  readonly #env = manualEnv();
  readonly #model = new ModelTable();
  #base!: BaseStore;
  #store!: Store;
  #table!: Table;
  #id: TableId | undefined = undefined;
  #now = 1;
  #stable = 0;
  #later: Promise<void> | undefined = undefined;
  #kept: KeptCursor[] = [];

  constructor(openBase: () => Promise<BaseStore>, kind: TableKind, shape: KeyShape) {
    this.#openBase = openBase;
    this.#kind = kind;
    this.#shape = shape;
  }

  async open(): Promise<void> {
    this.#base = await this.#openBase();
    const onFailure = (error: unknown): void => {
      throw error;
    };
    this.#store = await Store.open({
      base: this.#base,
      env: this.#env,
      log: NO_LOG,
      cacheBytesMax: 100_000,
      onFailure,
    });
    this.#kept = [];
    if (this.#id === undefined || !this.#store.hasTable(this.#id)) {
      this.#table = this.#store.createTable({ kind: this.#kind, replicated: true });
      this.#id = this.#table.id;
    } else {
      this.#table = this.#store.table(this.#id);
    }
  }

  async apply(op: Op): Promise<void> {
    switch (op.op) {
      case 'put':
      case 'remove':
        this.#now += 1;
        for (let i = 0; i < op.count; i++) this.#write(op.from + i * op.step, op.op === 'put' ? op.size : undefined);
        return;
      case 'stable':
        this.#stable += Math.floor((this.#now - this.#stable) * op.share);
        this.#store.setStable({ ts: this.#stable as Timestamp, t: TERM });
        return;
      case 'checkpoint':
        await this.#later;
        return this.#store.checkpoint();
      case 'checkpointLater':
        this.#later = this.#store.checkpoint();
        await this.#env.breathe();
        return;
      case 'reopen':
        await this.#later;
        await this.#store.close();
        return this.#reopen();
      case 'crash':
        if (!(this.#base instanceof MemoryBaseStore)) return;
        this.#base.crash(this.#env.random);
        return this.#reopen();
      case 'rollBack':
        return this.#rollBack(op.share);
      default:
        return this.#applyToReaders(op);
    }
  }

  async #applyToReaders(op: ReadOp): Promise<void> {
    switch (op.op) {
      case 'check':
        return this.check();
      case 'keep':
        this.#keep({ reverse: op.reverse, from: this.#maybeKey(op.from), to: this.#maybeKey(op.to) });
        return;
      case 'pinAndKeep':
        this.#keep({ at: this.#now as Timestamp });
        return;
      case 'seek':
        for (const kept of this.#kept) {
          kept.cursor.seek(this.#key(op.to));
          kept.options = { ...kept.bounds, ...this.#seekOptions(kept.bounds, op.to) };
        }
        return;
      case 'advance':
        for (const kept of this.#kept) this.#advance(kept, op.steps);
        await Promise.resolve();
    }
  }

  async finish(): Promise<void> {
    await this.#later;
    await this.#store.checkpoint();
    this.check();
    await this.#store.close();
  }

  #key(n: number): Uint8Array {
    return keyOf(this.#shape, n);
  }

  #maybeKey(n: number | undefined): Uint8Array | undefined {
    return n === undefined ? undefined : this.#key(n);
  }

  #write(n: number, size: number | undefined): void {
    const key = this.#key(n);
    const at = this.#now as Timestamp;
    const value = size === undefined ? undefined : valueOf(size, this.#now);
    this.#model.write(key, value, at);
    if (value === undefined) this.#table.remove(key, at);
    else this.#table.put(key, value, at);
  }

  async #reopen(): Promise<void> {
    this.#later = undefined;
    await this.open();
    this.#stable = this.#store.checkpointed.ts;
    this.#model.cutAbove(this.#stable);
    this.check();
  }

  #rollBack(share: number): void {
    for (const kept of this.#kept) kept.pin?.release();
    this.#kept = [];
    const to = this.#stable + Math.floor((this.#now - this.#stable) * share);
    this.#store.dropVersionsAfter(to as Timestamp);
    this.#model.cutAbove(to);
  }

  #keep(options: CursorOptions): void {
    const pin = options.at === undefined ? undefined : this.#store.pin(options.at);
    this.#kept.push({ cursor: this.#table.cursor(options), bounds: options, options, pin });
  }

  #seekOptions(options: CursorOptions, n: number): CursorOptions {
    const key = this.#key(n);
    const { from, reverse = false } = options;
    if (from !== undefined && (reverse ? compareBytes(key, from) >= 0 : compareBytes(key, from) <= 0)) {
      return { from, fromInclusive: options.fromInclusive ?? true };
    }
    return { from: key, fromInclusive: true };
  }

  /** A kept cursor gives the first entry of the present state behind its last key. */
  #advance(kept: KeptCursor, steps: number): void {
    for (let i = 0; i < steps; i++) {
      const expected = this.#model.scan(kept.options)[0];
      expect(kept.cursor.next()).toBe(expected !== undefined);
      if (expected === undefined) return;
      expectEntry(kept.cursor, expected);
      kept.options = { ...kept.options, from: expected.key, fromInclusive: false };
    }
  }

  check(): void {
    const horizon = this.#store.checkpointed.ts;
    for (const at of new Set([TIMESTAMP_MAX as number, Math.max(horizon, this.#stable), this.#now])) {
      expectRows(this.#table.cursor({ at: at as Timestamp }), this.#model.scan({ at: at as Timestamp }));
    }
    expectRows(this.#table.cursor({ reverse: true }), this.#model.scan({ reverse: true }));
    const rows = this.#model.rows(TIMESTAMP_MAX);
    expect(this.#table.count).toBe(rows.length);
    expect(this.#table.sizeBytes).toBe(rows.reduce((sum, { key, value }) => sum + key.length + value.length, 0));
    expect(this.#table.sizeBytesEstimate).toBe(this.#table.sizeBytes);
    for (const { key, value } of rows) expectBytes(this.#table.get(key), value);
    expect(this.#table.lastKey()).toEqual(rows.at(-1)?.key);
    for (let n = 0; n < 700; n += 50) {
      const options: CursorOptions = { from: this.#key(n), to: this.#key(n + 33), toInclusive: n % 100 === 0 };
      expectRows(this.#table.cursor(options), this.#model.scan(options));
      expect(this.#table.has(this.#key(n))).toBe(this.#model.scan({ from: this.#key(n), to: this.#key(n) }).length > 0);
    }
  }
}

function expectRows(cursor: TableCursor, rows: readonly { key: Uint8Array; value: Uint8Array }[]): void {
  for (const row of rows) {
    expect(cursor.next()).toBe(true);
    expectEntry(cursor, row);
  }
  expect(cursor.next()).toBe(false);
}

function expectEntry(cursor: TableCursor, row: { readonly key: Uint8Array; readonly value: Uint8Array }): void {
  expectBytes(cursor.key, row.key);
  expectBytes(cursor.keyBytes.subarray(0, cursor.keyEnd), row.key);
  expectBytes(cursor.value, row.value);
  expectBytes(cursor.valueBytes.subarray(cursor.valueStart, cursor.valueEnd), row.value);
}

function expectBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  expect(actual !== undefined && compareBytes(actual, expected) === 0).toBe(true);
}

async function runAll(run: Run, ops: readonly Op[]): Promise<void> {
  await run.open();
  for (const op of ops) await run.apply(op);
  await run.finish();
}

const opsArbitrary = fc.array(opArbitrary, { minLength: 5, maxLength: 40 });
const kindArbitrary = fc.constantFrom('documents' as const, 'index' as const);

describe('a table under any operations is a sorted map with timestamps', () => {
  test.each(KEY_SHAPES)('in memory, %s keys', async (shape) => {
    await fc.assert(
      fc.asyncProperty(opsArbitrary, kindArbitrary, async (ops, kind) => {
        const env = manualEnv();
        const base = new MemoryBaseStore({ delay: () => env.breathe() });
        await runAll(new Run(() => Promise.resolve(base), kind, shape), ops);
      }),
      { numRuns: 40 },
    );
  });

  test.each(KEY_SHAPES)('on LMDB, %s keys', async (shape) => {
    await fc.assert(
      fc.asyncProperty(opsArbitrary, kindArbitrary, async (ops, kind) => {
        const directory = mkdtempSync(join(tmpdir(), 'quorate-store-'));
        try {
          await runAll(new Run(() => openLmdbBaseStore({ directory }), kind, shape), ops);
        } finally {
          rmSync(directory, { recursive: true });
        }
      }),
      { numRuns: 8 },
    );
  });
});

test('versions at the null timestamp are checkpointed although nothing is stable', async () => {
  const env = manualEnv();
  const base = new MemoryBaseStore();
  const onFailure = (error: unknown): void => {
    throw error;
  };
  const store = await Store.open({ base, env, log: NO_LOG, onFailure });
  const table = store.createTable({ kind: 'documents', replicated: false });
  table.put(Uint8Array.of(1), Uint8Array.of(2), TIMESTAMP_NULL);
  await store.checkpoint();
  expect(store.stats().versions).toBe(0);
  expect(table.get(Uint8Array.of(1))).toEqual(Uint8Array.of(2));
  const again = await Store.open({ base, env, log: NO_LOG, onFailure });
  expect(again.table(table.id).get(Uint8Array.of(1))).toEqual(Uint8Array.of(2));
});
