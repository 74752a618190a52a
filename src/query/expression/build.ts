/** Values over fresh bytes of exactly their size, and the little questions that most operators ask. */
import { incrementOf, secondsOf, type Timestamp } from '../../base/optime.ts';
import { writeInt32 } from '../../bson/bytes.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { int32At } from '../../bson/bytes.ts';
import { isNumeric, rawInt32, rawInt64, rawValue, type RawValue } from '../../bson/value.ts';
import type { Value } from './types.ts';
import { checkValueSize } from './value_limits.ts';

const INT32_BITS = 32;

/** Null, undefined or missing: what most operators answer with null. */
export function isNullish(value: Value): value is undefined {
  return value === undefined || value.type === BSON_TYPE.null || value.type === BSON_TYPE.undefined;
}

/** As error messages name it. */
export function typeNameOf(value: Value): string {
  return value === undefined ? 'missing' : typeAlias(value.type);
}

/** An array; names of its items are written here. */
export function arrayOf(items: readonly RawValue[]): RawValue {
  let size = 5;
  for (const [i, item] of items.entries()) size += 2 + digitsOf(i) + item.end - item.start;
  checkValueSize(size);
  const bytes = new Uint8Array(size);
  writeInt32(bytes, 0, size);
  let at = 4;
  for (const [i, item] of items.entries()) {
    bytes[at++] = item.type;
    at = copyInto(bytes, writeIndex(bytes, at, i), item);
  }
  return rawValue(BSON_TYPE.array, bytes);
}

/** Writes the name of an item with its NUL; returns where its value goes. */
export function writeIndex(bytes: Uint8Array, at: number, index: number): number {
  const end = at + digitsOf(index);
  let rest = index;
  for (let digit = end - 1; digit >= at; digit--) {
    bytes[digit] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return end + 1;
}

export interface NamedValue {
  /** UTF-8, as `fieldName` makes it. */
  readonly name: Uint8Array;
  readonly value: RawValue;
}

/** A document of those fields, in that order. */
export function objectOf(fields: readonly NamedValue[]): RawValue {
  let size = 5;
  for (const { name, value } of fields) size += 2 + name.length + value.end - value.start;
  checkValueSize(size);
  const bytes = new Uint8Array(size);
  writeInt32(bytes, 0, size);
  let at = 4;
  for (const { name, value } of fields) {
    bytes[at++] = value.type;
    bytes.set(name, at);
    at += name.length + 1;
    at = copyInto(bytes, at, value);
  }
  return rawValue(BSON_TYPE.object, bytes);
}

/** int32 when it fits, else int64. */
export function intOrLong(value: bigint): RawValue {
  return BigInt.asIntN(INT32_BITS, value) === value ? rawInt32(Number(value)) : rawInt64(value);
}

export function rawTimestamp(timestamp: Timestamp): RawValue {
  const bytes = new Uint8Array(8);
  writeInt32(bytes, 0, incrementOf(timestamp));
  writeInt32(bytes, 4, secondsOf(timestamp));
  return rawValue(BSON_TYPE.timestamp, bytes);
}

export function rawBinary(subtype: number, data: Uint8Array): RawValue {
  const bytes = new Uint8Array(data.length + 5);
  writeInt32(bytes, 0, data.length);
  bytes[4] = subtype;
  bytes.set(data, 5);
  return rawValue(BSON_TYPE.binData, bytes);
}

/** Views of subtype and data of a binary value. */
export function binaryOf(value: RawValue): { readonly subtype: number; readonly data: Uint8Array } {
  const length = int32At(value.bytes, value.start);
  return {
    subtype: value.bytes[value.start + 4],
    data: value.bytes.subarray(value.start + 5, value.start + 5 + length),
  };
}

export function isNumber(value: Value): value is RawValue {
  return value !== undefined && isNumeric(value);
}

export function isArray(value: Value): value is RawValue {
  return value?.type === BSON_TYPE.array;
}

/** Copies the bytes of a value; returns where they end. */
export function copyInto(bytes: Uint8Array, at: number, value: RawValue): number {
  const size = value.end - value.start;
  if (size > 32) bytes.set(value.bytes.subarray(value.start, value.end), at);
  else for (let i = 0; i < size; i++) bytes[at + i] = value.bytes[value.start + i];
  return at + size;
}

function digitsOf(index: number): number {
  let digits = 1;
  for (let limit = 10; index >= limit; limit *= 10) digits++;
  return digits;
}
