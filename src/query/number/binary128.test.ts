import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearestBinary128, scaledBinary128 } from './binary128.ts';

const sizes = fc.bigInt({ min: 1n, max: 10n ** 60n });

test('113 bits are kept, and no other such number is nearer', () => {
  fc.assert(
    fc.property(sizes, sizes, (numerator, denominator) => {
      const { mantissa, exponent } = nearestBinary128(numerator, denominator);
      expect(mantissa.toString(2).length).toBeGreaterThanOrEqual(113);
      // |n/d - m 2^e| <= 2^e / 2, in whole numbers
      const [up, down] = exponent >= 0 ? [1n << BigInt(exponent), 1n] : [1n, 1n << BigInt(-exponent)];
      const off = 2n * (numerator * down - mantissa * denominator * up);
      expect((off < 0n ? -off : off) <= denominator * up).toBe(true);
    }),
  );
});

test('a number of few bits stays as it is, and ties go to the even one', () => {
  expect(scaledBinary128(nearestBinary128(5n, 4n), 100n)).toBe(125n);
  expect(scaledBinary128(nearestBinary128((1n << 113n) + 1n, 1n), 1n)).toBe(1n << 113n);
  expect(scaledBinary128(nearestBinary128((1n << 113n) + 3n, 1n), 1n)).toBe((1n << 113n) + 4n);
});
