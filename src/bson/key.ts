/**
 * Keys: byte strings whose order (memcmp) is the order of the values they stand for.
 *
 * Every value starts with a lead byte. Leads rise with the canonical types, leave gaps for bounds between types, and
 * are never 0x00 or 0xff. What follows tells its own end, so that values can follow each other in compound keys and a
 * descending component is simply the bitwise complement of the ascending one.
 *
 * | value | after the lead |
 * |---|---|
 * | number | `key_numbers.ts`; equal numbers of different types give equal bytes |
 * | string, symbol, code | bytes with 00 as 01 01 and 01 as 01 02, then 00 |
 * | object | per field: canonical type, name, 00, value; then 00 |
 * | array | per item: value; then 00 |
 * | binary data | length, subtype, bytes |
 * | ObjectId, date, timestamp | 12 or 8 bytes, the sign bit of dates turned |
 * | regex | pattern, 00, options, 00 |
 * | DBPointer | length, bytes |
 * | code with scope | code as a string, scope as an object |
 * | bool, null, undefined, MinKey, MaxKey | nothing |
 */
import { int32At } from './bytes.ts';
import { ElementReader } from './elements.ts';
import { KeyBuffer } from './key_buffer.ts';
import { appendNumber, NUMBER_LEAD_MAX, NUMBER_LEAD_MIN } from './key_numbers.ts';
import { BSON_TYPE, canonicalType, isNumericType, type ValueSpan } from './types.ts';

const END = 0x00;
const ESCAPE = 0x01;

const TRUE_LEAD = 0x51;

/** By type byte: the lead of its values; the lowest one for types that use several. */
export const KEY_LEADS = new Uint8Array(256);
KEY_LEADS[BSON_TYPE.minKey] = 0x04;
KEY_LEADS[BSON_TYPE.undefined] = 0x08;
KEY_LEADS[BSON_TYPE.null] = 0x0c;
KEY_LEADS[BSON_TYPE.double] = NUMBER_LEAD_MIN;
KEY_LEADS[BSON_TYPE.int32] = NUMBER_LEAD_MIN;
KEY_LEADS[BSON_TYPE.int64] = NUMBER_LEAD_MIN;
KEY_LEADS[BSON_TYPE.decimal128] = NUMBER_LEAD_MIN;
KEY_LEADS[BSON_TYPE.string] = 0x3c;
KEY_LEADS[BSON_TYPE.symbol] = 0x3c;
KEY_LEADS[BSON_TYPE.object] = 0x40;
KEY_LEADS[BSON_TYPE.array] = 0x44;
KEY_LEADS[BSON_TYPE.binData] = 0x48;
KEY_LEADS[BSON_TYPE.objectId] = 0x4c;
KEY_LEADS[BSON_TYPE.bool] = 0x50;
KEY_LEADS[BSON_TYPE.date] = 0x58;
KEY_LEADS[BSON_TYPE.timestamp] = 0x5c;
KEY_LEADS[BSON_TYPE.regex] = 0x60;
KEY_LEADS[BSON_TYPE.dbPointer] = 0x64;
KEY_LEADS[BSON_TYPE.javascript] = 0x68;
KEY_LEADS[BSON_TYPE.javascriptWithScope] = 0x6c;
KEY_LEADS[BSON_TYPE.maxKey] = 0xf0;

/** Builds keys, value after value; reusable. */
export class KeyWriter {
  readonly #buffer = new KeyBuffer();

  reset(): this {
    this.#buffer.length = 0;
    return this;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length;
  }

  /** The key is [0, length) of these bytes until the next call on this writer. */
  get bytes(): Uint8Array {
    return this.#buffer.bytes;
  }

  /** Adds the next component. `value` may be an ElementReader at its current element. */
  append(value: ValueSpan, descending = false): this {
    const start = this.#buffer.length;
    appendValue(this.#buffer, value);
    if (descending) this.#buffer.complementFrom(start);
    return this;
  }

  /**
   * A bound below every value of the types that compare with `type` and above all lower ones. With `descending` the
   * bytes lie after those values' descending keys instead.
   */
  appendBelowType(type: number, descending = false): this {
    return this.#appendLead(KEY_LEADS[type] - 1, descending);
  }

  /** A bound above every value of the types that compare with `type`, below all higher ones; mirrored likewise. */
  appendAboveType(type: number, descending = false): this {
    return this.#appendLead(lastLeadOf(type) + 1, descending);
  }

  /** Adds bytes as they are, for instance a record id that makes keys unique. */
  appendBytes(raw: Uint8Array): this {
    this.#buffer.appendRange(raw, 0, raw.length);
    return this;
  }

  /** A copy, owned by the caller. */
  finish(): Uint8Array {
    return this.#buffer.bytes.slice(0, this.#buffer.length);
  }

  /** The key as it is now, to look something up with: valid until the next call on this writer. */
  view(): Uint8Array {
    return this.#buffer.bytes.subarray(0, this.#buffer.length);
  }

  #appendLead(lead: number, descending: boolean): this {
    this.#buffer.reserve(1);
    this.#buffer.bytes[this.#buffer.length++] = descending ? ~lead : lead;
    return this;
  }
}

