/** Decimal arithmetic beyond the four operations: remainders, rounding to a place, square roots. Exact. */
import { digitsOf, powerOfTen, type Decimal } from '../../bson/decimal128.ts';
import { addDecimals, DECIMAL_NAN, DIGITS_MAX, EXPONENT_MIN, isZeroDecimal, roundedDecimal } from './decimal.ts';

export type RoundingMode = 'halfEven' | 'towardZero' | 'up' | 'down';

export function negateDecimal(a: Decimal): Decimal {
  return a.kind === 'nan' ? a : { ...a, negative: !a.negative };
}

export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, negateDecimal(b));
}

/** The remainder of division cut towards zero: it has the sign of `a`. The divisor is not zero. */
export function remainderDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind !== 'finite' || b.kind === 'nan') return DECIMAL_NAN;
  if (b.kind === 'infinity') return a;
  const exponent = Math.min(a.exponent, b.exponent);
  const divisor = b.coefficient * powerOfTen(b.exponent - exponent);
  const remainder = (a.coefficient * powerOfTen(a.exponent - exponent)) % divisor;
  return roundedDecimal(a.negative, remainder, exponent);
}

/** The value with that exponent; NaN when it would need more digits than there are. */
export function quantizeDecimal(a: Decimal, exponent: number, mode: RoundingMode): Decimal {
  if (a.kind !== 'finite') return DECIMAL_NAN;
  if (a.coefficient === 0n) return { ...a, exponent };
  if (a.exponent >= exponent) {
    if (digitsOf(a.coefficient) + a.exponent - exponent > DIGITS_MAX) return DECIMAL_NAN;
    return { ...a, coefficient: a.coefficient * powerOfTen(a.exponent - exponent), exponent };
  }
  return { ...a, coefficient: cut(a, exponent - a.exponent, mode), exponent };
}

/** The same value with all the digits that there are. */
export function paddedDecimal(a: Decimal): Decimal {
  const padding = Math.min(DIGITS_MAX - digitsOf(a.coefficient), a.exponent - EXPONENT_MIN);
  if (a.coefficient === 0n || padding <= 0) return a;
  return { ...a, coefficient: a.coefficient * powerOfTen(padding), exponent: a.exponent - padding };
}

function cut({ coefficient, negative }: Decimal, digits: number, mode: RoundingMode): bigint {
  const unit = powerOfTen(Math.min(digits, digitsOf(coefficient) + 2));
  const kept = coefficient / unit;
  const rest = coefficient - kept * unit;
  if (rest === 0n || mode === 'towardZero') return kept;
  if (mode === 'halfEven') {
    const twice = rest * 2n;
    return twice > unit || (twice === unit && (kept & 1n) === 1n) ? kept + 1n : kept;
  }
  return (mode === 'up') === negative ? kept : kept + 1n;
}

/** The square root of a decimal that is not negative. */
export function squareRootDecimal(a: Decimal): Decimal {
  if (a.kind !== 'finite' || isZeroDecimal(a)) return a.kind === 'finite' ? { ...a, exponent: a.exponent >> 1 } : a;
  const ideal = a.exponent >> 1;
  const shift = 2 * (DIGITS_MAX + 2) + (a.exponent & 1);
  const scaledUp = a.coefficient * powerOfTen(shift);
  let root = integerSquareRoot(scaledUp);
  let exponent = (a.exponent - shift) / 2;
  if (root * root === scaledUp) {
    for (; root % 10n === 0n && exponent < ideal; exponent++) root /= 10n;
  } else {
    root = root * 10n + 1n;
    exponent--;
  }
  return roundedDecimal(false, root, exponent);
}

/** The whole part of the square root. */
export function integerSquareRoot(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
