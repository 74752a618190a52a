/**
 * Intervals of values of one field of an index, as the planner reckons with them: each end as a value, which explain
 * shows, and as the bytes it has in an ascending key, which order it.
 */
import { compareBytes } from '../../bson/bytes.ts';
import { KeyWriter } from '../../bson/key.ts';
import { sortedByKey } from './key_sort.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { copyValue, RAW_MAX_KEY, RAW_MIN_KEY, type RawValue } from '../../bson/value.ts';

export interface Interval {
  readonly start: RawValue;
  readonly end: RawValue;
  readonly startInclusive: boolean;
  readonly endInclusive: boolean;
  /** The ends as parts of an ascending key. */
  readonly startKey: Uint8Array;
  readonly endKey: Uint8Array;
}

/**
 * How much the bounds say. *exact*: a key lies in them if and only if its value meets the condition. *key*: the condition
 * has to be tested too, but the value in the key is enough for that. *fetch*: it must be tested on the document.
 */
export type Tightness = 'exact' | 'key' | 'fetch';

/** Ascending, disjoint. */
export interface IntervalBounds {
  readonly intervals: readonly Interval[];
  readonly tightness: Tightness;
}

const WRITER = new KeyWriter();

/** The part of an ascending key that a value gives where keys hold values as they are. */
export function keyOf(value: ValueSpan): Uint8Array {
  return WRITER.reset().append(value).finish();
}

/** `keyOfValue` is given where a kind of index writes values in a way of its own. */
export function interval(
  start: ValueSpan,
  end: ValueSpan,
  inclusive: { readonly start: boolean; readonly end: boolean },
  keyOfValue = keyOf,
): Interval {
  return {
    start: copyValue(start),
    end: copyValue(end),
    startInclusive: inclusive.start,
    endInclusive: inclusive.end,
    startKey: keyOfValue(start),
    endKey: keyOfValue(end),
  };
}

const BOTH = { start: true, end: true };

/** Just this value. */
export function point(value: ValueSpan, keyOfValue = keyOf): Interval {
  const start = copyValue(value);
  const startKey = keyOfValue(value);
  return { start, end: start, startInclusive: true, endInclusive: true, startKey, endKey: startKey };
}

/** As {@link point}, of a value that stays as it is: it is not copied. */
export function pointAt(value: RawValue, key: Uint8Array): Interval {
  return { start: value, end: value, startInclusive: true, endInclusive: true, startKey: key, endKey: key };
}

/** [MinKey, MaxKey]. */
export const EVERYTHING: Interval = interval(RAW_MIN_KEY, RAW_MAX_KEY, BOTH);

export function isPoint({ startKey, endKey, startInclusive, endInclusive }: Interval): boolean {
  return startInclusive && endInclusive && (startKey === endKey || compareBytes(startKey, endKey) === 0);
}

export function isEverything(intervals: readonly Interval[]): boolean {
  const [only] = intervals;
  return (
    intervals.length === 1 && only.startKey[0] === EVERYTHING.startKey[0] && only.endKey[0] === EVERYTHING.endKey[0]
  );
}

function isEmpty({ startKey, endKey, startInclusive, endInclusive }: Interval): boolean {
  if (startKey === endKey) return !(startInclusive && endInclusive);
  const order = compareBytes(startKey, endKey);
  return order > 0 || (order === 0 && !(startInclusive && endInclusive));
}

/** The later of two starts: at the same value, the exclusive one. */
function isLaterStart(a: Interval, b: Interval): boolean {
  const order = compareBytes(a.startKey, b.startKey);
  return order > 0 || (order === 0 && !a.startInclusive && b.startInclusive);
}

/** The earlier of two ends: at the same value, the exclusive one. */
function isEarlierEnd(a: Interval, b: Interval): boolean {
  const order = compareBytes(a.endKey, b.endKey);
  return order < 0 || (order === 0 && !a.endInclusive && b.endInclusive);
}

/** What lies in both. */
export function intersect(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const both: Interval[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const low = isLaterStart(a[i], b[j]) ? a[i] : b[j];
    const high = isEarlierEnd(a[i], b[j]) ? a[i] : b[j];
    const common = {
      ...low,
      end: high.end,
      endKey: high.endKey,
      endInclusive: high.endInclusive,
    };
    if (!isEmpty(common)) both.push(common);
    if (high === a[i]) i += 1;
    else j += 1;
  }
  return both;
}

/** What lies in each of one or more: halves first, so that very many take no longer than to sort what they hold. */
export function intersectAll(all: readonly (readonly Interval[])[]): readonly Interval[] {
  if (all.length === 1) return all[0];
  const middle = all.length >>> 1;
  return intersect(intersectAll(all.slice(0, middle)), intersectAll(all.slice(middle)));
}

/** What lies in any: sorted, with what touches joined. */
export function union(intervals: readonly Interval[]): Interval[] {
  const sorted = inOrder(intervals.some(isEmpty) ? intervals.filter((one) => !isEmpty(one)) : intervals);
  const joined: Interval[] = [];
  for (const next of sorted) {
    const last = joined[joined.length - 1];
    if (joined.length === 0 || !touches(last, next)) joined.push(next);
    else if (isEarlierEnd(last, next)) {
      joined[joined.length - 1] = { ...last, end: next.end, endKey: next.endKey, endInclusive: next.endInclusive };
    }
  }
  return joined;
}

/** By their starts; of two at the same value, the inclusive one comes first. */
function inOrder(intervals: readonly Interval[]): readonly Interval[] {
  if (intervals.every((one) => one.startInclusive)) return sortedByKey(intervals, ({ startKey }) => startKey);
  return intervals.toSorted((a, b) => (isLaterStart(a, b) ? 1 : isLaterStart(b, a) ? -1 : 0));
}

/** Whether nothing lies between the two; `b` starts no earlier than `a`. */
function touches(a: Interval, b: Interval): boolean {
  const order = compareBytes(b.startKey, a.endKey);
  return order < 0 || (order === 0 && (a.endInclusive || b.startInclusive));
}

/** What lies in none of them. */
export function complement(intervals: readonly Interval[]): Interval[] {
  const gaps: Interval[] = [];
  let { start, startKey, startInclusive } = EVERYTHING;
  for (const one of intervals) {
    gaps.push({
      start,
      startKey,
      startInclusive,
      end: one.start,
      endKey: one.startKey,
      endInclusive: !one.startInclusive,
    });
    start = one.end;
    startKey = one.endKey;
    startInclusive = !one.endInclusive;
  }
  gaps.push({ ...EVERYTHING, start, startKey, startInclusive });
  return gaps.filter((gap) => !isEmpty(gap));
}