function lastLeadOf(type: number): number {
  if (isNumericType(type)) return NUMBER_LEAD_MAX;
  return type === BSON_TYPE.bool ? TRUE_LEAD : KEY_LEADS[type];
}

function appendValue(key: KeyBuffer, value: ValueSpan): void {
  const type = value.type;
  if (isNumericType(type)) {
    appendNumber(key, value);
    return;
  }
  key.reserve(16);
  key.bytes[key.length++] = KEY_LEADS[type];
  switch (type) {
    case BSON_TYPE.string:
    case BSON_TYPE.symbol:
    case BSON_TYPE.javascript:
      appendText(key, value.bytes, value.start + 4, value.end - 1);
      return;
    case BSON_TYPE.objectId:
    case BSON_TYPE.regex:
      key.appendRange(value.bytes, value.start, value.end);
      return;
    case BSON_TYPE.bool:
      if (value.bytes[value.start] !== 0) key.bytes[key.length - 1] = TRUE_LEAD;
      return;
    case BSON_TYPE.date:
      appendReversed(key, value);
      key.bytes[key.length - 8] ^= 0x80;
      return;
    case BSON_TYPE.timestamp:
      appendReversed(key, value);
      return;
    default:
      appendCompound(key, value);
  }
}

function appendCompound(key: KeyBuffer, value: ValueSpan): void {
  const { bytes, start, end } = value;
  switch (value.type) {
    case BSON_TYPE.object:
      appendFields(key, bytes, start);
      return;
    case BSON_TYPE.array:
      appendItems(key, bytes, start);
      return;
    case BSON_TYPE.binData:
      appendLength(key, int32At(bytes, start));
      key.appendRange(bytes, start + 4, end);
      return;
    case BSON_TYPE.dbPointer:
      appendLength(key, end - start);
      key.appendRange(bytes, start + 4, end);
      return;
    case BSON_TYPE.javascriptWithScope: {
      const codeEnd = start + 8 + int32At(bytes, start + 4);
      appendText(key, bytes, start + 8, codeEnd - 1);
      appendFields(key, bytes, codeEnd);
      return;
    }
    default:
  }
}

function appendText(key: KeyBuffer, bytes: Uint8Array, start: number, end: number): void {
  key.reserve((end - start) * 2 + 1);
  const to = key.bytes;
  let length = key.length;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte <= ESCAPE) {
      to[length++] = ESCAPE;
      to[length++] = byte + 1;
    } else {
      to[length++] = byte;
    }
  }
  to[length++] = END;
  key.length = length;
}

function appendFields(key: KeyBuffer, bytes: Uint8Array, at: number): void {
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    key.reserve(1);
    key.bytes[key.length++] = canonicalType(reader.type);
    key.appendRange(bytes, reader.nameStart, reader.nameEnd + 1);
    appendValue(key, reader);
  }
  key.reserve(1);
  key.bytes[key.length++] = END;
}

function appendItems(key: KeyBuffer, bytes: Uint8Array, at: number): void {
  const reader = new ElementReader(bytes, at);
  while (reader.next()) appendValue(key, reader);
  key.reserve(1);
  key.bytes[key.length++] = END;
}

/** Eight little-endian bytes, turned around. */
function appendReversed(key: KeyBuffer, value: ValueSpan): void {
  const from = value.bytes;
  const to = key.bytes;
  let length = key.length;
  for (let i = value.start + 7; i >= value.start; i--) to[length++] = from[i];
  key.length = length;
}

/** One byte below 255; otherwise 255 and four bytes. */
function appendLength(key: KeyBuffer, length: number): void {
  key.reserve(5);
  if (length < 0xff) {
    key.bytes[key.length++] = length;
    return;
  }
  key.bytes[key.length++] = 0xff;
  for (let shift = 24; shift >= 0; shift -= 8) key.bytes[key.length++] = length >>> shift;
}
