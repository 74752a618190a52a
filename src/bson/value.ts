/** One value that stays where it is: a view into a document, or over bytes of its own for constants. */
import {
  copyRange,
  doubleAt,
  int32At,
  int64AsNumberAt,
  int64At,
  textOf,
  utf8Of,
  writeDouble,
  writeInt32,
  writeInt64,
} from './bytes.ts';
import { decimalToNumber, int64OfDecimal, truncateDecimal } from './decimal128.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from './types.ts';

/** A view: owns nothing, valid while the bytes are. */
export class RawValue implements ValueSpan {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;

  constructor(type: number, bytes: Uint8Array, start: number, end: number) {
    this.type = type;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }
}

const NO_BYTES = new Uint8Array(0);

export const RAW_NULL = new RawValue(BSON_TYPE.null, NO_BYTES, 0, 0);
export const RAW_UNDEFINED = new RawValue(BSON_TYPE.undefined, NO_BYTES, 0, 0);
export const RAW_MIN_KEY = new RawValue(BSON_TYPE.minKey, NO_BYTES, 0, 0);
export const RAW_MAX_KEY = new RawValue(BSON_TYPE.maxKey, NO_BYTES, 0, 0);
export const RAW_TRUE = new RawValue(BSON_TYPE.bool, Uint8Array.of(1), 0, 1);
export const RAW_FALSE = new RawValue(BSON_TYPE.bool, Uint8Array.of(0), 0, 1);

/** A value over all of `bytes`, which must be the encoding of that type. */
export function rawValue(type: number, bytes: Uint8Array): RawValue {
  return new RawValue(type, bytes, 0, bytes.length);
}

export function rawInt32(value: number): RawValue {
  const bytes = new Uint8Array(4);
  writeInt32(bytes, 0, value);
  return rawValue(BSON_TYPE.int32, bytes);
}

export function rawInt64(value: bigint): RawValue {
  const bytes = new Uint8Array(8);
  writeInt64(bytes, 0, value);
  return rawValue(BSON_TYPE.int64, bytes);
}

export function rawDouble(value: number): RawValue {
  const bytes = new Uint8Array(8);
  writeDouble(bytes, 0, value);
  return rawValue(BSON_TYPE.double, bytes);
}

/** `unixMs` is a whole number of milliseconds. */
export function rawDate(unixMs: number): RawValue {
  const bytes = new Uint8Array(8);
  writeInt64(bytes, 0, BigInt(unixMs));
  return rawValue(BSON_TYPE.date, bytes);
}

export function rawBool(value: boolean): RawValue {
  return value ? RAW_TRUE : RAW_FALSE;
}

export function rawString(text: string): RawValue {
  const utf8 = utf8Of(text);
  const bytes = new Uint8Array(utf8.length + 5);
  writeInt32(bytes, 0, utf8.length + 1);
  bytes.set(utf8, 4);
  return rawValue(BSON_TYPE.string, bytes);
}

/** `document` holds exactly one document. */
export function rawObject(document: Uint8Array): RawValue {
  return rawValue(BSON_TYPE.object, document);
}

/** `array` holds exactly one document whose names are '0', '1', … */
export function rawArray(array: Uint8Array): RawValue {
  return rawValue(BSON_TYPE.array, array);
}

/** A view that outlives the reader it was taken from and keeps only the value's own bytes alive. */
export function copyValue(value: ValueSpan): RawValue {
  return rawValue(value.type, copyRange(value.bytes, value.start, value.end));
}

/** Whether the value is a number of any of the four types. */
export function isNumeric(value: ValueSpan): boolean {
  return isNumericType(value.type);
}

/** The nearest double of a numeric value; NaN for other types. */
export function numberOf(value: ValueSpan): number {
  switch (value.type) {
    case BSON_TYPE.int32:
      return int32At(value.bytes, value.start);
    case BSON_TYPE.double:
      return doubleAt(value.bytes, value.start);
    case BSON_TYPE.int64:
      return int64AsNumberAt(value.bytes, value.start);
    case BSON_TYPE.decimal128:
      return decimalToNumber(value.bytes, value.start);
    default:
      return Number.NaN;
  }
}

/**
 * A numeric value as an exact 64-bit integer, cut off towards zero; outside the range the nearest end, and 0 for NaN.
 * Undefined for other types. Source: how MongoDB reads whole-number options (safeNumberLong).
 */
export function integerOf(value: ValueSpan): bigint | undefined {
  switch (value.type) {
    case BSON_TYPE.int32:
      return BigInt(int32At(value.bytes, value.start));
    case BSON_TYPE.int64:
      return int64At(value.bytes, value.start);
    case BSON_TYPE.double:
      return clampInt64(doubleAt(value.bytes, value.start));
    case BSON_TYPE.decimal128:
      return truncateDecimal(value.bytes, value.start);
    default:
      return undefined;
  }
}

/** A number of any type cut off towards zero; undefined when it is not finite or does not fit in 64 bits then, or no number. */
export function int64PartOf(value: ValueSpan): bigint | undefined {
  if (value.type === BSON_TYPE.decimal128) return int64OfDecimal(value.bytes, value.start);
  if (value.type !== BSON_TYPE.double) return integerOf(value);
  const double = doubleAt(value.bytes, value.start);
  return double >= -(2 ** 63) && double < 2 ** 63 ? BigInt(Math.trunc(double)) : undefined;
}

function clampInt64(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
}

/** Whether a numeric value has no fraction and is finite. */
export function isWholeNumber(value: ValueSpan): boolean {
  switch (value.type) {
    case BSON_TYPE.int32:
    case BSON_TYPE.int64:
      return true;
    case BSON_TYPE.double:
      return Number.isInteger(doubleAt(value.bytes, value.start));
    case BSON_TYPE.decimal128:
      return truncateDecimal(value.bytes, value.start, true) !== undefined;
    default:
      return false;
  }
}

/** The text of a string, symbol or JavaScript value. The caller has checked the type. */
export function stringOf(value: ValueSpan): string {
  return textOf(value.bytes, value.start + 4, value.end - 1);
}

/** The text of a string value; undefined for every other type. */
export function maybeStringOf(value: ValueSpan): string | undefined {
  return value.type === BSON_TYPE.string ? stringOf(value) : undefined;
}

/** A date as milliseconds since 1970. Exact within the range of JavaScript dates. The caller has checked the type. */
export function dateOf(value: ValueSpan): number {
  return int64AsNumberAt(value.bytes, value.start);
}

/** Whether MongoDB takes the value for true where it wants a flag: false, 0, null and undefined are false. */
export function isTruthy(value: ValueSpan): boolean {
  switch (value.type) {
    case BSON_TYPE.bool:
      return value.bytes[value.start] !== 0;
    case BSON_TYPE.null:
    case BSON_TYPE.undefined:
      return false;
    case BSON_TYPE.decimal128:
      // A decimal can be too small for a double and still not be zero.
      return numberOf(value) !== 0 || truncateDecimal(value.bytes, value.start, true) === undefined;
    default:
      return !isNumericType(value.type) || numberOf(value) !== 0;
  }
}
