import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes } from '../../bson/bytes.ts';
import { sortedByKey } from './key_sort.ts';

test('items come in the order of the bytes of their keys, however many they are', () => {
  const key = fc.oneof(fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 3, max: 1 }));
  fc.assert(
    fc.property(fc.array(key, { maxLength: 200 }), (keys) => {
      const items = keys.map((bytes) => ({ bytes }));
      const sorted = sortedByKey(items, ({ bytes }) => bytes);
      expect(sorted.map(({ bytes }) => bytes)).toEqual(keys.toSorted(compareBytes));
    }),
  );
});
