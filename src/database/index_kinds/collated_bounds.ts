/**
 * Bounds in an index with a collation. Its keys say which strings are equal and nothing about their order: so strings are
 * looked for by equality only, among the regular ones and among all irregular ones, and the document decides.
 */
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { IRREGULAR_FROM, IRREGULAR_TO, type EqualityKeys } from '../../query/collation/equality_keys.ts';
import { isSameCollation } from '../../query/collation.ts';
import type { LeafPredicate } from '../../query/match/predicate.ts';
import { isCollatable } from '../../query/value_order.ts';
import { interval, point, union, type Interval, type IntervalBounds } from '../planner/interval.ts';
import type { IndexSpec } from './index_kind.ts';
import { valueBounds, type ValueBoundsShape } from './value_bounds.ts';

/** Where irregular values are listed. */
export const IRREGULAR = interval(IRREGULAR_FROM, IRREGULAR_TO, { start: true, end: false });

/** Bounds of a condition on a field whose values are listed as they are or, in an index with a collation, by their equals. */
export function listedBounds(
  predicate: LeafPredicate,
  { equality }: Pick<IndexSpec, 'equality'>,
  shape: ValueBoundsShape,
): IntervalBounds | undefined {
  return equality === undefined ? valueBounds(predicate, shape) : collatedBounds(predicate, equality, shape);
}

/** Undefined for conditions that the index does not help with. */
function collatedBounds(
  predicate: LeafPredicate,
  equality: EqualityKeys,
  shape: ValueBoundsShape,
): IntervalBounds | undefined {
  switch (predicate.kind) {
    case 'eq':
    case 'in': {
      const values = predicate.kind === 'in' ? predicate.values : [predicate.value];
      if (!values.some(isCollatable)) return valueBounds(predicate, shape);
      if (!isSameCollation(predicate.collation, equality.collation)) return undefined;
      return pointsOf(values, equality);
    }
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return isCollatable(predicate.value) ? undefined : valueBounds(predicate, shape);
    case 'exists':
      return valueBounds(predicate, shape);
    case 'other':
      return predicate.operator === '$mod' ? valueBounds(predicate, shape) : undefined;
  }
}

/** Arrays are listed by their elements, and a regex means more than itself: neither is looked for here. */
const NO_POINTS: ReadonlySet<number> = new Set([BSON_TYPE.array, BSON_TYPE.regex, BSON_TYPE.null]);

function pointsOf(values: readonly RawValue[], equality: EqualityKeys): IntervalBounds | undefined {
  const intervals: Interval[] = [IRREGULAR];
  for (const value of values) {
    const regular = NO_POINTS.has(value.type) ? undefined : equality.regular(value);
    if (regular === undefined) return undefined;
    intervals.push(point(regular));
  }
  return { intervals: union(intervals), tightness: 'fetch' };
}
