/** The 64-bit hash of a value that hashed indexes list it under: MongoDB's own, as `$toHashedIndexKey` shows it. */
import { createHash, type Hash } from 'node:crypto';
import { int32At } from './bytes.ts';
import { ElementReader } from './elements.ts';
import { BSON_TYPE, canonicalType, isNumericType, type ValueSpan } from './types.ts';
import { integerOf, numberOf } from './value.ts';

const INT64_LIMIT = 2 ** 63;
const INT64_MAX = 2n ** 63n - 1n;
const SEED = new Uint8Array(4);

/** The first eight bytes of an md5, as a signed little-endian number. */
export function valueHash(value: ValueSpan): bigint {
  const hash = createHash('md5').update(SEED);
  addValue(hash, value);
  return hash.digest().readBigInt64LE(0);
}

function addValue(hash: Hash, value: ValueSpan): void {
  addInt32(hash, typeNumber(value.type));
  addContent(hash, value);
}

function addContent(hash: Hash, value: ValueSpan): void {
  const { type, bytes, start, end } = value;
  if (isNumericType(type)) addInt64(hash, wholePart(value));
  else if (type === BSON_TYPE.object || type === BSON_TYPE.array) addFields(hash, bytes, start);
  else if (type === BSON_TYPE.javascriptWithScope) {
    const codeEnd = start + 8 + int32At(bytes, start + 4);
    hash.update(bytes.subarray(start + 8, codeEnd));
    addFields(hash, bytes, codeEnd);
  } else hash.update(bytes.subarray(start, end));
}

/** As MongoDB numbers the types, with MinKey and undefined where they are there. */
function typeNumber(type: number): number {
  if (type === BSON_TYPE.minKey) return -1;
  return type === BSON_TYPE.undefined ? 0 : canonicalType(type);
}

/** The end of the list counts as an element without a name. */
function addFields(hash: Hash, bytes: Uint8Array, at: number): void {
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    addInt32(hash, typeNumber(reader.type));
    hash.update(bytes.subarray(reader.nameStart, reader.nameEnd + 1));
    addContent(hash, reader);
  }
  addInt32(hash, 0);
  hash.update(new Uint8Array(1));
}

function addInt32(hash: Hash, value: number): void {
  hash.update(Uint8Array.of(value, value >> 8, value >> 16, value >> 24));
}

function addInt64(hash: Hash, value: bigint): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  hash.update(bytes);
}

/** Cut towards zero and into the range of 64 bits; zero for what is not a number. */
function wholePart(value: ValueSpan): bigint {
  const nearest = numberOf(value);
  if (Number.isNaN(nearest)) return 0n;
  if (nearest >= INT64_LIMIT && value.type !== BSON_TYPE.int64) return INT64_MAX;
  if (nearest < -INT64_LIMIT && value.type !== BSON_TYPE.int64) return -INT64_MAX - 1n;
  return integerOf(value) ?? 0n;
}
