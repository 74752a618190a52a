/**
 * Documents as bytes: BSON is read, compared, ordered and edited where it lies.
 *
 * A stored document stays a `Uint8Array` from the socket to the disk and back. The concepts:
 *
 * - A *document* is a pair (bytes, offset of its length prefix); several may lie in one buffer.
 * - A *value* is what {@link ValueSpan} says: a type and a range of bytes. Two classes have that shape:
 *   `ElementReader`, which walks a document and whose span moves, and `RawValue`, which stays. Neither owns bytes.
 * - `compare.ts` is MongoDB's order over values; `key.ts` writes byte strings whose order is that same order.
 * - `writer.ts` builds documents, `splice.ts` edits them, `codec.ts` turns them into JavaScript values at the edges.
 *
 * Life of a document: `validate.ts` checks it once when it comes in, and everything else in the program relies on that:
 * readers do not check lengths again. They never run past the buffer's end, but what they say about bytes that were not
 * validated means nothing.
 *
 * Not done here: what filters, updates and expressions mean, and collations (`query/`).
 */

/** Type bytes. Source: https://bsonspec.org/spec.html */
export const BSON_TYPE = {
  double: 1,
  string: 2,
  object: 3,
  array: 4,
  binData: 5,
  undefined: 6,
  objectId: 7,
  bool: 8,
  date: 9,
  null: 10,
  regex: 11,
  dbPointer: 12,
  javascript: 13,
  symbol: 14,
  javascriptWithScope: 15,
  int32: 16,
  timestamp: 17,
  int64: 18,
  decimal128: 19,
  maxKey: 127,
  minKey: 255,
} as const;

/** A type and the range of bytes that holds the value, without the type byte and the name. */
export interface ValueSpan {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What `$type` calls a type, and what error messages call it: MongoDB's alias. */
export type TypeAlias =
  | 'double'
  | 'string'
  | 'object'
  | 'array'
  | 'binData'
  | 'undefined'
  | 'objectId'
  | 'bool'
  | 'date'
  | 'null'
  | 'regex'
  | 'dbPointer'
  | 'javascript'
  | 'symbol'
  | 'javascriptWithScope'
  | 'int'
  | 'timestamp'
  | 'long'
  | 'decimal'
  | 'maxKey'
  | 'minKey';

const ALIASES: Readonly<Record<number, TypeAlias>> = {
  1: 'double',
  2: 'string',
  3: 'object',
  4: 'array',
  5: 'binData',
  6: 'undefined',
  7: 'objectId',
  8: 'bool',
  9: 'date',
  10: 'null',
  11: 'regex',
  12: 'dbPointer',
  13: 'javascript',
  14: 'symbol',
  15: 'javascriptWithScope',
  16: 'int',
  17: 'timestamp',
  18: 'long',
  19: 'decimal',
  127: 'maxKey',
  255: 'minKey',
};

/** MongoDB's name of a type; 'missing' for anything that is not one. */
export function typeAlias(type: number): TypeAlias | 'missing' {
  return ALIASES[type] ?? 'missing';
}

/**
 * The place of each type in MongoDB's order of values; types that compare with each other share one. The numbers are
 * those of MongoDB, with MinKey and MaxKey moved to the ends of the byte. 0 for bytes that are no type.
 */
const CANONICAL = new Uint8Array(256);
CANONICAL[BSON_TYPE.minKey] = 1;
CANONICAL[BSON_TYPE.undefined] = 2;
CANONICAL[BSON_TYPE.null] = 5;
CANONICAL[BSON_TYPE.double] = 10;
CANONICAL[BSON_TYPE.int32] = 10;
CANONICAL[BSON_TYPE.int64] = 10;
CANONICAL[BSON_TYPE.decimal128] = 10;
CANONICAL[BSON_TYPE.string] = 15;
CANONICAL[BSON_TYPE.symbol] = 15;
CANONICAL[BSON_TYPE.object] = 20;
CANONICAL[BSON_TYPE.array] = 25;
CANONICAL[BSON_TYPE.binData] = 30;
CANONICAL[BSON_TYPE.objectId] = 35;
CANONICAL[BSON_TYPE.bool] = 40;
CANONICAL[BSON_TYPE.date] = 45;
CANONICAL[BSON_TYPE.timestamp] = 47;
CANONICAL[BSON_TYPE.regex] = 50;
CANONICAL[BSON_TYPE.dbPointer] = 55;
CANONICAL[BSON_TYPE.javascript] = 60;
CANONICAL[BSON_TYPE.javascriptWithScope] = 65;
CANONICAL[BSON_TYPE.maxKey] = 127;

/** Values of types with different canonical types never compare equal; the smaller one comes first. */
export function canonicalType(type: number): number {
  return CANONICAL[type] ?? 0;
}

export function isNumericType(type: number): boolean {
  return CANONICAL[type] === 10;
}
