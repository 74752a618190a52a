import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SteppedSort } from './stepped_sort.ts';

test('sorts as Array.sort does, equal items in their order', () => {
  const item = fc.record({ key: fc.nat(50), place: fc.nat() });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 3000, size: 'max' }), (items) => {
      const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
      const sort = new SteppedSort(items, compare);
      for (let steps = 0; sort.step(); steps++) if (steps > 10_000) throw new Error('it comes to no end');
      expect(sort.items).toEqual(items.toSorted(compare));
    }),
    { numRuns: 50 },
  );
});
