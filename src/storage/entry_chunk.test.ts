import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes } from '../bson/bytes.ts';
import { EntryChunk } from './entry_chunk.ts';
import { EntryMerge } from './entry_merge.ts';
import type { EntrySource } from './entry_source.ts';

const NONE = new Uint8Array(0);

/** Few different bytes and long common beginnings: most keys have equal heads, or end within them. */
const tail = fc.uint8Array({ maxLength: 9, max: 2 });
const keys = fc
  .tuple(fc.uint8Array({ maxLength: 8, max: 1 }), fc.array(tail, { minLength: 1, maxLength: 60 }))
  .map(([beginning, tails]) => {
    const all = tails.map((rest) => Uint8Array.of(...beginning, ...rest));
    return [...new Map(all.map((key) => [key.join(), key])).values()];
  });

function entriesOf(source: EntrySource): [Uint8Array, Uint8Array][] {
  const entries: [Uint8Array, Uint8Array][] = [];
  while (source.next()) {
    const { bytes, start, keyEnd, end } = source;
    entries.push([bytes.slice(start, keyEnd), bytes.slice(keyEnd, end)]);
  }
  return entries;
}

/** The value tells the key it belongs to. */
function valueOf(key: Uint8Array): Uint8Array {
  return key.length % 3 === 0 ? NONE : Uint8Array.of(key.reduce((sum, byte) => sum * 3 + byte, key.length));
}

test('a chunk gives its entries back in the order of their keys', () => {
  fc.assert(
    fc.property(keys, fc.nat(8), (all, cut) => {
      const chunk = new EntryChunk();
      for (const key of all) {
        const head = key.subarray(0, cut);
        const rest = key.subarray(head.length);
        chunk.add(head, head.length, rest, rest.length, valueOf(key));
      }
      const run = chunk.sort();
      const sorted = all.toSorted(compareBytes);
      const expected = sorted.map((key) => [key, valueOf(key)]);
      expect([run.first, run.last]).toEqual([sorted[0], sorted.at(-1)]);
      expect(entriesOf(run)).toEqual(expected);
      run.rewind();
      expect(entriesOf(run)).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test('many chunks merge into one order', () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 6 }), (all, count) => {
      const chunks = Array.from({ length: Math.min(count, all.length) }, () => new EntryChunk());
      for (const [i, key] of all.entries()) chunks[i % chunks.length].add(key, key.length, NONE, 0, valueOf(key));
      const merge = new EntryMerge(chunks.map((chunk) => chunk.sort()));
      expect(entriesOf(merge)).toEqual(all.toSorted(compareBytes).map((key) => [key, valueOf(key)]));
      expect(merge.next()).toBe(false);
    }),
    { numRuns: 500 },
  );
});
