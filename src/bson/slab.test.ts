import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Slab } from './slab.ts';

test('copies stay as they were when they were made, however many follow', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20_000), fc.nat(255)), { maxLength: 30 }), (runs) => {
      const slab = new Slab();
      const source = new Uint8Array(20_000);
      const copies = runs.map(([length, byte]) => slab.copy(source.fill(byte).subarray(0, length)));
      source.fill(0);
      for (const [i, [length, byte]] of runs.entries()) {
        expect(copies[i].length).toBe(length);
        expect(copies[i].every((found) => found === byte)).toBe(true);
      }
    }),
  );
});
