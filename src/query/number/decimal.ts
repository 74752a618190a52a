/**
 * Decimal128 arithmetic: 34 digits, round half to even, the exponents that IEEE 754-2008 prefers. Exact through bigint
 * coefficients; decimals are rare, so plain code is worth more here than speed.
 */
import { int32At, writeInt32, writeInt64 } from '../../bson/bytes.ts';
import { decimalAt, digitsOf, powerOfTen, type Decimal } from '../../bson/decimal128.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { integerOf, numberOf, rawValue, type RawValue } from '../../bson/value.ts';

export const DIGITS_MAX = 34;
export const EXPONENT_MIN = -6176;
export const EXPONENT_MAX = 6111;
const EXPONENT_BIAS = 6176;
/** Digits kept of a double. Source: the manual, "NumberDecimal"; doubles are rounded to 15 significant digits. */
const DOUBLE_DIGITS = 15;

export const DECIMAL_NAN: Decimal = { kind: 'nan', negative: false, coefficient: 0n, exponent: 0 };

/** Any number as a decimal: integers exactly, doubles rounded to 15 digits. */
export function decimalOf(value: ValueSpan): Decimal {
  switch (value.type) {
    case BSON_TYPE.decimal128:
      return decimalWithZeroExponent(value);
    case BSON_TYPE.double:
      return decimalOfDouble(numberOf(value));
    default:
      return decimalOfInteger(integerOf(value) ?? 0n);
  }
}

/** The exponent of a zero shows in results, as in 0.00. */
function decimalWithZeroExponent(value: ValueSpan): Decimal {
  const decimal = decimalAt(value.bytes, value.start);
  if (decimal.kind !== 'finite' || decimal.coefficient !== 0n) return decimal;
  const top = int32At(value.bytes, value.start + 12);
  const isLargeForm = ((top >>> 29) & 3) === 3;
  const field = isLargeForm ? (top >>> 15) & 0x3fff : (top >>> 17) & 0x3fff;
  return { ...decimal, exponent: field - EXPONENT_BIAS };
}

export function decimalOfInteger(value: bigint): Decimal {
  return { kind: 'finite', negative: value < 0n, coefficient: value < 0n ? -value : value, exponent: 0 };
}

export function decimalOfDouble(value: number): Decimal {
  if (Number.isNaN(value)) return DECIMAL_NAN;
  const negative = value < 0 || Object.is(value, -0);
  if (!Number.isFinite(value)) return { kind: 'infinity', negative, coefficient: 0n, exponent: 0 };
  if (value === 0) return { kind: 'finite', negative, coefficient: 0n, exponent: 0 };
  const [mantissa = '0', exponent = '0'] = Math.abs(value)
    .toExponential(DOUBLE_DIGITS - 1)
    .split('e');
  return {
    kind: 'finite',
    negative,
    coefficient: BigInt(mantissa.replace('.', '')),
    exponent: Number(exponent) - (DOUBLE_DIGITS - 1),
  };
}

/** The exact value of a double, cut to 34 digits; what sums of doubles become when they meet decimals. */
export function exactDecimalOfDouble(value: number): Decimal {
  if (!Number.isFinite(value) || value === 0) return decimalOfDouble(value);
  let exponent = 0;
  let mantissa = Math.abs(value);
  while (!Number.isInteger(mantissa)) {
    // Exact: doubling only moves the binary point.
    mantissa *= 2;
    exponent++;
  }
  // mantissa / 2^n = mantissa * 5^n / 10^n
  return roundedDecimal(value < 0, BigInt(mantissa) * 5n ** BigInt(exponent), -exponent);
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return DECIMAL_NAN;
  if (a.kind === 'infinity') return b.kind === 'infinity' && a.negative !== b.negative ? DECIMAL_NAN : a;
  if (b.kind === 'infinity') return b;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = scaled(a, exponent) + scaled(b, exponent);
  const negative = sum === 0n ? a.negative && b.negative : sum < 0n;
  return roundedDecimal(negative, sum < 0n ? -sum : sum, exponent);
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return DECIMAL_NAN;
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    return isZeroDecimal(a) || isZeroDecimal(b)
      ? DECIMAL_NAN
      : { kind: 'infinity', negative, coefficient: 0n, exponent: 0 };
  }
  return roundedDecimal(negative, a.coefficient * b.coefficient, a.exponent + b.exponent);
}

