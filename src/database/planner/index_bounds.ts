/**
 * What an index does for a conjunction: bounds for its fields, and which parts of the conjunction these answer.
 *
 * Where a path leads through an array, conditions may be met by different elements. So only one condition bounds a field
 * that may hold arrays, unless they all come from one `$elemMatch`; and two fields that share an array are bounded
 * together only by one `$elemMatch`. Source: the manual, "Multikey Index Bounds".
 */
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL } from '../../bson/value.ts';
import { BINARY_ORDER } from '../../query/value_order.ts';
import { comparisonLeaf } from '../../query/match/comparison_operators.ts';
import type { LeafPredicate, Predicate } from '../../query/match/predicate.ts';
import {
  complement,
  EVERYTHING,
  intersectAll,
  isEverything,
  isPoint,
  point,
  type Interval,
  type IntervalBounds,
  type Tightness,
} from './interval.ts';
import { ANY_PATH, pathIntervals, type Candidate, type CandidateField } from './candidate.ts';
import type { Condition, ElementGroup } from './conditions.ts';

/** A part of the conjunction that the value of one field of the key decides. */
export interface KeyTest {
  /** Position of the field in the key. */
  readonly field: number;
  readonly leaf: LeafPredicate;
  readonly conjunct: Predicate;
}

export interface IndexBounds {
  readonly candidate: Candidate;
  /** Per field of the key, ascending whatever its direction; a field without conditions has everything. */
  readonly fields: readonly (readonly Interval[])[];
  /** Per field, the conditions that its intervals were made of. */
  readonly conditions: readonly (readonly Condition[])[];
  /** Whether any condition is used. */
  readonly isBounded: boolean;
  /** Parts of the conjunction that hold for every key in the bounds. */
  readonly answered: ReadonlySet<Predicate>;
  readonly keyTests: readonly KeyTest[];
}

/** Bounds that hold everything, for an index that is walked as a whole. */
export function wholeIndex(candidate: Candidate): IndexBounds {
  return {
    candidate,
    fields: candidate.fields.map(() => [EVERYTHING]),
    conditions: candidate.fields.map(() => []),
    isBounded: false,
    answered: new Set(),
    keyTests: [],
  };
}

interface FieldChoice {
  readonly conditions: readonly Condition[];
  readonly intervals: readonly Interval[];
  readonly tightness: ReadonlyMap<Condition, Tightness>;
}

/** Undefined when no condition bounds the first field. */
export function boundsFor(candidate: Candidate, conditions: readonly Condition[]): IndexBounds | undefined {
  const choices: (FieldChoice | undefined)[] = [];
  for (const [i, field] of candidate.fields.entries()) {
    const choice = field.isPath ? undefined : choose(candidate, i, conditions, choices);
    choices.push(choice);
    if (choice !== undefined || i > 0 || field.isPath) continue;
    return undefined;
  }
  const pluginIsFree = candidate.fields.some((field, i) => field.plugin !== undefined && choices[i] === undefined);
  if (pluginIsFree && candidate.fields[0].plugin !== undefined) return undefined;
  const valueAt = candidate.fields.findIndex((field) => field.isPath) + 1;
  if (candidate.isWildcard && !candidate.isAnyPath && choices[valueAt] === undefined) return undefined;
  return result(candidate, choices);
}

function result(candidate: Candidate, choices: readonly (FieldChoice | undefined)[]): IndexBounds {
  const answered = new Set<Predicate>();
  const keyTests: KeyTest[] = [];
  for (const [field, choice] of choices.entries()) {
    for (const [condition, tightness] of choice?.tightness ?? []) {
      if (condition.group !== undefined) continue;
      if (tightness === 'exact') answered.add(condition.conjunct);
      else if (tightness === 'key' && !candidate.isMultikey) {
        keyTests.push({ field, leaf: condition.leaf, conjunct: condition.conjunct });
      }
    }
  }
  const fields = choices.map((choice, i) => {
    if (!candidate.fields[i].isPath) return choice?.intervals ?? [EVERYTHING];
    if (candidate.isAnyPath) return ANY_PATH;
    const value = choices[i + 1];
    return pathIntervals(candidate.fields[i + 1].path, value === undefined || isEverything(value.intervals));
  });
  const conditions = choices.map((choice) => choice?.conditions ?? []);
  return { candidate, fields, conditions, isBounded: true, answered, keyTests };
}

/** Which conditions bound field `i`, given those of the fields before it. */
function choose(
  candidate: Candidate,
  i: number,
  conditions: readonly Condition[],
  before: readonly (FieldChoice | undefined)[],
): FieldChoice | undefined {
  const field = candidate.fields[i];
  const usable: Usable[] = [];
  for (const condition of conditions) {
    if (condition.path !== field.path || !mayJoin(candidate, i, condition, before)) continue;
    const bounds = boundsOf(candidate, field, condition);
    if (bounds !== undefined) usable.push({ condition, bounds });
  }
  if (usable.length === 0) return undefined;
  if (field.arrays === 0) return joined(usable);
  let best: FieldChoice | undefined;
  for (const set of setsOfOneElement(usable, field)) {
    const choice = joined(set);
    if (best === undefined || widthOf(choice) < widthOf(best)) best = choice;
  }
  return best;
}

