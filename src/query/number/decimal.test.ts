import { Decimal128 } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rawFromPackage } from '../../../tests/support/arbitrary_bson.ts';
import type { Decimal } from '../../bson/decimal128.ts';
import {
  addDecimals,
  decimalOf,
  decimalOfDouble,
  divideDecimal,
  exactDecimalOfDouble,
  multiplyDecimals,
  rawDecimal,
} from './decimal.ts';

function decimal(text: string): Decimal {
  return decimalOf(rawFromPackage(Decimal128.fromString(text)));
}

function text(value: Decimal): string {
  return new Decimal128(rawDecimal(value).bytes).toString();
}

const finite = fc
  .tuple(fc.bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n }), fc.integer({ min: -6176, max: 6111 }))
  .map(([coefficient, exponent]) => `${coefficient}E${exponent}`);
/** Exact sums and products of these fit 34 digits. */
const small = fc
  .tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.integer({ min: -4, max: 0 }))
  .map(([coefficient, exponent]) => ({ coefficient, exponent, text: `${coefficient}E${exponent}` }));

/** The value times 10^8, exactly. */
function scaled(value: Decimal): bigint {
  const magnitude = value.coefficient * 10n ** BigInt(8 + value.exponent);
  return value.negative ? -magnitude : magnitude;
}

describe('decimals', () => {
  test('are written as they are read', () => {
    fc.assert(
      fc.property(finite, (value) => {
        const original = Decimal128.fromString(value);
        expect(rawDecimal(decimalOf(rawFromPackage(original))).bytes).toEqual(new Uint8Array(original.bytes));
      }),
    );
    for (const special of ['NaN', 'Infinity', '-Infinity', '0', '-0', '0E+10', '0E-6176', '-0.00']) {
      expect(text(decimal(special))).toBe(Decimal128.fromString(special).toString());
    }
  });

  test('add and multiply exactly while 34 digits hold the result', () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        const [left, right] = [decimal(a.text), decimal(b.text)];
        expect(scaled(addDecimals(left, right))).toBe(scaled(left) + scaled(right));
        const exact = a.coefficient * b.coefficient * 10n ** BigInt(8 + a.exponent + b.exponent);
        expect(scaled(multiplyDecimals(left, right))).toBe(exact);
      }),
    );
  });

  test.each([
    ['1.50', '1.0', '2.50', '1.500'],
    ['0', '0.00', '0.00', '0.00'],
    ['1E+6111', '1E+6111', '2E+6111', 'Infinity'],
    [
      '9999999999999999999999999999999999',
      '1',
      '1.000000000000000000000000000000000E+34',
      '9999999999999999999999999999999999',
    ],
    ['Infinity', '-Infinity', 'NaN', '-Infinity'],
    ['Infinity', '0', 'Infinity', 'NaN'],
    ['-0', '0', '0', '0'],
    ['1E-6176', '1E-6176', '2E-6176', '0E-6176'],
  ])('%s and %s', (a, b, sum, product) => {
    expect(text(addDecimals(decimal(a), decimal(b)))).toBe(sum);
    expect(text(multiplyDecimals(decimal(a), decimal(b)))).toBe(product.replace(/^-?0$/, '-0'));
  });

  test('round half to even', () => {
    const most = decimal('1000000000000000000000000000000000');
    expect(text(addDecimals(most, decimal('0.5')))).toBe('1000000000000000000000000000000000');
    expect(text(addDecimals(most, decimal('1.5')))).toBe('1000000000000000000000000000000002');
    expect(text(addDecimals(most, decimal('0.51')))).toBe('1000000000000000000000000000000001');
  });

  test('divide by counts', () => {
    expect(text(divideDecimal(decimal('10'), 4n))).toBe('2.5');
    expect(text(divideDecimal(decimal('6.00'), 3n))).toBe('2.00');
    expect(text(divideDecimal(decimal('1'), 3n))).toBe('0.3333333333333333333333333333333333');
    expect(text(divideDecimal(decimal('2'), 3n))).toBe('0.6666666666666666666666666666666667');
  });

  test('doubles become 15 digits, or all that 34 can hold', () => {
    expect(text(decimalOfDouble(5))).toBe('5.00000000000000');
    expect(text(decimalOfDouble(0.1))).toBe('0.100000000000000');
    expect(text(exactDecimalOfDouble(1.5))).toBe('1.5');
    expect(text(exactDecimalOfDouble(0.1))).toBe('0.1000000000000000055511151231257827');
    expect(text(exactDecimalOfDouble(-0))).toBe('-0');
  });
});
