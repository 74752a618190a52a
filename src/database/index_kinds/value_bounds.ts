/**
 * Where the values lie that meet a condition, in an index whose keys hold values in MongoDB's order. A condition is met
 * by a document when one of its values is: what follows from several values below one path is the planner's matter.
 */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { numberOf, RAW_NULL, RAW_UNDEFINED, type RawValue } from '../../bson/value.ts';
import type { LeafPredicate } from '../../query/match/predicate.ts';
import { regexParts } from '../../query/match/regex.ts';
import {
  EVERYTHING,
  interval,
  keyOf,
  point,
  pointAt,
  union,
  type Interval,
  type IntervalBounds,
} from '../planner/interval.ts';
import { regexBounds } from './regex_bounds.ts';
import { typeRange, typeRangeOf } from './type_range.ts';

/** How the keys are made that the bounds are for. */
export interface ValueBoundsShape {
  /** Absent: values are written as they are. */
  readonly keyOfValue?: (value: ValueSpan) => Uint8Array;
  /** Whether documents without the field are not in the index at all. */
  readonly leavesOutMissing: boolean;
}

const NOTHING: IntervalBounds = { intervals: [], tightness: 'exact' };
const ANYTHING: IntervalBounds = { intervals: [EVERYTHING], tightness: 'fetch' };

/** Undefined for conditions that no index of values helps with. */
export function valueBounds(predicate: LeafPredicate, shape: ValueBoundsShape): IntervalBounds | undefined {
  if ('collation' in predicate) return undefined;
  const keyOfValue = shape.keyOfValue ?? keyOf;
  switch (predicate.kind) {
    case 'eq':
      return equalityBounds(predicate.value, keyOfValue);
    case 'in':
      return memberBounds(predicate.values, keyOfValue);
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return rangeBounds(predicate.kind, predicate.value, keyOfValue);
    case 'exists':
      return shape.leavesOutMissing ? { intervals: [EVERYTHING], tightness: 'exact' } : ANYTHING;
    case 'other':
      return otherBounds(predicate);
  }
}

function otherBounds(predicate: Extract<LeafPredicate, { kind: 'other' }>): IntervalBounds | undefined {
  if (predicate.regex !== undefined) return regexBounds(predicate.regex);
  if (predicate.types !== undefined) return boundsOfTypes(predicate.types);
  if (predicate.operator === '$mod') return { intervals: [typeRange('number')], tightness: 'key' };
  return undefined;
}

/** Null is what documents without the field have; an empty array is listed as undefined. */
function equalityBounds(value: RawValue, keyOfValue: (value: ValueSpan) => Uint8Array): IntervalBounds {
  switch (value.type) {
    case BSON_TYPE.null:
      return {
        intervals: union([point(RAW_UNDEFINED, keyOfValue), point(RAW_NULL, keyOfValue)]),
        tightness: 'fetch',
      };
    case BSON_TYPE.array: {
      const first = new ElementReader(value.bytes, value.start);
      const item = first.next() ? first.value() : RAW_UNDEFINED;
      return { intervals: union([point(item, keyOfValue), point(value, keyOfValue)]), tightness: 'fetch' };
    }
    default:
      return { intervals: [point(value, keyOfValue)], tightness: 'exact' };
  }
}

/** Types of values that are looked for in more than one place. */
const MEANS_MORE: ReadonlySet<number> = new Set([BSON_TYPE.null, BSON_TYPE.array, BSON_TYPE.regex]);

function memberBounds(values: readonly RawValue[], keyOfValue: (value: ValueSpan) => Uint8Array): IntervalBounds {
  const intervals: Interval[] = [];
  let tightness: IntervalBounds['tightness'] = 'exact';
  for (const value of values) {
    if (!MEANS_MORE.has(value.type)) {
      intervals.push(pointAt(value, keyOfValue(value)));
      continue;
    }
    const one = value.type === BSON_TYPE.regex ? regexBounds(regexParts(value)) : equalityBounds(value, keyOfValue);
    intervals.push(...one.intervals);
    if (one.tightness === 'fetch' || tightness === 'exact') tightness = one.tightness;
  }
  return { intervals: union(intervals), tightness };
}

function rangeBounds(
  kind: 'lt' | 'lte' | 'gt' | 'gte',
  value: RawValue,
  keyOfValue: (value: ValueSpan) => Uint8Array,
): IntervalBounds | undefined {
  const isLower = kind === 'gt' || kind === 'gte';
  const inclusive = kind === 'lte' || kind === 'gte';
  const { type } = value;
  if (type === BSON_TYPE.null) return inclusive ? equalityBounds(RAW_NULL, keyOfValue) : NOTHING;
  if (isNumericType(type) && Number.isNaN(numberOf(value))) {
    return inclusive ? { intervals: [point(value, keyOfValue)], tightness: 'exact' } : NOTHING;
  }
  if (type === BSON_TYPE.array) return ANYTHING;
  const within = typeRangeOf(type);
  if (within === undefined) return ANYTHING;
  const one = isLower
    ? interval(value, within.end, { start: inclusive, end: within.endInclusive }, keyOfValue)
    : interval(within.start, value, { start: within.startInclusive, end: inclusive }, keyOfValue);
  const tightness = type === BSON_TYPE.minKey || type === BSON_TYPE.maxKey ? 'fetch' : 'exact';
  return { intervals: union([one]), tightness };
}

function boundsOfTypes(types: Uint8Array): IntervalBounds {
  const intervals: Interval[] = [];
  for (let type = 0; type < types.length; type++) {
    if (types[type] === 0) continue;
    const range = type === BSON_TYPE.array || type >= BSON_TYPE.maxKey ? undefined : typeRangeOf(type);
    if (range === undefined) return ANYTHING;
    intervals.push(isNumericType(type) ? typeRange('number') : range);
  }
  return { intervals: union(intervals), tightness: 'fetch' };
}
