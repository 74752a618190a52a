import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFiles } from '../../base/memory_files.ts';
import { decodePlain, encodeDocument } from '../../bson/codec.ts';
import { SpillFolder } from '../spill/spill_file.ts';
import { compileSort, type SortSpec } from '../sort.ts';
import { Sorter } from './sorter.ts';

const FOLDER = 'temporary';

function byA(): SortSpec {
  const spec = compileSort(encodeDocument({ a: 1 }));
  if (spec === undefined) throw new Error('the sort has a field');
  return spec;
}

function memory(sortBytesMax: number, spill?: SpillFolder) {
  return { bytesMax: Infinity, sortBytesMax, spill };
}

function sorted(sorter: Sorter, values: readonly number[]): { readonly a: number; readonly i: number }[] {
  for (const [i, a] of values.entries()) sorter.add(encodeDocument({ a, i }));
  const result: { a: number; i: number }[] = [];
  for (let next = sorter.next(); next !== undefined; next = sorter.next()) {
    const { a, i } = decodePlain(next);
    result.push({ a: Number(a), i: Number(i) });
  }
  return result;
}

const VALUES = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 400 });

describe('a sorter that may use the disk', () => {
  test('gives what one in memory gives, equal keys in the order they came', () => {
    fc.assert(
      fc.property(VALUES, fc.integer({ min: 1, max: 20_000 }), (values, bytes) => {
        const spill = new SpillFolder(new MemoryFiles(), FOLDER);
        const sorter = new Sorter(byA(), Infinity, memory(bytes, spill));
        expect(sorted(sorter, values)).toEqual(sorted(new Sorter(byA()), values));
      }),
    );
  });

  test('gives the first few also when they do not fit', () => {
    fc.assert(
      fc.property(VALUES, fc.integer({ min: 1, max: 100 }), (values, limit) => {
        const spill = new SpillFolder(new MemoryFiles(), FOLDER);
        const some = sorted(new Sorter(byA(), limit, memory(1000, spill)), values);
        expect(some.slice(0, limit)).toEqual(sorted(new Sorter(byA()), values).slice(0, limit));
      }),
    );
  });

  test('takes its file away when it is closed', () => {
    const files = new MemoryFiles();
    const sorter = new Sorter(byA(), Infinity, memory(1000, new SpillFolder(files, FOLDER)));
    for (let a = 0; a < 5000; a++) sorter.add(encodeDocument({ a: -a }));
    expect(sorter.next()).toEqual(encodeDocument({ a: -4999 }));
    expect(files.list(FOLDER)).toHaveLength(1);
    sorter.close();
    expect(files.list(FOLDER)).toEqual([]);
  });
});

test('a sorter without a disk refuses what does not fit', () => {
  const sorter = new Sorter(byA(), Infinity, memory(1000));
  const fill = (): void => {
    for (let a = 0; a < 100; a++) sorter.add(encodeDocument({ a }));
  };
  expect(fill).toThrow('Sort exceeded memory limit of 1000 bytes, but did not opt in to external sorting.');
});

test('what a dead process has left is removed', () => {
  const files = new MemoryFiles();
  const left = new SpillFolder(files, FOLDER).open();
  left.append(new Uint8Array(1), new Uint8Array(2));
  left.read();
  expect(files.list(FOLDER)).toHaveLength(1);
  new SpillFolder(files, FOLDER).clear();
  expect(files.list(FOLDER)).toEqual([]);
});
