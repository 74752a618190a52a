import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, describe, expect, test } from 'vitest';
import { termOf, timestampOf } from '../base/optime.ts';
import type { BaseBatch, BaseStore, TableRecord } from '../storage/base_store.ts';
import { MemoryBaseStore } from '../storage/memory_base_store.ts';
import { tableIdOf } from '../storage/table.ts';
import { openLmdbBaseStore } from './lmdb_base_store.ts';

const directories: string[] = [];

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'quorate-base-'));
  directories.push(directory);
  return directory;
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const ONE = tableIdOf(1);
const LAST = tableIdOf(0xffff_fffe);

function record(id: typeof ONE, count = 0): TableRecord {
  return { id, kind: 'index', replicated: true, count, sizeBytes: count * 2 ** 33, dropped: false };
}

function batch(parts: Partial<BaseBatch>): BaseBatch {
  return { optime: { ts: timestampOf(7, 8), t: termOf(9) }, tables: [], forgotten: [], blocks: [], ...parts };
}

function block(table: typeof ONE, name: readonly number[], fill: number | undefined): BaseBatch['blocks'][number] {
  return {
    table,
    name: Uint8Array.from(name),
    bytes: fill === undefined ? undefined : new Uint8Array(8160).fill(fill),
  };
}

describe.each([
  ['LMDB', () => openLmdbBaseStore({ directory: newDirectory() })],
  ['memory', (): Promise<BaseStore> => Promise.resolve(new MemoryBaseStore())],
])('the base store in %s', (_, openBase) => {
  test('gives back blocks, names in order, records and the optime', async () => {
    const base = await openBase();
    const names = [[], [0], [0, 0], [1, 255], Array.from({ length: 520 }, () => 200)];
    const blocks = names.toReversed().map((name) => block(ONE, name, name.length));
    const tables = [record(LAST, 3), record(ONE)];
    await base.commit(batch({ tables, blocks: [...blocks, block(LAST, [5], 6)] }));
    expect([...base.keys(ONE)]).toEqual(names.map((name) => Uint8Array.from(name)));
    expect([...base.keys(LAST)]).toEqual([Uint8Array.of(5)]);
    expect([...base.keys(tableIdOf(2))]).toEqual([]);
    expect(base.read(ONE, Uint8Array.of(1, 255))).toEqual(new Uint8Array(8160).fill(2));
    expect(base.view(ONE, new Uint8Array(0))).toEqual(new Uint8Array(8160));
    expect(base.tables()).toEqual([record(ONE), record(LAST, 3)]);
    expect(base.checkpoint()).toEqual({ ts: timestampOf(7, 8), t: 9 });
    await base.close();
  });

  test('replaces and removes', async () => {
    const base = await openBase();
    await base.commit(batch({ tables: [record(ONE), record(LAST)], blocks: [block(ONE, [1], 1), block(ONE, [2], 2)] }));
    const second = { blocks: [block(ONE, [1], undefined), block(ONE, [2], 3)], forgotten: [LAST] };
    await base.commit(batch(second));
    expect([...base.keys(ONE)]).toEqual([Uint8Array.of(2)]);
    expect(base.read(ONE, Uint8Array.of(2))[0]).toBe(3);
    expect(base.tables()).toEqual([record(ONE)]);
    expect(() => base.read(ONE, Uint8Array.of(1))).toThrow('no block of that name');
    await base.close();
  });

  test('keeps what it was given, whatever becomes of the buffers afterwards', async () => {
    const base = await openBase();
    const mine = block(ONE, [1], 1);
    await base.commit(batch({ blocks: [mine] }));
    mine.bytes?.fill(9);
    const kept = base.read(ONE, Uint8Array.of(1));
    await base.commit(batch({ blocks: [block(ONE, [1], 2)] }));
    expect(base.read(ONE, Uint8Array.of(1))[0]).toBe(2);
    expect(kept[0]).toBe(1);
    await base.close();
  });

  test('holds blocks of 17 MB', async () => {
    const base = await openBase();
    const bytes = new Uint8Array(17 * 1024 * 1024).fill(3);
    await base.commit(batch({ blocks: [{ table: ONE, name: Uint8Array.of(1), bytes }] }));
    expect(Buffer.compare(base.read(ONE, Uint8Array.of(1)), bytes)).toBe(0);
    await base.close();
  });
});

test('the memory base store loses a commit under way in a crash, or has it, as a whole', async () => {
  const seen = new Set<number>();
  for (const chance of [0, 1]) {
    const base = new MemoryBaseStore({ delay: () => new Promise(() => {}) });
    void base.commit(batch({ tables: [record(ONE)], blocks: [block(ONE, [1], 1), block(ONE, [2], 1)] }));
    base.crash({ uint32: () => chance, bytes: (length) => new Uint8Array(length) });
    seen.add([...base.keys(ONE)].length * 10 + base.tables().length);
  }
  expect([...seen]).toEqual([21, 0]);
});

describe('an LMDB folder', () => {
  test('keeps its contents over a close', async () => {
    const directory = newDirectory();
    const base = await openLmdbBaseStore({ directory });
    await base.commit(batch({ tables: [record(ONE, 12)], blocks: [block(ONE, [1], 1)] }));
    await base.close();
    const again = await openLmdbBaseStore({ directory });
    expect(again.tables()).toEqual([record(ONE, 12)]);
    expect(again.read(ONE, Uint8Array.of(1))).toHaveLength(8160);
    await again.close();
  });

  test('has the layout of docs/base-store.md', async () => {
    const directory = newDirectory();
    const base = await openLmdbBaseStore({ directory });
    const id = tableIdOf(3);
    const described: TableRecord = { ...record(id), kind: 'documents', count: 2, sizeBytes: 13 };
    const optime = { ts: timestampOf(5, 1), t: termOf(2) };
    const named = { table: id, name: Uint8Array.of(0xab), bytes: Uint8Array.of(1, 2) };
    await base.commit(batch({ optime, tables: [described], blocks: [named] }));
    await base.close();
    const db = open<Uint8Array, Uint8Array>({
      path: join(directory, 'blocks.mdb'),
      pageSize: 8192,
      keyEncoding: 'binary',
      encoding: 'binary',
    });
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    expect([...db.getRange()].map(({ key, value }) => `${hex(key)} ${hex(value)}`)).toEqual([
      '0000000001 0000000500000001000000000000000208e18d29',
      '000000000200000003 00010000000000000002000000000000000db0fa5035',
      '00000003ab 0102',
    ]);
    await db.close();
  });

  test('of another format is refused by name', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'format'), 'quorate base store, format 7\n');
    await expect(openLmdbBaseStore({ directory })).rejects.toThrow('was written by another version of this program');
  });

  test('of no known format is refused', async () => {
    const directory = newDirectory();
    writeFileSync(join(directory, 'blocks.mdb'), '');
    await expect(openLmdbBaseStore({ directory })).rejects.toThrow('its format is not known');
  });
});