interface Usable {
  readonly condition: Condition;
  readonly bounds: IntervalBounds;
}

function joined(usable: readonly Usable[]): FieldChoice {
  const intervals = intersectAll(usable.map(({ bounds }) => bounds.intervals));
  const tightness = new Map(usable.map(({ condition, bounds }) => [condition, bounds.tightness]));
  return { conditions: usable.map((one) => one.condition), intervals, tightness };
}

/** Conditions that may be met only by one and the same value: each alone, and those of one `$elemMatch`. */
function setsOfOneElement(usable: readonly Usable[], field: CandidateField): Usable[][] {
  const sets = usable.map((one) => [one]);
  const grouped = new Map<ElementGroup, Usable[]>();
  for (const one of usable) {
    const { group } = one.condition;
    // An array below the element could again meet each condition with another value.
    if (group === undefined || field.arrays >> group.depth !== 0) continue;
    const others = grouped.get(group);
    if (others === undefined) grouped.set(group, [one]);
    else others.push(one);
  }
  return [...sets, ...grouped.values()];
}

/** A rough order of how much is left: points first, then what is bounded on both sides. */
function widthOf({ intervals }: FieldChoice): number {
  if (intervals.every(isPoint)) return intervals.length / 10_000;
  if (isEverything(intervals)) return 100;
  return 1 + intervals.length;
}

/** Whether the condition may be used beside those of the fields before: not where an array is shared. */
function mayJoin(
  candidate: Candidate,
  i: number,
  condition: Condition,
  before: readonly (FieldChoice | undefined)[],
): boolean {
  const field = candidate.fields[i];
  for (const [j, choice] of before.entries()) {
    if (choice === undefined) continue;
    const other = candidate.fields[j];
    const shared = (1 << sharedSegments(field, other)) - 1;
    const arrays = (field.arrays | other.arrays) & shared;
    if (arrays === 0) continue;
    const { group } = condition;
    if (group === undefined || arrays >> group.depth !== 0) return false;
    if (choice.conditions.some((one) => one.group !== group)) return false;
  }
  return true;
}

function sharedSegments(a: CandidateField, b: CandidateField): number {
  const left = a.path.split('.');
  const right = b.path.split('.');
  let shared = 0;
  while (shared < left.length && shared < right.length && left[shared] === right[shared]) shared++;
  return shared;
}

function boundsOf(candidate: Candidate, field: CandidateField, condition: Condition): IntervalBounds | undefined {
  const { leaf, isNegated } = condition;
  const meetsMissing = isNegated ? !isNullEquality(leaf) && leaf.kind !== 'exists' : mayBeNull(leaf);
  if (candidate.isSparse && (meetsMissing || (isNegated && leaf.kind === 'exists'))) return undefined;
  const bounds = candidate.bounds(field, leaf);
  if (bounds === undefined || !isNegated) return bounds;
  if (leaf.kind === 'exists') return missingBounds(candidate, field);
  return field.plugin === undefined ? negated(bounds, leaf, field) : undefined;
}

function negated(bounds: IntervalBounds, leaf: LeafPredicate, field: CandidateField): IntervalBounds | undefined {
  const isArray = field.arrays !== 0;
  if (isNullEquality(leaf)) {
    return isArray ? undefined : { intervals: complement(bounds.intervals), tightness: 'exact' };
  }
  if (mayBeNull(leaf) || bounds.tightness !== 'exact') return undefined;
  return { intervals: complement(bounds.intervals), tightness: isArray ? 'fetch' : 'exact' };
}

/** A document without the field is listed under null. */
function missingBounds(candidate: Candidate, field: CandidateField): IntervalBounds | undefined {
  if (field.plugin === undefined) return { intervals: [point(RAW_NULL)], tightness: 'fetch' };
  return candidate.bounds(field, comparisonLeaf('eq', field.path, RAW_NULL, BINARY_ORDER));
}

/** Comparisons with these reach beyond their own class of types. */
const UNBRACKETED: ReadonlySet<number> = new Set([BSON_TYPE.null, BSON_TYPE.minKey, BSON_TYPE.maxKey]);

function isNullEquality(leaf: LeafPredicate): boolean {
  return leaf.kind === 'eq' && leaf.value.type === BSON_TYPE.null;
}

/** Whether documents without the field may meet the condition. */
function mayBeNull(leaf: LeafPredicate): boolean {
  switch (leaf.kind) {
    case 'eq':
      return leaf.value.type === BSON_TYPE.null;
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return UNBRACKETED.has(leaf.value.type);
    case 'in':
      return leaf.values.some((value) => value.type === BSON_TYPE.null);
    default:
      return false;
  }
}
