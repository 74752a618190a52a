/** MongoDB's order over values of all types. Source: the manual, "Comparison/Sort Order". */
import { compareRanges } from './byte_order.ts';
import { int32At, uint32At } from './bytes.ts';
import { compareNumbers } from './compare_numbers.ts';
import { ElementReader } from './elements.ts';
import { BSON_TYPE, canonicalType, type ValueSpan } from './types.ts';

/**
 * Negative, zero or positive as `a` sorts before, with or after `b`. Numbers compare by their exact value whatever
 * their types; NaN is the lowest number; -0 equals 0. Strings compare by their bytes. Readers may be passed at their
 * element.
 */
export function compareValues(a: ValueSpan, b: ValueSpan): number {
  const aType = a.type;
  const bType = b.type;
  if (aType === BSON_TYPE.int32 && bType === BSON_TYPE.int32) {
    return int32At(a.bytes, a.start) - int32At(b.bytes, b.start);
  }
  const rank = aType === bType ? 0 : canonicalType(aType) - canonicalType(bType);
  return rank !== 0 ? rank : compareWithinType(a, b);
}

/** Whether the values compare equal: 1 equals 1.0, and -0 equals 0. */
export function equalValues(a: ValueSpan, b: ValueSpan): boolean {
  return compareValues(a, b) === 0;
}

/** The common types first; their canonical types are the same. */
function compareWithinType(a: ValueSpan, b: ValueSpan): number {
  switch (a.type) {
    case BSON_TYPE.double:
    case BSON_TYPE.int32:
    case BSON_TYPE.int64:
    case BSON_TYPE.decimal128:
      return compareNumbers(a, b);
    case BSON_TYPE.string:
    case BSON_TYPE.symbol:
    case BSON_TYPE.javascript:
      return compareStrings(a, b);
    case BSON_TYPE.objectId:
    case BSON_TYPE.bool:
    case BSON_TYPE.regex:
      // Of a regex, both parts end with NUL and hold none.
      return compareRanges(a.bytes, a.start, a.end, b.bytes, b.start, b.end);
    case BSON_TYPE.date:
      return compareHalves(int32At, a, b);
    case BSON_TYPE.timestamp:
      return compareHalves(uint32At, a, b);
    default:
      return compareCompounds(a, b);
  }
}

function compareCompounds(a: ValueSpan, b: ValueSpan): number {
  switch (a.type) {
    case BSON_TYPE.object:
      return compareDocuments(a.bytes, a.start, b.bytes, b.start);
    case BSON_TYPE.array:
      return compareArrays(a, b);
    case BSON_TYPE.binData:
    case BSON_TYPE.dbPointer:
      return compareSized(a, b);
    case BSON_TYPE.javascriptWithScope:
      return compareScopes(a, b);
    default:
      return 0;
  }
}

function compareStrings(a: ValueSpan, b: ValueSpan): number {
  const aStart = a.start + 4;
  const bStart = b.start + 4;
  const aEnd = aStart + int32At(a.bytes, a.start) - 1;
  const bEnd = bStart + int32At(b.bytes, b.start) - 1;
  return compareRanges(a.bytes, aStart, aEnd, b.bytes, bStart, bEnd);
}

/** Binary data (length, subtype, bytes) and DBPointers (size, then bytes): shorter first. */
function compareSized(a: ValueSpan, b: ValueSpan): number {
  const difference = a.end - a.start - (b.end - b.start);
  return difference !== 0 ? difference : compareRanges(a.bytes, a.start, a.end, b.bytes, b.start, b.end);
}

function compareHalves(high: (bytes: Uint8Array, at: number) => number, a: ValueSpan, b: ValueSpan): number {
  const difference = high(a.bytes, a.start + 4) - high(b.bytes, b.start + 4);
  return difference !== 0 ? difference : uint32At(a.bytes, a.start) - uint32At(b.bytes, b.start);
}

/** By code, then by scope. */
function compareScopes(a: ValueSpan, b: ValueSpan): number {
  const aStart = a.start + 4;
  const bStart = b.start + 4;
  const aEnd = aStart + 4 + int32At(a.bytes, aStart);
  const bEnd = bStart + 4 + int32At(b.bytes, bStart);
  const code = compareRanges(a.bytes, aStart + 4, aEnd, b.bytes, bStart + 4, bEnd);
  return code !== 0 ? code : compareDocuments(a.bytes, aEnd, b.bytes, bEnd);
}

/** Field by field: canonical type, then name, then value; the document that ends first is the smaller. */
export function compareDocuments(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  const left = new ElementReader(a, aAt);
  const right = new ElementReader(b, bAt);
  for (;;) {
    const more = left.next();
    if (!right.next()) return more ? 1 : 0;
    if (!more) return -1;
    const rank = canonicalType(left.type) - canonicalType(right.type);
    if (rank !== 0) return rank;
    const name = compareRanges(a, left.nameStart, left.nameEnd, b, right.nameStart, right.nameEnd);
    if (name !== 0) return name;
    const value = compareWithinType(left, right);
    if (value !== 0) return value;
  }
}

/** Item by item; names play no part. */
function compareArrays(a: ValueSpan, b: ValueSpan): number {
  const left = new ElementReader(a.bytes, a.start);
  const right = new ElementReader(b.bytes, b.start);
  for (;;) {
    const more = left.next();
    if (!right.next()) return more ? 1 : 0;
    if (!more) return -1;
    const item = compareValues(left, right);
    if (item !== 0) return item;
  }
}
