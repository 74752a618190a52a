import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes } from '../bson/bytes.ts';
import { BLOCK_BYTES_MAX, ENTRY_BYTES_MAX, FLAG_WIDE } from './block.ts';
import { verifyChecksum } from './block_checksum.ts';
import { BlockMerge } from './block_merge.ts';
import { BlockReader } from './block_reader.ts';
import { BlockArena, EntryList, planBlocks, writeBlock } from './block_writer.ts';

interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function listOf(rows: readonly Row[]): EntryList {
  const entries = new EntryList();
  for (const { key, value } of rows) entries.push(key, value, 0, value.length);
  return entries;
}

/** As text: comparing large arrays element by element takes the test framework long. */
function textOf(rows: readonly Row[]): string[] {
  return rows.map(({ key, value }) => `${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('latin1')}`);
}

function rowsOf(block: Uint8Array): Row[] {
  const reader = new BlockReader();
  reader.open(block);
  return Array.from({ length: reader.count }, (_, i) => {
    const key = reader.keyAt(i);
    return { key, value: reader.value().slice() };
  });
}

/** Keys with what makes blocks differ: shared prefixes, lengths around what a narrow block holds, the empty key. */
const keyArbitrary = fc
  .tuple(fc.constantFrom(0, 0, 3, 250, 255, 256, 2900), fc.uint8Array({ minLength: 0, maxLength: 6 }))
  .map(([shared, rest]) => Uint8Array.from([...new Uint8Array(shared).fill(65), ...rest]));
const valueArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(2000, 3000, 9000, 70_000).map((size) => new Uint8Array(size).fill(size)) },
);

function sorted(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => compareBytes(a.key, b.key));
}

const rowsArbitrary = fc
  .uniqueArray(fc.record({ key: keyArbitrary, value: valueArbitrary }), {
    minLength: 1,
    maxLength: 60,
    selector: (row) => String.fromCharCode(...row.key),
  })
  .map(sorted);

function indexIn(rows: readonly Row[], key: Uint8Array): number {
  const index = rows.findIndex((row) => compareBytes(row.key, key) >= 0);
  const at = index < 0 ? rows.length : index;
  const row = rows[at];
  return row !== undefined && compareBytes(row.key, key) === 0 ? at : ~at;
}

describe('a block', () => {
  test('gives back what was written, and finds every key and every gap', () => {
    fc.assert(
      fc.property(rowsArbitrary, fc.array(keyArbitrary), (rows, others) => {
        const block = writeBlock(new BlockArena(0), listOf(rows), 0, rows.length);
        expect(textOf(rowsOf(block))).toEqual(textOf(rows));
        const reader = new BlockReader();
        reader.open(block);
        for (const key of [...rows.map((row) => row.key), ...others]) expect(reader.find(key)).toBe(indexIn(rows, key));
      }),
    );
  });

  test('fails its checksum when any bit of it changes', () => {
    const rows = sorted(Array.from({ length: 20 }, (_, i) => ({ key: bytes(`key${i}`), value: bytes(`value ${i}`) })));
    const block = writeBlock(new BlockArena(0), listOf(rows), 0, rows.length);
    const describeBlock = (): string => 'the block';
    verifyChecksum(block, describeBlock);
    for (let bit = 0; bit < block.length * 8; bit++) {
      const damaged = block.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => verifyChecksum(damaged, describeBlock)).toThrow('the block fails its checksum');
    }
  });

  test('has the layout of docs/block-format.md', () => {
    const rows = [
      { key: bytes('apple'), value: bytes('1') },
      { key: bytes('apply'), value: bytes('22') },
    ];
    const block = writeBlock(new BlockArena(0), listOf(rows), 0, 2);
    expect(Buffer.from(block).toString('hex')).toBe(
      ['e4c68e7c', '0200', '00', '04', '6170706c', '0000', '0300', '0700', '016531', '01793232'].join(''),
    );
  });

  test('is wide only when a key or the entries are long', () => {
    const one = (key: number, value: number): number => {
      const rows = [{ key: new Uint8Array(key), value: new Uint8Array(value) }];
      return writeBlock(new BlockArena(0), listOf(rows), 0, 1)[6] ?? -1;
    };
    expect([one(255, 65_534), one(256, 0), one(0, 65_535)]).toEqual([0, FLAG_WIDE, FLAG_WIDE]);
  });
});

