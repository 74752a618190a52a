/**
 * Decimal128 values, exactly. Source: IEEE 754-2008, the binary integer decimal encoding that BSON uses.
 *
 * A finite decimal is (-1)^negative * coefficient * 10^exponent. Infinity and NaN have kinds of their own. Decimals are
 * rare in keys and comparisons, so this file trades speed for exactness: coefficients are bigints.
 */
import { int32At, uint32At, uint64At } from './bytes.ts';

export interface Decimal {
  readonly kind: 'finite' | 'infinity' | 'nan';
  readonly negative: boolean;
  /** 0 for infinity, NaN and both zeros. */
  readonly coefficient: bigint;
  readonly exponent: number;
}

const EXPONENT_BIAS = 6176;
const COEFFICIENT_MAX = 10n ** 34n - 1n;
const NAN: Decimal = { kind: 'nan', negative: false, coefficient: 0n, exponent: 0 };

/** The powers of ten that coefficients need; bigger ones are computed. */
const POWERS: readonly bigint[] = Array.from({ length: 80 }, (_, exponent) => 10n ** BigInt(exponent));

export function powerOfTen(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(exponent);
}

/** Coefficients above 34 digits, which no arithmetic makes, count as zero. */
export function decimalAt(bytes: Uint8Array, at: number): Decimal {
  const top = int32At(bytes, at + 12);
  const negative = top < 0;
  const combination = (top >>> 26) & 0x1f;
  if (combination === 0x1f) return NAN;
  if (combination === 0x1e) return { kind: 'infinity', negative, coefficient: 0n, exponent: 0 };
  if (combination >= 0x18) return { kind: 'finite', negative, coefficient: 0n, exponent: 0 };
  const coefficient = (BigInt(top & 0x1_ffff) << 96n) | (BigInt(uint32At(bytes, at + 8)) << 64n) | uint64At(bytes, at);
  if (coefficient === 0n || coefficient > COEFFICIENT_MAX) {
    return { kind: 'finite', negative, coefficient: 0n, exponent: 0 };
  }
  return { kind: 'finite', negative, coefficient, exponent: ((top >>> 17) & 0x3fff) - EXPONENT_BIAS };
}

/** The nearest double. */
export function decimalToNumber(bytes: Uint8Array, at: number): number {
  return numberOfDecimal(decimalAt(bytes, at));
}

export function numberOfDecimal(decimal: Decimal): number {
  if (decimal.kind === 'nan') return Number.NaN;
  const magnitude = decimal.kind === 'infinity' ? Infinity : magnitudeToNumber(decimal);
  return decimal.negative ? -magnitude : magnitude;
}

function magnitudeToNumber(decimal: Decimal): number {
  // The engine reads decimal text with correct rounding.
  return Number(`${decimal.coefficient}e${decimal.exponent}`);
}

/** Cut off towards zero, and to the ends of int64; 0 for NaN. With `exact`: undefined unless whole and within int64. */
export function truncateDecimal(bytes: Uint8Array, at: number): bigint;
export function truncateDecimal(bytes: Uint8Array, at: number, exact: true): bigint | undefined;
export function truncateDecimal(bytes: Uint8Array, at: number, exact?: true): bigint | undefined {
  const decimal = decimalAt(bytes, at);
  const whole = wholePart(decimal);
  if (exact) return whole !== undefined && !hasFraction(decimal) ? whole : undefined;
  if (decimal.kind === 'nan') return 0n;
  return whole ?? (decimal.negative ? -(2n ** 63n) : 2n ** 63n - 1n);
}

/** Cut off towards zero; undefined for NaN and what is outside of int64 then. */
export function int64OfDecimal(bytes: Uint8Array, at: number): bigint | undefined {
  return wholePart(decimalAt(bytes, at));
}

function wholePart({ kind, coefficient, exponent, negative }: Decimal): bigint | undefined {
  if (kind !== 'finite') return undefined;
  // A zero may have any exponent.
  if (coefficient === 0n) return 0n;
  if (digitsOf(coefficient) + exponent > 19) return undefined;
  const scale = scaleOf(exponent);
  const magnitude = exponent < 0 ? coefficient / scale : coefficient * scale;
  const value = negative ? -magnitude : magnitude;
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

function hasFraction({ coefficient, exponent }: Decimal): boolean {
  return exponent < 0 && coefficient % scaleOf(exponent) !== 0n;
}

/** The power of ten of an exponent of either sign, as far as a coefficient can have digits. */
function scaleOf(exponent: number): bigint {
  return powerOfTen(Math.min(Math.abs(exponent), 40));
}

/** How many decimal digits a coefficient has; 1 for zero. */
export function digitsOf(coefficient: bigint): number {
  return coefficient.toString().length;
}

/** -1, 0 or 1: the order of |a| and |b|, both finite. */
export function compareDecimalMagnitudes(a: Decimal, b: Decimal): number {
  if (a.coefficient === 0n || b.coefficient === 0n) {
    return sign(a.coefficient, b.coefficient);
  }
  const aTop = digitsOf(a.coefficient) + a.exponent;
  const bTop = digitsOf(b.coefficient) + b.exponent;
  if (aTop !== bTop) return aTop < bTop ? -1 : 1;
  // Equal leading places: the exponents differ by less than the digits of a coefficient.
  const shift = a.exponent - b.exponent;
  return shift >= 0
    ? sign(a.coefficient * powerOfTen(shift), b.coefficient)
    : sign(a.coefficient, b.coefficient * powerOfTen(-shift));
}

/** -1, 0 or 1: the order of a finite decimal's magnitude and a double that is finite and not negative. */
export function compareMagnitudeToDouble(decimal: Decimal, double: number): number {
  if (decimal.coefficient === 0n || double === 0) {
    return (decimal.coefficient === 0n ? 0 : 1) - (double === 0 ? 0 : 1);
  }
  const nearest = magnitudeToNumber(decimal);
  if (nearest !== double) return nearest < double ? -1 : 1;
  // The decimal rounds to this double, so the powers below stay small unless both are extreme.
  const { mantissa, exponent } = binaryOf(double);
  let left = decimal.coefficient;
  let right = mantissa;
  if (decimal.exponent >= 0) left *= powerOfTen(decimal.exponent);
  else right *= powerOfTen(-decimal.exponent);
  if (exponent >= 0) right <<= BigInt(exponent);
  else left <<= BigInt(-exponent);
  return sign(left, right);
}

const SCRATCH = new DataView(new ArrayBuffer(8));

/** A positive finite double as mantissa * 2^exponent. */
function binaryOf(double: number): { mantissa: bigint; exponent: number } {
  SCRATCH.setFloat64(0, double);
  const bits = SCRATCH.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  if (biased === 0) return { mantissa: fraction, exponent: -1074 };
  return { mantissa: fraction | 0x10_0000_0000_0000n, exponent: biased - 1075 };
}

function sign(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
