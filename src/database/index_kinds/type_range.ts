/** The lowest and the highest value of each class of types, as bounds of indexes show them. */
import { BSON_TYPE } from '../../bson/types.ts';
import {
  RAW_FALSE,
  RAW_MAX_KEY,
  RAW_MIN_KEY,
  RAW_NULL,
  RAW_TRUE,
  RAW_UNDEFINED,
  rawArray,
  rawDouble,
  rawInt64,
  rawObject,
  rawString,
  rawValue,
  type RawValue,
} from '../../bson/value.ts';
import { interval, point, type Interval } from '../planner/interval.ts';

const EMPTY = Uint8Array.of(5, 0, 0, 0, 0);
const EMPTY_OBJECT = rawObject(EMPTY);
const EMPTY_ARRAY = rawArray(EMPTY);
const EMPTY_BINARY = rawValue(BSON_TYPE.binData, new Uint8Array(5));
const LOWEST_OBJECT_ID = rawValue(BSON_TYPE.objectId, new Uint8Array(12));
const HIGHEST_OBJECT_ID = rawValue(BSON_TYPE.objectId, new Uint8Array(12).fill(0xff));
const LOWEST_TIMESTAMP = rawValue(BSON_TYPE.timestamp, new Uint8Array(8));
const HIGHEST_TIMESTAMP = rawValue(BSON_TYPE.timestamp, new Uint8Array(8).fill(0xff));
const LOWEST_DATE = dateOf(-(2n ** 63n));
const HIGHEST_DATE = dateOf(2n ** 63n - 1n);

const CLOSED = { start: true, end: true };
const HALF_OPEN = { start: true, end: false };

/** Strings and symbols end where objects begin, and so on: such classes have no highest value of their own. */
const RANGES = {
  /** With NaN, which comparisons with numbers leave out. */
  number: interval(rawDouble(Number.NaN), rawDouble(Infinity), CLOSED),
  orderedNumber: interval(rawDouble(-Infinity), rawDouble(Infinity), CLOSED),
  text: interval(rawString(''), EMPTY_OBJECT, HALF_OPEN),
  object: interval(EMPTY_OBJECT, EMPTY_ARRAY, HALF_OPEN),
  array: interval(EMPTY_ARRAY, EMPTY_BINARY, HALF_OPEN),
  binary: interval(EMPTY_BINARY, LOWEST_OBJECT_ID, HALF_OPEN),
  objectId: interval(LOWEST_OBJECT_ID, HIGHEST_OBJECT_ID, CLOSED),
  bool: interval(RAW_FALSE, RAW_TRUE, CLOSED),
  date: interval(LOWEST_DATE, HIGHEST_DATE, CLOSED),
  timestamp: interval(LOWEST_TIMESTAMP, HIGHEST_TIMESTAMP, CLOSED),
  null: point(RAW_NULL),
  undefined: point(RAW_UNDEFINED),
  everything: interval(RAW_MIN_KEY, RAW_MAX_KEY, CLOSED),
} as const;

type TypeClass = keyof typeof RANGES;

const CLASS_OF_TYPE: Readonly<Record<number, TypeClass>> = {
  [BSON_TYPE.double]: 'orderedNumber',
  [BSON_TYPE.int32]: 'orderedNumber',
  [BSON_TYPE.int64]: 'orderedNumber',
  [BSON_TYPE.decimal128]: 'orderedNumber',
  [BSON_TYPE.string]: 'text',
  [BSON_TYPE.symbol]: 'text',
  [BSON_TYPE.object]: 'object',
  [BSON_TYPE.array]: 'array',
  [BSON_TYPE.binData]: 'binary',
  [BSON_TYPE.objectId]: 'objectId',
  [BSON_TYPE.bool]: 'bool',
  [BSON_TYPE.date]: 'date',
  [BSON_TYPE.timestamp]: 'timestamp',
  [BSON_TYPE.null]: 'null',
  [BSON_TYPE.undefined]: 'undefined',
  [BSON_TYPE.minKey]: 'everything',
  [BSON_TYPE.maxKey]: 'everything',
};

export function typeRange(typeClass: TypeClass): Interval {
  return RANGES[typeClass];
}

/** What compares with values of the type; undefined for rare types whose class has no simple ends. */
export function typeRangeOf(type: number): Interval | undefined {
  const typeClass = CLASS_OF_TYPE[type];
  return typeClass === undefined ? undefined : RANGES[typeClass];
}

function dateOf(unixMs: bigint): RawValue {
  return rawValue(BSON_TYPE.date, rawInt64(unixMs).bytes);
}