describe('planning', () => {
  test('keeps small entries in blocks of at most 8,160 bytes, and big ones alone', () => {
    fc.assert(
      fc.property(rowsArbitrary, fc.constantFrom(undefined, 0.85, 0.95), (rows, fill) => {
        const entries = listOf(rows);
        let from = 0;
        for (const to of planBlocks(entries, fill)) {
          const isBigAlone = to - from === 1 && entries.sizeOf(from) > ENTRY_BYTES_MAX;
          const block = writeBlock(new BlockArena(0), entries, from, to);
          expect(isBigAlone || block.length <= BLOCK_BYTES_MAX).toBe(true);
          for (let i = from; i < to && !isBigAlone; i++) expect(entries.sizeOf(i)).toBeLessThanOrEqual(ENTRY_BYTES_MAX);
          from = to;
        }
        expect(from).toBe(rows.length);
      }),
    );
  });
});

describe('merging edits into a block', () => {
  const editsArbitrary = fc
    .uniqueArray(fc.tuple(fc.nat(80), fc.option(valueArbitrary, { nil: undefined })), {
      minLength: 1,
      maxLength: 20,
      selector: ([position]) => position,
    })
    .map((edits) => edits.sort(([a], [b]) => a - b));

  test('gives the same entries as applying them to a map, in either way of writing', () => {
    fc.assert(
      fc.property(rowsArbitrary, rowsArbitrary, editsArbitrary, (rows, fresh, picks) => {
        const pool = new Map([...rows, ...fresh].map((row) => [String.fromCharCode(...row.key), row.key]));
        const keys = [...pool.values()].sort(compareBytes);
        const edits = picks.filter(([position]) => position < keys.length);
        const expected = new Map(rows.map((row) => [String.fromCharCode(...row.key), row]));
        const oldSizes = edits.map(([position]) => {
          const old = expected.get(String.fromCharCode(...(keys[position] ?? [])));
          return old === undefined ? -1 : old.key.length + old.value.length;
        });
        for (const [position, value] of edits) {
          const key = keys[position] ?? new Uint8Array(0);
          if (value === undefined) expected.delete(String.fromCharCode(...key));
          else expected.set(String.fromCharCode(...key), { key, value });
        }
        const list = {
          keys: edits.map(([position]) => keys[position] ?? new Uint8Array(0)),
          values: edits.map(([, value]) => value),
          oldSizes: edits.map(() => -7),
        };
        const range = { edits: list, from: 0, to: edits.length };
        const arena = new BlockArena(0);
        const reader = new BlockReader();
        reader.open(writeBlock(arena, listOf(rows), 0, rows.length));
        const merge = new BlockMerge();
        const measure = merge.measure(reader, range);
        const result = sorted([...expected.values()]);
        expect(list.oldSizes).toEqual(oldSizes);
        expect(measure.count).toBe(result.length);
        const entries = new EntryList();
        merge.collect(reader, range, entries);
        const none = new Uint8Array(0);
        const collected = entries.keys.map((key) => ({ key, value: none }));
        expect(textOf(collected)).toEqual(textOf(result.map(({ key }) => ({ key, value: none }))));
        if (!measure.simple || measure.count === 0) return;
        const block = merge.rewrite(arena, reader, range, measure);
        verifyChecksum(block, () => 'the block');
        expect(textOf(rowsOf(block))).toEqual(textOf(result));
      }),
      { numRuns: 300 },
    );
  });
});
