import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryFiles } from '../../base/memory_files.ts';
import { encodeDocument } from '../../bson/codec.ts';
import { SpillFolder } from './spill_file.ts';
import { SpillableList } from './spillable_list.ts';

const exceeded = (): Error => new Error('too much');
const entry = (n: number, pad = 0) => ({
  key: Uint8Array.of(n & 0xff),
  document: encodeDocument({ n, pad: 'x'.repeat(pad) }),
});

test('gives every document at its place, wherever it lies', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 60 }),
      fc.array(fc.nat(), { maxLength: 100 }),
      fc.integer({ min: 1, max: 500_000 }),
      (pads, reads, bytesMax) => {
        const spill = new SpillFolder(new MemoryFiles(), 'temporary');
        const list = new SpillableList({ bytesMax, spill, exceeded });
        for (const [n, pad] of pads.entries()) list.add(entry(n, pad));
        expect(list.length).toBe(pads.length);
        if (pads.length === 0) return;
        for (const read of reads) {
          const n = read % pads.length;
          expect(list.get(n)).toEqual(entry(n, pads[n]));
        }
        list.close();
      },
    ),
    { numRuns: 30 },
  );
});

test('leaves no file behind, and refuses what does not fit without a disk', () => {
  const files = new MemoryFiles();
  const list = new SpillableList({ bytesMax: 500, spill: new SpillFolder(files, 'temporary'), exceeded });
  for (let n = 0; n < 50; n++) list.add(entry(n, 100));
  list.get(0);
  expect(files.list('temporary')).toHaveLength(1);
  list.close();
  expect(files.list('temporary')).toEqual([]);
  const small = new SpillableList({ bytesMax: 50, spill: undefined, exceeded });
  expect(() => small.add(entry(0, 100))).toThrow('too much');
});
