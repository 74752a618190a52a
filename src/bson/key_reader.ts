/**
 * Reading keys back: where a part of a key ends, and which value it stands for. A key does not tell everything: equal
 * numbers of different types have equal parts. {@link isPlainInKey} says of a value whether {@link readKeyPart} gives
 * exactly it back.
 */
import { doubleAt, int32At } from './bytes.ts';
import { KEY_LEADS } from './key.ts';
import { NUMBER_LEAD_MAX, NUMBER_LEAD_MIN, ZERO_LEAD } from './key_numbers.ts';
import { BSON_TYPE, type ValueSpan } from './types.ts';
import {
  RAW_FALSE,
  RAW_MAX_KEY,
  RAW_MIN_KEY,
  RAW_NULL,
  RAW_TRUE,
  RAW_UNDEFINED,
  rawDouble,
  rawInt32,
  rawInt64,
  rawValue,
  type RawValue,
} from './value.ts';

const END = 0x00;
const ESCAPE = 0x01;
const INT32_LIMIT = 2n ** 31n;
const TWO_63 = 2 ** 63;
const FRACTION_BYTES_MAX = 8;
/** Numbers below one are class 1, whole ones classes 2 to 9, the largest 10. */
const WHOLE_CLASS_MIN = 2;
const WHOLE_CLASS_MAX = 9;

/** Where the part that begins at `at` ends. */
export function keyPartEnd(key: Uint8Array, at: number, descending: boolean): number {
  const flip = descending ? 0xff : 0;
  const lead = key[at] ^ flip;
  if (lead >= NUMBER_LEAD_MIN && lead <= NUMBER_LEAD_MAX) return numberEnd(key, at, lead, flip);
  switch (lead) {
    case KEY_LEADS[BSON_TYPE.string]:
    case KEY_LEADS[BSON_TYPE.javascript]:
      return afterEnd(key, at + 1, flip);
    case KEY_LEADS[BSON_TYPE.object]:
      return fieldsEnd(key, at + 1, flip);
    case KEY_LEADS[BSON_TYPE.array]:
      return itemsEnd(key, at + 1, descending);
    case KEY_LEADS[BSON_TYPE.objectId]:
      return at + 13;
    case KEY_LEADS[BSON_TYPE.date]:
    case KEY_LEADS[BSON_TYPE.timestamp]:
      return at + 9;
    case KEY_LEADS[BSON_TYPE.binData]:
      return lengthEnd(key, at + 1, flip) + lengthAt(key, at + 1, flip) + 1;
    case KEY_LEADS[BSON_TYPE.dbPointer]:
      return lengthEnd(key, at + 1, flip) + lengthAt(key, at + 1, flip) - 4;
    case KEY_LEADS[BSON_TYPE.regex]:
      return afterEnd(key, afterEnd(key, at + 1, flip), flip);
    case KEY_LEADS[BSON_TYPE.javascriptWithScope]:
      return fieldsEnd(key, afterEnd(key, at + 1, flip), flip);
    default:
      return at + 1;
  }
}

function afterEnd(key: Uint8Array, from: number, flip: number): number {
  let at = from;
  while ((key[at] ^ flip) !== END) at++;
  return at + 1;
}

function fieldsEnd(key: Uint8Array, from: number, flip: number): number {
  let at = from;
  while ((key[at] ^ flip) !== END) at = keyPartEnd(key, afterEnd(key, at + 1, flip), flip !== 0);
  return at + 1;
}

function itemsEnd(key: Uint8Array, from: number, descending: boolean): number {
  const flip = descending ? 0xff : 0;
  let at = from;
  while ((key[at] ^ flip) !== END) at = keyPartEnd(key, at, descending);
  return at + 1;
}

function lengthAt(key: Uint8Array, at: number, flip: number): number {
  const first = key[at] ^ flip;
  if (first < 0xff) return first;
  let length = 0;
  for (let i = 1; i <= 4; i++) length = length * 256 + (key[at + i] ^ flip);
  return length;
}

function lengthEnd(key: Uint8Array, at: number, flip: number): number {
  return (key[at] ^ flip) < 0xff ? at + 1 : at + 5;
}

/** Negative numbers have the complement of all bytes after the lead. */
function numberEnd(key: Uint8Array, from: number, lead: number, flip: number): number {
  const numberClass = Math.abs(lead - ZERO_LEAD);
  if (lead === ZERO_LEAD || lead === NUMBER_LEAD_MIN) return from + 1;
  const sign = lead < ZERO_LEAD ? flip ^ 0xff : flip;
  const isWhole = numberClass >= WHOLE_CLASS_MIN && numberClass <= WHOLE_CLASS_MAX;
  let at = from + 1 + (isWhole ? numberClass - WHOLE_CLASS_MIN + 1 : 8);
  if (((key[at - 1] ^ sign) & 1) === 0) return at;
  if (!isWhole) return pairsEnd(key, at + 2, sign);
  for (let i = 1; ; i++) {
    const more = ((key[at++] ^ sign) & 1) === 1;
    if (!more) return at;
    if (i === FRACTION_BYTES_MAX) return pairsEnd(key, at + 2, sign);
  }
}

function pairsEnd(key: Uint8Array, from: number, sign: number): number {
  let at = from;
  while (((key[at] ^ sign) & 1) === 1) at++;
  return at + 1;
}

