/**
 * Numbers in keys: int32, int64, double and decimal128 in one order, exactly, equal numbers with equal bytes.
 *
 * The lead byte is the class of the number: NaN, then the negative classes mirrored, zero, then the positive ones.
 *
 * - *tiny*: magnitudes below 1, and *huge*: those of 2^63 and more with infinity. Eight bytes: the bits of the double
 *   that the magnitude is cut off to, shifted left by one, the lowest bit set when the magnitude is larger than that
 *   double. Then a tail follows: only a decimal can lie between doubles there.
 * - *whole 1 … 8*: all others, by the number of bytes of twice their whole part plus one if there is a fraction. These
 *   bytes; then, if there is, the fraction in binary, seven bits a byte, the lowest bit set while more follows. Doubles
 *   end within eight bytes; a decimal's fraction that does not has a tail after them.
 *
 * A tail is the decimal magnitude: two bytes of decimal exponent and its digits, two a byte, lowest bit as above.
 * Negative numbers have the complement of all bytes after the lead. No value's bytes are a prefix of another's.
 */
import { doubleAt, int32At } from './bytes.ts';
import {
  compareMagnitudeToDouble,
  decimalAt,
  digitsOf,
  numberOfDecimal,
  powerOfTen,
  type Decimal,
} from './decimal128.ts';
import type { KeyBuffer } from './key_buffer.ts';
import { BSON_TYPE, type ValueSpan } from './types.ts';

const NAN_LEAD = 0x14;
/** Classes are counted away from zero: tiny 1, whole 2 … 9, huge 10. */
export const ZERO_LEAD = 0x24;
const TINY_CLASS = 1;
const WHOLE_CLASS = 1;
const HUGE_CLASS = 10;

/** The lowest and the highest lead that a number can have. */
export const NUMBER_LEAD_MIN = NAN_LEAD;
export const NUMBER_LEAD_MAX = ZERO_LEAD + HUGE_CLASS;

const TWO_32 = 0x1_0000_0000;
const TWO_63 = 2 ** 63;
const TWO_63_BIG = 2n ** 63n;
const FRACTION_BYTES_MAX = 8;
const FRACTION_BITS = 7n * BigInt(FRACTION_BYTES_MAX);
const DECIMAL_EXPONENT_BIAS = 8192;

/** Lead, 8 bytes of whole part or double, 8 of fraction, tail of exponent and 17 pairs of digits. */
const NUMBER_SIZE_BYTES_MAX = 1 + 8 + 8 + 2 + 18;

const SCRATCH = new DataView(new ArrayBuffer(8));

/** Adds a number of any of the four types. */
export function appendNumber(key: KeyBuffer, value: ValueSpan): void {
  key.reserve(NUMBER_SIZE_BYTES_MAX);
  switch (value.type) {
    case BSON_TYPE.int32: {
      const int = int32At(value.bytes, value.start);
      if (int === 0) key.bytes[key.length++] = ZERO_LEAD;
      else if (int > 0) appendWhole(key, 0, int * 2, false);
      else appendNegativeInt32(key, -int);
      return;
    }
    case BSON_TYPE.int64:
      appendInt64(key, int32At(value.bytes, value.start + 4), int32At(value.bytes, value.start));
      return;
    case BSON_TYPE.double:
      appendDouble(key, doubleAt(value.bytes, value.start));
      return;
    default:
      appendDecimal(key, decimalAt(value.bytes, value.start));
  }
}

function appendNegativeInt32(key: KeyBuffer, magnitude: number): void {
  // Twice 2^31 does not fit the lower half.
  if (magnitude < 0x8000_0000) appendWhole(key, 0, magnitude * 2, true);
  else appendWhole(key, 1, 0, true);
}

function appendInt64(key: KeyBuffer, high: number, low: number): void {
  if (high === 0 && low === 0) {
    key.bytes[key.length++] = ZERO_LEAD;
    return;
  }
  const negative = high < 0;
  let magnitudeHigh = high;
  let magnitudeLow = low;
  if (negative) {
    magnitudeLow = -low | 0;
    magnitudeHigh = magnitudeLow === 0 ? -high | 0 : ~high;
    // The magnitude of the lowest int64 is 2^63.
    if (magnitudeHigh < 0) {
      appendDouble(key, -TWO_63);
      return;
    }
  }
  appendWhole(key, ((magnitudeHigh << 1) | (magnitudeLow >>> 31)) >>> 0, (magnitudeLow << 1) >>> 0, negative);
}

/** Lead and bytes of a whole part that was doubled, given as two halves, not zero. */
function appendWhole(key: KeyBuffer, high: number, low: number, negative: boolean): void {
  const size = high === 0 ? sizeOfHalf(low) : 4 + sizeOfHalf(high);
  const flip = negative ? 0xff : 0;
  const bytes = key.bytes;
  let at = key.length;
  bytes[at++] = negative ? ZERO_LEAD - WHOLE_CLASS - size : ZERO_LEAD + WHOLE_CLASS + size;
  for (let shift = (size - 5) * 8; shift >= 0; shift -= 8) bytes[at++] = (high >>> shift) ^ flip;
  for (let shift = (size > 4 ? 3 : size - 1) * 8; shift >= 0; shift -= 8) bytes[at++] = (low >>> shift) ^ flip;
  key.length = at;
}

/** How many bytes an unsigned 32-bit number takes. */
function sizeOfHalf(half: number): number {
  return (39 - Math.clz32(half)) >> 3;
}

