import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes } from '../../bson/bytes.ts';
import { rawInt32 } from '../../bson/value.ts';
import {
  complement,
  EVERYTHING,
  intersect,
  intersectAll,
  interval,
  isEverything,
  keyOf,
  union,
  type Interval,
} from './interval.ts';

const NUMBERS = Array.from({ length: 9 }, (_, i) => i);

const intervals = fc
  .array(fc.tuple(fc.nat(8), fc.nat(8), fc.boolean(), fc.boolean()), { maxLength: 4 })
  .map((parts) => union(parts.map(([from, to, start, end]) => interval(rawInt32(from), rawInt32(to), { start, end }))));

function has(list: readonly Interval[], number: number): boolean {
  const key = keyOf(rawInt32(number));
  return list.some((one) => {
    const low = compareBytes(one.startKey, key);
    const high = compareBytes(key, one.endKey);
    return (low < 0 || (low === 0 && one.startInclusive)) && (high < 0 || (high === 0 && one.endInclusive));
  });
}

describe('intervals', () => {
  test('an intersection holds what both hold', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        const both = intersect(a, b);
        for (const n of NUMBERS) expect(has(both, n)).toBe(has(a, n) && has(b, n));
      }),
    );
  });

  test('an intersection of many is that of one after the other', () => {
    fc.assert(
      fc.property(fc.array(intervals, { minLength: 1, maxLength: 6 }), ([first, ...others]) => {
        const expected = others.reduce<readonly Interval[]>((a, b) => intersect(a, b), first);
        expect(intersectAll([first, ...others])).toEqual(expected);
      }),
    );
  });

  test('a union holds what any holds', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        const any = union([...a, ...b]);
        for (const n of NUMBERS) expect(has(any, n)).toBe(has(a, n) || has(b, n));
      }),
    );
  });

  test('a complement holds what is not held, and its complement is the first again', () => {
    fc.assert(
      fc.property(intervals, (a) => {
        const rest = complement(a);
        for (const n of NUMBERS) expect(has(rest, n)).toBe(!has(a, n));
        for (const n of NUMBERS) expect(has(complement(rest), n)).toBe(has(a, n));
      }),
    );
  });

  test('nothing and everything are complements', () => {
    expect(isEverything(complement([]))).toBe(true);
    expect(complement([EVERYTHING])).toEqual([]);
  });
});
