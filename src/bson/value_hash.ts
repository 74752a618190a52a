/** The 64-bit hash of a value that hashed indexes list it under: MongoDB's own, as `$toHashedIndexKey` shows it. */
import { createHash } from 'node:crypto';
import { int32At, writeInt32, writeInt64 } from './bytes.ts';
import { ElementReader } from './elements.ts';
import { BSON_TYPE, canonicalType, isNumericType, type ValueSpan } from './types.ts';
import { integerOf, numberOf } from './value.ts';

const INT64_LIMIT = 2 ** 63;
const INT64_MAX = 2n ** 63n - 1n;

/** The first eight bytes of an md5, as a signed little-endian number. */
export function valueHash(value: ValueSpan): bigint {
  const input = new HashInput();
  input.int32(0);
  addValue(input, value);
  return input.digest().readBigInt64LE(0);
}

/** Small pieces are gathered: a call of the hash takes longer than their bytes. */
const GATHERED_BYTES = 4096;

class HashInput {
  readonly #hash = createHash('md5');
  readonly #bytes = GATHERED;
  #length = 0;

  int32(value: number): void {
    this.#reserve(4);
    writeInt32(this.#bytes, this.#length, value);
    this.#length += 4;
  }

  int64(value: bigint): void {
    this.#reserve(8);
    writeInt64(this.#bytes, this.#length, value);
    this.#length += 8;
  }

  range(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.#reserve(size);
    if (size > this.#bytes.length) this.#hash.update(bytes.subarray(start, end));
    else {
      for (let from = start; from < end; from++) this.#bytes[this.#length++] = bytes[from];
    }
  }

  digest(): Buffer {
    this.#reserve(this.#bytes.length);
    return this.#hash.digest();
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    this.#hash.update(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
  }
}

/** Used by one call at a time. */
const GATHERED = new Uint8Array(GATHERED_BYTES);

function addValue(input: HashInput, value: ValueSpan): void {
  input.int32(typeNumber(value.type));
  addContent(input, value);
}

function addContent(input: HashInput, value: ValueSpan): void {
  const { type, bytes, start, end } = value;
  if (type === BSON_TYPE.int32) addWhole(input, int32At(bytes, start));
  else if (isNumericType(type)) input.int64(wholePart(value));
  else if (type === BSON_TYPE.object || type === BSON_TYPE.array) addFields(input, bytes, start);
  else if (type === BSON_TYPE.javascriptWithScope) {
    const codeEnd = start + 8 + int32At(bytes, start + 4);
    input.range(bytes, start + 8, codeEnd);
    addFields(input, bytes, codeEnd);
  } else input.range(bytes, start, end);
}

/** As an int64. */
function addWhole(input: HashInput, value: number): void {
  input.int32(value);
  input.int32(value < 0 ? -1 : 0);
}

/** As MongoDB numbers the types, with MinKey and undefined where they are there. */
function typeNumber(type: number): number {
  if (type === BSON_TYPE.minKey) return -1;
  return type === BSON_TYPE.undefined ? 0 : canonicalType(type);
}

/** The end of the list counts as an element without a name. */
function addFields(input: HashInput, bytes: Uint8Array, at: number): void {
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    input.int32(typeNumber(reader.type));
    input.range(bytes, reader.nameStart, reader.nameEnd + 1);
    addContent(input, reader);
  }
  input.int32(0);
  input.range(NUL, 0, 1);
}

const NUL = new Uint8Array(1);

/** Cut towards zero and into the range of 64 bits; zero for what is not a number. */
function wholePart(value: ValueSpan): bigint {
  const nearest = numberOf(value);
  if (Number.isNaN(nearest)) return 0n;
  if (nearest >= INT64_LIMIT && value.type !== BSON_TYPE.int64) return INT64_MAX;
  if (nearest < -INT64_LIMIT && value.type !== BSON_TYPE.int64) return -INT64_MAX - 1n;
  return integerOf(value) ?? 0n;
}