function appendDouble(key: KeyBuffer, double: number): void {
  const negative = double < 0;
  const magnitude = negative ? -double : double;
  if (magnitude >= 1 && magnitude < TWO_63) {
    const whole = Math.floor(magnitude);
    const fraction = magnitude - whole;
    // A fraction leaves room for its bit: such doubles are below 2^52.
    const doubled = whole * 2 + (fraction === 0 ? 0 : 1);
    const high = Math.floor(doubled / TWO_32);
    appendWhole(key, high, doubled - high * TWO_32, negative);
    if (fraction !== 0) appendFraction(key, fraction, negative);
    return;
  }
  if (magnitude > 0) {
    appendBits(key, magnitude, false, negative);
    return;
  }
  key.bytes[key.length++] = magnitude === 0 ? ZERO_LEAD : NAN_LEAD;
}

function appendFraction(key: KeyBuffer, fraction: number, negative: boolean): void {
  const flip = negative ? 0xff : 0;
  let rest = fraction;
  do {
    // Scaling by a power of two and taking the whole part off are exact.
    rest *= 128;
    const group = Math.floor(rest);
    rest -= group;
    key.bytes[key.length++] = ((group << 1) | (rest === 0 ? 0 : 1)) ^ flip;
  } while (rest !== 0);
}

/** Lead and bits of a tiny or huge magnitude. */
function appendBits(key: KeyBuffer, double: number, hasTail: boolean, negative: boolean): void {
  const numberClass = double < 1 ? TINY_CLASS : HUGE_CLASS;
  const flip = negative ? 0xff : 0;
  SCRATCH.setFloat64(0, double);
  const high = SCRATCH.getUint32(0);
  const low = SCRATCH.getUint32(4);
  const upper = (high << 1) | (low >>> 31);
  const lower = (low << 1) | (hasTail ? 1 : 0);
  const bytes = key.bytes;
  let at = key.length;
  bytes[at++] = negative ? ZERO_LEAD - numberClass : ZERO_LEAD + numberClass;
  for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = (upper >>> shift) ^ flip;
  for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = (lower >>> shift) ^ flip;
  key.length = at;
}

function appendDecimal(key: KeyBuffer, decimal: Decimal): void {
  if (decimal.kind === 'nan') {
    key.bytes[key.length++] = NAN_LEAD;
    return;
  }
  if (decimal.kind === 'infinity') {
    appendBits(key, Infinity, false, decimal.negative);
    return;
  }
  if (decimal.coefficient === 0n) {
    key.bytes[key.length++] = ZERO_LEAD;
    return;
  }
  const start = key.length + 1;
  appendDecimalMagnitude(key, decimal);
  if (!decimal.negative) return;
  key.bytes[start - 1] = 2 * ZERO_LEAD - key.bytes[start - 1];
  key.complementFrom(start);
}

/** A finite decimal that is not zero, as if it were positive. */
function appendDecimalMagnitude(key: KeyBuffer, decimal: Decimal): void {
  const { coefficient, exponent } = decimal;
  const digits = digitsOf(coefficient) + exponent;
  if (digits < 1 || digits > 19) {
    appendOutside(key, decimal);
    return;
  }
  const scale = powerOfTen(Math.max(0, -exponent));
  const whole = exponent >= 0 ? coefficient * powerOfTen(exponent) : coefficient / scale;
  if (whole >= TWO_63_BIG) {
    appendOutside(key, decimal);
    return;
  }
  const remainder = exponent >= 0 ? 0n : coefficient - whole * scale;
  const doubled = (whole << 1n) | (remainder === 0n ? 0n : 1n);
  appendWhole(key, Number(doubled >> 32n), Number(doubled & 0xffff_ffffn), false);
  if (remainder !== 0n) appendDecimalFraction(key, decimal, remainder, scale);
}

function appendDecimalFraction(key: KeyBuffer, decimal: Decimal, remainder: bigint, scale: bigint): void {
  const scaled = remainder << FRACTION_BITS;
  let bits = scaled / scale;
  const hasTail = bits * scale !== scaled;
  for (let shift = FRACTION_BITS - 7n; ; shift -= 7n) {
    const group = bits >> shift;
    bits -= group << shift;
    const more = bits !== 0n || hasTail;
    key.bytes[key.length++] = (Number(group) << 1) | (more ? 1 : 0);
    if (shift === 0n || !more) break;
  }
  if (hasTail) appendTail(key, decimal);
}

/** Tiny or huge. */
function appendOutside(key: KeyBuffer, decimal: Decimal): void {
  const nearest = Math.min(Math.abs(numberOfDecimal(decimal)), Number.MAX_VALUE);
  const order = compareMagnitudeToDouble(decimal, nearest);
  appendBits(key, order < 0 ? doubleBelow(nearest) : nearest, order !== 0, false);
  if (order !== 0) appendTail(key, decimal);
}

/** The next double towards zero of a positive one. */
function doubleBelow(double: number): number {
  SCRATCH.setFloat64(0, double);
  SCRATCH.setBigUint64(0, SCRATCH.getBigUint64(0) - 1n);
  return SCRATCH.getFloat64(0);
}

function appendTail(key: KeyBuffer, decimal: Decimal): void {
  let digits = decimal.coefficient.toString();
  const exponent = digits.length + decimal.exponent + DECIMAL_EXPONENT_BIAS;
  let length = digits.length;
  while (digits[length - 1] === '0') length--;
  digits = digits.slice(0, length);
  if (length % 2 === 1) digits += '0';
  const bytes = key.bytes;
  bytes[key.length++] = exponent >>> 8;
  bytes[key.length++] = exponent;
  for (let i = 0; i < digits.length; i += 2) {
    const pair = Number(digits.slice(i, i + 2));
    bytes[key.length++] = (pair << 1) | (i + 2 < digits.length ? 1 : 0);
  }
}
