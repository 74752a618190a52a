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

test('keys that begin alike, and those that are equal', () => {
  const key = fc.uint8Array({ maxLength: 7, max: 1 }).map((rest) => Uint8Array.of(60, 0, 60, ...rest));
  fc.assert(
    fc.property(fc.array(key, { minLength: 60, maxLength: 200 }), (keys) => {
      const items = keys.map((bytes, i) => ({ bytes, i }));
      const sorted = sortedByKey(items, ({ bytes }) => bytes);
      expect(sorted).toEqual(items.toSorted((a, b) => compareBytes(a.bytes, b.bytes)));
    }),
  );
});