/** The value of the part in [at, end), in the type that {@link isPlainInKey} takes for granted; undefined for rare types. */
export function readKeyPart(key: Uint8Array, at: number, end: number, descending: boolean): RawValue | undefined {
  const part = key.slice(at, end);
  if (descending) for (let i = 0; i < part.length; i++) part[i] ^= 0xff;
  const lead = part[0];
  if (lead >= NUMBER_LEAD_MIN && lead <= NUMBER_LEAD_MAX) return readNumber(part);
  switch (lead) {
    case KEY_LEADS[BSON_TYPE.minKey]:
      return RAW_MIN_KEY;
    case KEY_LEADS[BSON_TYPE.undefined]:
      return RAW_UNDEFINED;
    case KEY_LEADS[BSON_TYPE.null]:
      return RAW_NULL;
    case KEY_LEADS[BSON_TYPE.bool]:
      return RAW_FALSE;
    case KEY_LEADS[BSON_TYPE.bool] + 1:
      return RAW_TRUE;
    case KEY_LEADS[BSON_TYPE.maxKey]:
      return RAW_MAX_KEY;
    case KEY_LEADS[BSON_TYPE.string]:
      return readText(part);
    case KEY_LEADS[BSON_TYPE.objectId]:
      return rawValue(BSON_TYPE.objectId, part.slice(1));
    case KEY_LEADS[BSON_TYPE.regex]:
      return rawValue(BSON_TYPE.regex, part.slice(1));
    case KEY_LEADS[BSON_TYPE.date]:
      part[1] ^= 0x80;
      return rawValue(BSON_TYPE.date, part.slice(1).reverse());
    case KEY_LEADS[BSON_TYPE.timestamp]:
      return rawValue(BSON_TYPE.timestamp, part.slice(1).reverse());
    case KEY_LEADS[BSON_TYPE.binData]:
      return readBinary(part);
    default:
      return undefined;
  }
}

function readText(part: Uint8Array): RawValue {
  const bytes = new Uint8Array(part.length + 4);
  let length = 4;
  for (let i = 1; i < part.length - 1; i++) {
    if (part[i] === ESCAPE) bytes[length++] = part[++i] - 1;
    else bytes[length++] = part[i];
  }
  length++;
  new DataView(bytes.buffer).setInt32(0, length - 4, true);
  return rawValue(BSON_TYPE.string, bytes.slice(0, length));
}

function readBinary(part: Uint8Array): RawValue {
  const length = lengthAt(part, 1, 0);
  const from = lengthEnd(part, 1, 0);
  const bytes = new Uint8Array(length + 5);
  new DataView(bytes.buffer).setInt32(0, length, true);
  bytes.set(part.subarray(from), 4);
  return rawValue(BSON_TYPE.binData, bytes);
}

function readNumber(part: Uint8Array): RawValue | undefined {
  const lead = part[0];
  if (lead === ZERO_LEAD) return rawInt32(0);
  if (lead === NUMBER_LEAD_MIN) return rawDouble(Number.NaN);
  const isNegative = lead < ZERO_LEAD;
  if (isNegative) for (let i = 1; i < part.length; i++) part[i] ^= 0xff;
  const numberClass = Math.abs(lead - ZERO_LEAD);
  if (numberClass >= WHOLE_CLASS_MIN && numberClass <= WHOLE_CLASS_MAX) return readWhole(part, isNegative);
  if (part.length > 9) return undefined;
  let bits = 0n;
  for (let i = 1; i <= 8; i++) bits = (bits << 8n) | BigInt(part[i]);
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits >> 1n);
  const magnitude = view.getFloat64(0);
  return rawDouble(isNegative ? -magnitude : magnitude);
}

function readWhole(part: Uint8Array, isNegative: boolean): RawValue | undefined {
  const size = Math.abs(part[0] - ZERO_LEAD) - WHOLE_CLASS_MIN + 1;
  let doubled = 0n;
  for (let i = 1; i <= size; i++) doubled = (doubled << 8n) | BigInt(part[i]);
  const whole = doubled >> 1n;
  if ((doubled & 1n) === 0n) {
    const value = isNegative ? -whole : whole;
    return value >= -INT32_LIMIT && value < INT32_LIMIT ? rawInt32(Number(value)) : rawInt64(value);
  }
  if (part.length > 1 + size + FRACTION_BYTES_MAX) return undefined;
  let fraction = 0;
  for (let i = part.length - 1; i > size; i--) fraction = (fraction + (part[i] >> 1)) / 128;
  const magnitude = Number(whole) + fraction;
  return rawDouble(isNegative ? -magnitude : magnitude);
}

/** Whether the key of the value gives back the very same bytes. */
export function isPlainInKey(value: ValueSpan): boolean {
  switch (value.type) {
    case BSON_TYPE.int32:
    case BSON_TYPE.string:
    case BSON_TYPE.objectId:
    case BSON_TYPE.date:
    case BSON_TYPE.bool:
    case BSON_TYPE.null:
    case BSON_TYPE.timestamp:
    case BSON_TYPE.binData:
    case BSON_TYPE.regex:
    case BSON_TYPE.minKey:
    case BSON_TYPE.maxKey:
      return true;
    case BSON_TYPE.double: {
      const double = doubleAt(value.bytes, value.start);
      if (Number.isNaN(double)) return false;
      return !Number.isInteger(double) || Math.abs(double) > TWO_63;
    }
    case BSON_TYPE.int64: {
      // The lowest int64 lies among the doubles.
      const high = int32At(value.bytes, value.start + 4);
      const low = int32At(value.bytes, value.start);
      return high !== low >> 31 && !(high === -0x8000_0000 && low === 0);
    }
    default:
      return false;
  }
}