/** `divisor` is a positive whole number, for averages. */
export function divideDecimal(a: Decimal, divisor: bigint): Decimal {
  return divideDecimals(a, decimalOfInteger(divisor));
}

/** Exact quotients keep the exponent that the operands have as far as they can. The divisor is not zero. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return DECIMAL_NAN;
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinity') {
    return b.kind === 'infinity' ? DECIMAL_NAN : { kind: 'infinity', negative, coefficient: 0n, exponent: 0 };
  }
  if (b.kind === 'infinity') return { kind: 'finite', negative, coefficient: 0n, exponent: EXPONENT_MIN };
  const ideal = a.exponent - b.exponent;
  if (a.coefficient === 0n) return roundedDecimal(negative, 0n, ideal);
  if (a.coefficient % b.coefficient === 0n) return roundedDecimal(negative, a.coefficient / b.coefficient, ideal);
  const shift = DIGITS_MAX + 2 + digitsOf(b.coefficient);
  const scaledUp = a.coefficient * powerOfTen(shift);
  let quotient = scaledUp / b.coefficient;
  let exponent = ideal - shift;
  if (scaledUp % b.coefficient === 0n) {
    for (; quotient % 10n === 0n && exponent < ideal; exponent++) quotient /= 10n;
  } else {
    // A digit that is neither 0 nor 5 keeps the rounding from seeing a tie that is none.
    quotient = quotient * 10n + 1n;
    exponent--;
  }
  return roundedDecimal(negative, quotient, exponent);
}

export function rawDecimal(decimal: Decimal): RawValue {
  const bytes = new Uint8Array(16);
  const sign = decimal.negative ? 0x8000_0000 : 0;
  if (decimal.kind === 'finite') {
    writeInt64(bytes, 0, BigInt.asIntN(64, decimal.coefficient));
    writeInt64(bytes, 8, BigInt.asIntN(64, decimal.coefficient >> 64n));
    const top = int32At(bytes, 12) | ((decimal.exponent + EXPONENT_BIAS) << 17) | sign;
    writeInt32(bytes, 12, top);
  } else {
    writeInt32(bytes, 12, (decimal.kind === 'nan' ? 0x7c00_0000 : 0x7800_0000) | sign);
  }
  return rawValue(BSON_TYPE.decimal128, bytes);
}

export function isZeroDecimal(decimal: Decimal): boolean {
  return decimal.kind === 'finite' && decimal.coefficient === 0n;
}

function scaled(decimal: Decimal, exponent: number): bigint {
  const magnitude = decimal.coefficient * (decimal.coefficient === 0n ? 1n : powerOfTen(decimal.exponent - exponent));
  return decimal.negative ? -magnitude : magnitude;
}

/** The nearest decimal that fits: at most 34 digits and an exponent in range. */
export function roundedDecimal(negative: boolean, coefficient: bigint, exponent: number): Decimal {
  const dropped = Math.max(digitsOf(coefficient) - DIGITS_MAX, EXPONENT_MIN - exponent, 0);
  let kept = halfEven(coefficient, dropped);
  let keptExponent = exponent + dropped;
  if (digitsOf(kept) > DIGITS_MAX) {
    kept /= 10n;
    keptExponent++;
  }
  if (keptExponent > EXPONENT_MAX) {
    const padding = keptExponent - EXPONENT_MAX;
    if (kept === 0n) keptExponent = EXPONENT_MAX;
    else if (digitsOf(kept) + padding > DIGITS_MAX) return { kind: 'infinity', negative, coefficient: 0n, exponent: 0 };
    else {
      kept *= powerOfTen(padding);
      keptExponent = EXPONENT_MAX;
    }
  }
  return { kind: 'finite', negative, coefficient: kept, exponent: keptExponent };
}

function halfEven(coefficient: bigint, dropped: number): bigint {
  if (dropped === 0) return coefficient;
  if (dropped > digitsOf(coefficient) + 1) return 0n;
  const unit = powerOfTen(dropped);
  const kept = coefficient / unit;
  const twice = (coefficient - kept * unit) * 2n;
  const roundsUp = twice > unit || (twice === unit && (kept & 1n) === 1n);
  return roundsUp ? kept + 1n : kept;
}
