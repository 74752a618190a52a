/** Ranges of index keys, and how conditions become them. */
import { compareBytes } from '../bson/bytes.ts';
import { KeyWriter } from '../bson/key.ts';
import { BSON_TYPE, canonicalType, isNumericType, type ValueSpan } from '../bson/types.ts';
import { numberOf, RAW_UNDEFINED } from '../bson/value.ts';
import type { Conjunct } from '../query/matcher.ts';

/** Keys in [from, to); undefined is the end of the table. */
export interface KeyRange {
  readonly from: Uint8Array | undefined;
  readonly to: Uint8Array | undefined;
}

/** What the conditions on one field say about its place in an index. */
export type FieldBounds =
  /** Any of these values, encoded, ascending, without repetition. */
  | { readonly kind: 'points'; readonly points: readonly Uint8Array[]; readonly isExact: boolean }
  | { readonly kind: 'range'; readonly range: KeyRange; readonly isExact: boolean };

const USABLE = new Set<number>([
  BSON_TYPE.double,
  BSON_TYPE.string,
  BSON_TYPE.object,
  BSON_TYPE.binData,
  BSON_TYPE.objectId,
  BSON_TYPE.bool,
  BSON_TYPE.date,
  BSON_TYPE.int32,
  BSON_TYPE.timestamp,
  BSON_TYPE.int64,
  BSON_TYPE.decimal128,
  BSON_TYPE.minKey,
  BSON_TYPE.maxKey,
]);

type Bound = Extract<Conjunct, { kind: 'lt' | 'lte' | 'gt' | 'gte' }>;

/** How the field lies in its index. */
export interface FieldShape {
  readonly descending: boolean;
  /** Conditions on one array may be met by different elements: then only one of them may bound the scan. */
  readonly isMultikey: boolean;
  /** Documents without the field are not in the index. */
  readonly isSparse: boolean;
}

/** The best bounds that `conjuncts` (all on one path) give; undefined when there are none that can be used. */
export function fieldBounds(conjuncts: readonly Conjunct[], shape: FieldShape): FieldBounds | undefined {
  const isSingle = conjuncts.length === 1;
  for (const conjunct of conjuncts) {
    if (conjunct.kind !== 'eq') continue;
    const bounds = pointsOf([conjunct.value], shape);
    if (bounds !== undefined) return { ...bounds, isExact: bounds.isExact && isSingle };
  }
  for (const conjunct of conjuncts) {
    if (conjunct.kind !== 'in') continue;
    const bounds = pointsOf(conjunct.values, shape);
    if (bounds !== undefined) return { ...bounds, isExact: bounds.isExact && isSingle };
  }
  return rangeOf(conjuncts, shape);
}

const WRITER = new KeyWriter();

/** The key of one value of a field. */
export function encodeValue(value: ValueSpan, descending: boolean): Uint8Array {
  return WRITER.reset().append(value, descending).finish();
}

function pointsOf(
  values: readonly ValueSpan[],
  shape: FieldShape,
): Extract<FieldBounds, { kind: 'points' }> | undefined {
  const points: Uint8Array[] = [];
  let isExact = true;
  for (const value of values) {
    if (value.type === BSON_TYPE.null) {
      if (shape.isSparse) return undefined;
      points.push(encodeValue(RAW_UNDEFINED, shape.descending));
      isExact = false;
    } else if (!USABLE.has(value.type)) {
      return undefined;
    }
    points.push(encodeValue(value, shape.descending));
  }
  points.sort(compareBytes);
  const unique = points.filter((point, i) => i === 0 || compareBytes(points[i - 1], point) !== 0);
  return { kind: 'points', points: unique, isExact };
}

function rangeOf(conjuncts: readonly Conjunct[], shape: FieldShape): FieldBounds | undefined {
  const bounds = conjuncts.filter((conjunct): conjunct is Bound => isUsableBound(conjunct));
  const lower = bounds.find((bound) => bound.kind === 'gt' || bound.kind === 'gte');
  let upper = bounds.find((bound) => bound.kind === 'lt' || bound.kind === 'lte');
  if (lower === undefined && upper === undefined) return undefined;
  const sameClass =
    lower === undefined || upper === undefined || canonicalType(lower.value.type) === canonicalType(upper.value.type);
  if (lower !== undefined && (shape.isMultikey || !sameClass)) upper = undefined;
  const used = (lower === undefined ? 0 : 1) + (upper === undefined ? 0 : 1);
  const low = lowEdge(lower, upper, shape.descending);
  const high = highEdge(lower, upper, shape.descending);
  const range = shape.descending ? { from: high, to: low } : { from: low, to: high };
  return { kind: 'range', range, isExact: used === conjuncts.length && !mayMeetNaN(lower, upper) };
}

function isUsableBound(conjunct: Conjunct): boolean {
  if (conjunct.kind === 'eq' || conjunct.kind === 'in') return false;
  if (conjunct.value.type === BSON_TYPE.minKey || conjunct.value.type === BSON_TYPE.maxKey) return false;
  return USABLE.has(conjunct.value.type);
}

/** NaN sorts below the other numbers but is in no range of theirs. */
function mayMeetNaN(lower: Bound | undefined, upper: Bound | undefined): boolean {
  const bound = lower ?? upper;
  if (bound === undefined || !isNumericType(bound.value.type)) return false;
  return lower === undefined || Number.isNaN(numberOf(lower.value));
}

/** The edge on the side of small values; in a descending field that is where the range ends. */
function lowEdge(lower: Bound | undefined, upper: Bound | undefined, descending: boolean): Uint8Array | undefined {
  if (lower === undefined) {
    return upper === undefined ? undefined : WRITER.reset().appendBelowType(upper.value.type, descending).finish();
  }
  const key = encodeValue(lower.value, descending);
  const excludes = lower.kind === 'gt';
  return excludes !== descending ? afterPrefix(key) : key;
}

function highEdge(lower: Bound | undefined, upper: Bound | undefined, descending: boolean): Uint8Array | undefined {
  if (upper === undefined) {
    return lower === undefined ? undefined : WRITER.reset().appendAboveType(lower.value.type, descending).finish();
  }
  const key = encodeValue(upper.value, descending);
  const excludes = upper.kind === 'lt';
  return excludes === descending ? afterPrefix(key) : key;
}

/** The first key that does not begin with `prefix`; undefined when there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let end = prefix.length; end > 0; end--) {
    if (prefix[end - 1] === 0xff) continue;
    const key = prefix.slice(0, end);
    key[end - 1] += 1;
    return key;
  }
  return undefined;
}

/** The ranges of a compound index: each prefix followed by the bounds of the next field. */
export function extendRanges(prefixes: readonly Uint8Array[], bounds: FieldBounds | undefined): KeyRange[] {
  const ranges: KeyRange[] = [];
  for (const prefix of prefixes) {
    if (bounds === undefined) ranges.push({ from: prefix, to: afterPrefix(prefix) });
    else if (bounds.kind === 'points') {
      for (const point of bounds.points) ranges.push(prefixRange(join(prefix, point)));
    } else {
      const { from, to } = bounds.range;
      ranges.push({
        from: from === undefined ? prefix : join(prefix, from),
        to: to === undefined ? afterPrefix(prefix) : join(prefix, to),
      });
    }
  }
  return ranges;
}

function prefixRange(prefix: Uint8Array): KeyRange {
  return { from: prefix, to: afterPrefix(prefix) };
}

export function join(prefix: Uint8Array, rest: Uint8Array): Uint8Array {
  const joined = new Uint8Array(prefix.length + rest.length);
  joined.set(prefix);
  joined.set(rest, prefix.length);
  return joined;
}
