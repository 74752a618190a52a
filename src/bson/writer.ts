/** Building documents. */
import { incrementOf, secondsOf, type Timestamp } from '../base/optime.ts';
import { invariant } from '../base/invariant.ts';
import { int32At, writeDouble, writeInt32, writeInt64, writeInt64Number, writeUtf8 } from './bytes.ts';
import { BSON_TYPE, type ValueSpan } from './types.ts';

/** A name as text, as `fieldName` made it (fastest), or the index of an array's item. */
export type FieldName = string | Uint8Array | number;

const FIRST_SIZE_BYTES = 512;

/** From here on the buffer grows in larger steps: memory that is not touched costs less than to copy once more. */
const LARGE_BYTES = 64 * 1024;

/** Below this a loop copies faster than a call. */
const SHORT_COPY_BYTES = 32;

/**
 * Writes one document front to back into a buffer that grows and is used again. `startDocument`, fields, `endDocument`;
 * then `finish` for a copy, or `view` for a look. Names are not checked for NUL or duplicates.
 */
export class BsonWriter {
  #bytes: Uint8Array;
  #length = 0;
  /** Offsets of the length prefixes of the documents that are open. */
  readonly #open: number[] = [];

  constructor(firstSizeBytes = FIRST_SIZE_BYTES) {
    this.#bytes = new Uint8Array(firstSizeBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that fit without growing. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Forgets what was written; views taken before change from now on. */
  reset(): this {
    this.#length = 0;
    this.#open.length = 0;
    return this;
  }

  /** Opens a document at the top level; several may follow each other, as in a message's sequence. */
  startDocument(): this {
    invariant(this.#open.length === 0, 'a top-level document starts outside of others');
    this.#reserve(4);
    this.#open.push(this.#length);
    this.#length += 4;
    return this;
  }

  endDocument(): this {
    invariant(this.#open.length === 1, 'all nested documents were ended');
    return this.#close();
  }

  startSubdocument(name: FieldName): this {
    return this.#openNested(BSON_TYPE.object, name);
  }

  /** Names of the items are their indexes: pass numbers. */
  startArray(name: FieldName): this {
    return this.#openNested(BSON_TYPE.array, name);
  }

  /** Ends the innermost subdocument or array. */
  end(): this {
    invariant(this.#open.length > 1, 'a subdocument or array is open');
    return this.#close();
  }

  int32(name: FieldName, value: number): this {
    this.#head(BSON_TYPE.int32, name, 4);
    writeInt32(this.#bytes, this.#length, value);
    this.#length += 4;
    return this;
  }

  /** A number must be whole and safe. */
  int64(name: FieldName, value: bigint | number): this {
    this.#head(BSON_TYPE.int64, name, 8);
    this.#int64(value);
    return this;
  }

  double(name: FieldName, value: number): this {
    this.#head(BSON_TYPE.double, name, 8);
    writeDouble(this.#bytes, this.#length, value);
    this.#length += 8;
    return this;
  }

  string(name: FieldName, text: string): this {
    this.#head(BSON_TYPE.string, name, 5 + text.length * 3);
    const start = this.#length + 4;
    const end = writeUtf8(this.#bytes, start, text);
    writeInt32(this.#bytes, this.#length, end - start + 1);
    this.#bytes[end] = 0;
    this.#length = end + 1;
    return this;
  }

  bool(name: FieldName, value: boolean): this {
    this.#head(BSON_TYPE.bool, name, 1);
    this.#bytes[this.#length++] = value ? 1 : 0;
    return this;
  }

  null(name: FieldName): this {
    this.#head(BSON_TYPE.null, name, 0);
    return this;
  }

  /** Milliseconds since 1970, a whole number. */
  date(name: FieldName, unixMs: number): this {
    this.#head(BSON_TYPE.date, name, 8);
    this.#int64(unixMs);
    return this;
  }

  timestamp(name: FieldName, timestamp: Timestamp): this {
    this.#head(BSON_TYPE.timestamp, name, 8);
    writeInt32(this.#bytes, this.#length, incrementOf(timestamp));
    writeInt32(this.#bytes, this.#length + 4, secondsOf(timestamp));
    this.#length += 8;
    return this;
  }

  objectId(name: FieldName, id: Uint8Array): this {
    invariant(id.length === 12, 'an ObjectId has 12 bytes');
    this.#head(BSON_TYPE.objectId, name, 12);
    this.#copy(id, 0, 12);
    return this;
  }

  /** `hex`: 24 hexadecimal digits. */
  objectIdOfHex(name: FieldName, hex: string): this {
    invariant(hex.length === 24, 'an ObjectId has 24 digits');
    this.#head(BSON_TYPE.objectId, name, 12);
    for (let i = 0; i < 24; i += 2) this.#bytes[this.#length++] = (digitAt(hex, i) << 4) | digitAt(hex, i + 1);
    return this;
  }

  binData(name: FieldName, subtype: number, data: Uint8Array): this {
    this.#head(BSON_TYPE.binData, name, 5 + data.length);
    writeInt32(this.#bytes, this.#length, data.length);
    this.#bytes[this.#length + 4] = subtype;
    this.#length += 5;
    this.#copy(data, 0, data.length);
    return this;
  }

  /** Copies the document at `at` of `bytes`. */
  document(name: FieldName, bytes: Uint8Array, at = 0): this {
    return this.#nested(BSON_TYPE.object, name, bytes, at);
  }

  /** Copies the array at `at` of `bytes`. */
  array(name: FieldName, bytes: Uint8Array, at = 0): this {
    return this.#nested(BSON_TYPE.array, name, bytes, at);
  }

  /** Copies a value of any type; an ElementReader gives its current one. */
  value(name: FieldName, value: ValueSpan): this {
    const size = value.end - value.start;
    this.#head(value.type, name, size);
    this.#copy(value.bytes, value.start, value.end);
    return this;
  }

  /** Copies whole elements, names included: [start, end) of `bytes`. */
  element(bytes: Uint8Array, start: number, end: number): this {
    this.#reserve(end - start);
    this.#copy(bytes, start, end);
    return this;
  }

  /** Copies all fields of the document at `at` of `bytes`. */
  fieldsOf(bytes: Uint8Array, at = 0): this {
    const size = int32At(bytes, at);
    return this.element(bytes, at + 4, at + size - 1);
  }

  /** Copies a whole document to the top level, after those before it. */
  topLevelDocument(bytes: Uint8Array, start = 0, end = bytes.length): this {
    invariant(this.#open.length === 0, 'a top-level document starts outside of others');
    return this.element(bytes, start, end);
  }

  /** A copy of all that was written, owned by the caller. */
  finish(): Uint8Array {
    invariant(this.#open.length === 0, 'every document was ended');
    return this.#bytes.slice(0, this.#length);
  }

  /** What was written, valid until the next call on this writer. */
  view(): Uint8Array {
    invariant(this.#open.length === 0, 'every document was ended');
    return this.#bytes.subarray(0, this.#length);
  }

  #openNested(type: number, name: FieldName): this {
    invariant(this.#open.length > 0, 'a document is open');
    this.#head(type, name, 4);
    this.#open.push(this.#length);
    this.#length += 4;
    return this;
  }

  #close(): this {
    const start = this.#open.pop() ?? 0;
    this.#reserve(1);
    this.#bytes[this.#length++] = 0;
    writeInt32(this.#bytes, start, this.#length - start);
    return this;
  }

  #nested(type: number, name: FieldName, bytes: Uint8Array, at: number): this {
    const size = int32At(bytes, at);
    this.#head(type, name, size);
    this.#copy(bytes, at, at + size);
    return this;
  }

  #int64(value: bigint | number): void {
    if (typeof value === 'number') {
      invariant(Number.isSafeInteger(value), 'an int64 given as a number is whole and safe');
      writeInt64Number(this.#bytes, this.#length, value);
    } else {
      writeInt64(this.#bytes, this.#length, value);
    }
    this.#length += 8;
  }

  /** Writes type and name, and makes room for `valueSize` more bytes. */
  #head(type: number, name: FieldName, valueSize: number): void {
    if (typeof name === 'string') {
      this.#reserve(2 + name.length * 3 + valueSize);
      this.#bytes[this.#length] = type;
      this.#length = writeUtf8(this.#bytes, this.#length + 1, name);
    } else if (typeof name === 'number') {
      this.#reserve(12 + valueSize);
      this.#bytes[this.#length++] = type;
      this.#index(name);
    } else {
      this.#reserve(2 + name.length + valueSize);
      this.#bytes[this.#length++] = type;
      this.#copy(name, 0, name.length);
    }
    this.#bytes[this.#length++] = 0;
  }

  #index(index: number): void {
    let digits = 1;
    for (let limit = 10; index >= limit; limit *= 10) digits++;
    let rest = index;
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const next = Math.floor(rest / 10);
      this.#bytes[at] = 0x30 + rest - next * 10;
      rest = next;
    }
    this.#length += digits;
  }

  #copy(from: Uint8Array, start: number, end: number): void {
    const bytes = this.#bytes;
    const size = end - start;
    if (size > SHORT_COPY_BYTES) {
      bytes.set(start === 0 && end === from.length ? from : from.subarray(start, end), this.#length);
    } else {
      const shift = this.#length - start;
      for (let i = start; i < end; i++) bytes[shift + i] = from[i];
    }
    this.#length += size;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const { length } = this.#bytes;
    const grown = new Uint8Array(Math.max(needed, length * (length < LARGE_BYTES ? 2 : 4)));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** The value of a hexadecimal digit, in either case. */
function digitAt(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return code < 0x3a ? code - 0x30 : (code | 0x20) - 0x57;
}
