/** From the bounds of an index's fields to ranges of its table, and to checks of what ranges cannot say. */
import { compareBytes } from '../../bson/bytes.ts';
import { keyPartEnd } from '../../bson/key_reader.ts';
import { isEverything, isPoint, type Interval } from './interval.ts';
import { afterPrefix, join, type KeyRange } from '../key_range.ts';
import type { IndexBounds } from './index_bounds.ts';

/** An interval of one part of a key as the bytes lie in the table. */
export interface PartInterval {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly fromInclusive: boolean;
  readonly toInclusive: boolean;
}

/** Of a key in the ranges: the part of field `field` must lie in one of the intervals. */
export interface KeyCheck {
  readonly field: number;
  readonly parts: readonly PartInterval[];
}

/** More combinations of values than this are not made ranges of: further fields are checked key by key. */
const POINTS_MAX = 2000;
const NOTHING = new Uint8Array(0);

export interface TableBounds {
  readonly ranges: readonly KeyRange[];
  readonly checks: readonly KeyCheck[];
}

/** The bounds of one field of an index, as its parts of keys lie in the table: ascending, disjoint. */
export interface FieldParts {
  readonly parts: readonly PartInterval[];
  /** Each of them holds a single value. */
  readonly isPoints: boolean;
  /** They hold every value. */
  readonly isEverything: boolean;
}

export function tableBounds(bounds: IndexBounds): TableBounds {
  return boundsOfParts(
    bounds.fields.map((intervals, i) => fieldParts(intervals, bounds.candidate.fields[i].descending)),
  );
}

export function fieldParts(intervals: readonly Interval[], descending: boolean): FieldParts {
  return {
    parts: partsOf(intervals, descending),
    isPoints: intervals.every(isPoint),
    isEverything: isEverything(intervals),
  };
}

export function boundsOfParts(fields: readonly FieldParts[]): TableBounds {
  if (fields.some(({ parts }) => parts.length === 0)) return { ranges: [], checks: [] };
  let prefixes: Uint8Array[] = [NOTHING];
  let i = 0;
  for (; i < fields.length; i++) {
    const { parts: points, isPoints } = fields[i];
    if (!isPoints || prefixes.length * points.length > POINTS_MAX) break;
    if (prefixes.length === 1 && points.length === 1) {
      prefixes = [join(prefixes[0], points[0].from)];
      continue;
    }
    prefixes = prefixes.flatMap((prefix) => points.map((point) => join(prefix, point.from)));
  }
  const checks: KeyCheck[] = [];
  for (let field = i + 1; field < fields.length; field++) {
    if (!fields[field].isEverything) checks.push({ field, parts: fields[field].parts });
  }
  const isOpen = i === fields.length || fields[i].isEverything;
  if (isOpen) return { ranges: prefixes.map(prefixRange), checks };
  const ranges: KeyRange[] = [];
  for (const prefix of prefixes) for (const part of fields[i].parts) ranges.push(partRange(prefix, part));
  return { ranges, checks };
}

function prefixRange(prefix: Uint8Array): KeyRange {
  if (prefix.length === 0) return { from: undefined, to: undefined };
  return { from: prefix, to: afterPrefix(prefix) };
}

function partRange(prefix: Uint8Array, part: PartInterval): KeyRange {
  const from = join(prefix, part.from);
  const to = part.to === part.from ? from : join(prefix, part.to);
  return { from: part.fromInclusive ? from : afterPrefix(from), to: part.toInclusive ? afterPrefix(to) : to };
}

function partsOf(intervals: readonly Interval[], descending: boolean): PartInterval[] {
  const parts = intervals.map((one): PartInterval => {
    if (!descending) {
      const { startKey: from, endKey: to, startInclusive: fromInclusive, endInclusive: toInclusive } = one;
      return { from, to, fromInclusive, toInclusive };
    }
    return {
      from: flipped(one.endKey),
      to: flipped(one.startKey),
      fromInclusive: one.endInclusive,
      toInclusive: one.startInclusive,
    };
  });
  return descending ? parts.toReversed() : parts;
}

function flipped(key: Uint8Array): Uint8Array {
  return key.map((byte) => byte ^ 0xff);
}

/** Whether a key meets all checks. `descending` tells the direction of each field. */
export function passesChecks(key: Uint8Array, checks: readonly KeyCheck[], descending: readonly boolean[]): boolean {
  let at = 0;
  let field = 0;
  for (const check of checks) {
    for (; field < check.field; field++) at = keyPartEnd(key, at, descending[field]);
    const end = keyPartEnd(key, at, descending[field]);
    const part = key.subarray(at, end);
    if (!check.parts.some((one) => isWithin(part, one))) return false;
  }
  return true;
}

function isWithin(part: Uint8Array, { from, to, fromInclusive, toInclusive }: PartInterval): boolean {
  const low = compareBytes(from, part);
  if (low > 0 || (low === 0 && !fromInclusive)) return false;
  const high = compareBytes(part, to);
  return high < 0 || (high === 0 && toInclusive);
}

/**
 * Of a key that does not meet the checks: where the next one may lie that does, so that what is between need not be walked
 * over. Forwards that is a key below all such keys, backwards one above them; undefined when nothing is known.
 */
export function nextPossible(
  key: Uint8Array,
  checks: readonly KeyCheck[],
  { descending, reverse }: { readonly descending: readonly boolean[]; readonly reverse: boolean },
): Uint8Array | undefined {
  let at = 0;
  let field = 0;
  for (const check of checks) {
    for (; field < check.field; field++) at = keyPartEnd(key, at, descending[field]);
    const part = key.subarray(at, keyPartEnd(key, at, descending[field]));
    if (check.parts.some((one) => isWithin(part, one))) continue;
    const prefix = key.slice(0, at);
    return reverse ? lastBefore(prefix, part, check) : firstAfter(prefix, part, check);
  }
  return undefined;
}

function firstAfter(prefix: Uint8Array, part: Uint8Array, { parts }: KeyCheck): Uint8Array | undefined {
  const next = parts.find((one) => compareBytes(one.from, part) >= 0);
  if (next === undefined) return afterPrefix(prefix);
  const from = join(prefix, next.from);
  return next.fromInclusive ? from : afterPrefix(from);
}

function lastBefore(prefix: Uint8Array, part: Uint8Array, { parts }: KeyCheck): Uint8Array | undefined {
  const next = parts.findLast((one) => compareBytes(one.to, part) <= 0);
  if (next === undefined) return prefix;
  const to = join(prefix, next.to);
  return next.toInclusive ? afterPrefix(to) : to;
}
