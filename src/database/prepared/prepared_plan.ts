/**
 * A plan with holes where the values of its query were: the ranges of an index are made for other values of the same types
 * without parsing a filter and without planning.
 */
import { compareBytes, equalBytes } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { KeyWriter } from '../../bson/key.ts';
import { BSON_TYPE, canonicalType, type ValueSpan } from '../../bson/types.ts';
import type { Hole } from '../../query/match/filter_shape.ts';
import type { LeafPredicate } from '../../query/match/predicate.ts';
import { MovableSpan } from '../../query/match/span.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { Index } from '../index/index.ts';
import { typeRangeOf } from '../index_kinds/type_range.ts';
import { isPoint } from '../planner/interval.ts';
import { sortedByKey } from '../planner/key_sort.ts';
import type { IndexAccess, Plan } from '../planner/access.ts';
import type { CandidateField } from '../planner/candidate.ts';
import type { Condition } from '../planner/conditions.ts';
import type { IndexBounds } from '../planner/index_bounds.ts';
import {
  boundsOfParts,
  fieldParts,
  type FieldParts,
  type KeyCheck,
  type PartInterval,
  type TableBounds,
} from '../planner/ranges.ts';

/** The values of one query: a filter and where in it they stand. */
export interface HoleValues {
  readonly filter: Uint8Array;
  readonly holes: readonly Hole[];
  readonly holeCount: number;
}

/** How the bounds of one field of an index come from values. */
type FieldRecipe =
  | { readonly kind: 'fixed'; readonly bounds: FieldParts }
  | { readonly kind: 'point' | 'points'; readonly hole: number; readonly descending: boolean }
  | { readonly kind: 'range'; readonly from: RangeEnd; readonly to: RangeEnd; readonly descending: boolean };

/** An end of a range as it lies in the table. */
interface RangeEnd {
  /** -1: `key` is the end, that of the type. */
  readonly hole: number;
  readonly key: Uint8Array;
  readonly isInclusive: boolean;
}

const WRITER = new KeyWriter();
const SPAN = new MovableSpan();
const NO_KEY = new Uint8Array(0);
const NOTHING: FieldParts = { parts: [], isPoints: true, isEverything: false };

/** Finds one document by the value of its `_id`. */
export interface PreparedId {
  readonly kind: 'id';
  readonly hole: number;
  readonly isExact: boolean;
}

export type PreparedPlan = PreparedId | PreparedIndexPlan;

/** Undefined for plans whose ranges do not follow from the values in such a simple way. */
export function preparedPlan(plan: Plan, compiled: CompiledFilter, values: HoleValues): PreparedPlan | undefined {
  const { access, isExact } = plan;
  if (access.kind === 'id') {
    const hole = compiled.idEquality === undefined ? -1 : holeAt(compiled.idEquality, values);
    return hole < 0 ? undefined : { kind: 'id', hole, isExact };
  }
  if (access.kind !== 'index' || access.isMinMax || access.bounds.keyTests.length > 0) return undefined;
  const fields: FieldRecipe[] = [];
  for (const [i, field] of access.bounds.candidate.fields.entries()) {
    const recipe = recipeOf(access.bounds, i, field, values);
    if (recipe === undefined) return undefined;
    fields.push(recipe);
  }
  const prepared = new PreparedIndexPlan(plan, access, fields);
  // What was planned for these very values has to come out again.
  return isSameTable(prepared.boundsFor(values), access) ? prepared : undefined;
}

export class PreparedIndexPlan {
  readonly kind = 'index';
  readonly index: Index | undefined;
  readonly isExact: boolean;
  readonly #isSorted: boolean;
  readonly #reverse: boolean;
  /** Without the values it was made for. */
  readonly #bounds: IndexBounds;
  readonly #fields: readonly FieldRecipe[];

  constructor(plan: Plan, { index, reverse, bounds }: IndexAccess, fields: readonly FieldRecipe[]) {
    this.index = index;
    this.isExact = plan.isExact;
    this.#isSorted = plan.isSorted;
    this.#reverse = reverse;
    this.#bounds = { ...bounds, fields: [], conditions: [], answered: new Set() };
    this.#fields = fields;
  }

  /** The plan for these values. It is made to be run: what explain shows of plans is not in it. */
  planFor(values: HoleValues): Plan {
    const { ranges, checks } = this.boundsFor(values);
    const access: IndexAccess = {
      kind: 'index',
      index: this.index,
      bounds: this.#bounds,
      ranges,
      checks,
      reverse: this.#reverse,
      isMinMax: false,
    };
    return { access, isSorted: this.#isSorted, isExact: this.isExact, residual: undefined };
  }

  boundsFor(values: HoleValues): TableBounds {
    return boundsOfParts(this.#fields.map((recipe) => partsFor(recipe, values)));
  }
}

function recipeOf(bounds: IndexBounds, i: number, field: CandidateField, values: HoleValues): FieldRecipe | undefined {
  const { descending } = field;
  const intervals = bounds.fields[i];
  const conditions = bounds.conditions[i];
  const open = conditions.filter(({ leaf }) => holeOf(leaf, values) >= 0);
  if (open.length === 0) return { kind: 'fixed', bounds: fieldParts(intervals, descending) };
  if (open.length < conditions.length || field.plugin !== undefined || bounds.candidate.isCollated) return undefined;
  const [{ leaf }] = open;
  if (leaf.kind === 'eq')
    return open.length > 1 ? undefined : { kind: 'point', hole: holeOf(leaf, values), descending };
  if (leaf.kind === 'in') {
    // Values that fall together here need not do so elsewhere, and a single point has more of an order than several.
    if (open.length > 1 || intervals.length !== leaf.values.length) return undefined;
    return { kind: 'points', hole: holeOf(leaf, values), descending };
  }
  return intervals.length === 1 && !isPoint(intervals[0]) ? rangeOf(open, descending, values) : undefined;
}

/** A range between at most one lower and one upper end, which are of one class of types. */
function rangeOf(conditions: readonly Condition[], descending: boolean, values: HoleValues): FieldRecipe | undefined {
  const [lower, otherLower] = conditions.filter(({ leaf }) => leaf.kind === 'gt' || leaf.kind === 'gte');
  const [upper, otherUpper] = conditions.filter(({ leaf }) => leaf.kind === 'lt' || leaf.kind === 'lte');
  if (otherLower !== undefined || otherUpper !== undefined) return undefined;
  if (conditions.some((one) => one !== lower && one !== upper)) return undefined;
  const types = conditions.map(({ leaf }) => ('value' in leaf ? leaf.value.type : -1));
  const within = typeRangeOf(types[0]);
  if (within === undefined || types.some((type) => canonicalType(type) !== canonicalType(types[0]))) return undefined;
  const low =
    lower === undefined
      ? typeEnd(within.startKey, within.startInclusive, descending)
      : { hole: holeOf(lower.leaf, values), key: NO_KEY, isInclusive: lower.leaf.kind === 'gte' };
  const high =
    upper === undefined
      ? typeEnd(within.endKey, within.endInclusive, descending)
      : { hole: holeOf(upper.leaf, values), key: NO_KEY, isInclusive: upper.leaf.kind === 'lte' };
  return { kind: 'range', from: descending ? high : low, to: descending ? low : high, descending };
}

function typeEnd(key: Uint8Array, isInclusive: boolean, descending: boolean): RangeEnd {
  return { hole: -1, key: descending ? key.map((byte) => byte ^ 0xff) : key, isInclusive };
}

/** Which hole the operand of a condition is; -1: it belongs to the shape. */
export function holeOf(leaf: LeafPredicate, values: HoleValues): number {
  switch (leaf.kind) {
    case 'eq':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return holeAt(leaf.value, values);
    case 'in':
      return leaf.values.length === 0 ? -1 : listAt(leaf.values[0], values);
    default:
      return -1;
  }
}

function holeAt(value: ValueSpan, { filter, holes, holeCount }: HoleValues): number {
  const start = offsetIn(filter, value);
  for (let i = 0; i < holeCount; i++) if (holes[i].start === start && holes[i].type === value.type) return i;
  return -1;
}

function listAt(item: ValueSpan, { filter, holes, holeCount }: HoleValues): number {
  const start = offsetIn(filter, item);
  for (let i = 0; i < holeCount; i++) {
    if (holes[i].type === BSON_TYPE.array && holes[i].start < start && start < holes[i].end) return i;
  }
  return -1;
}

/** Where a value begins in `bytes`; -1 when it lies somewhere else. */
function offsetIn(bytes: Uint8Array, value: ValueSpan): number {
  if (value.bytes.buffer !== bytes.buffer) return -1;
  return value.bytes.byteOffset + value.start - bytes.byteOffset;
}

function partsFor(recipe: FieldRecipe, values: HoleValues): FieldParts {
  switch (recipe.kind) {
    case 'fixed':
      return recipe.bounds;
    case 'point':
      return { parts: [pointOf(keyOf(recipe.hole, recipe.descending, values))], isPoints: true, isEverything: false };
    case 'points':
      return { parts: pointsOf(recipe.hole, recipe.descending, values), isPoints: true, isEverything: false };
    case 'range': {
      const from = endKey(recipe.from, recipe.descending, values);
      const to = endKey(recipe.to, recipe.descending, values);
      const isClosed = recipe.from.isInclusive && recipe.to.isInclusive;
      const order = compareBytes(from, to);
      if (order > 0 || (order === 0 && !isClosed)) return NOTHING;
      const part = { from, to, fromInclusive: recipe.from.isInclusive, toInclusive: recipe.to.isInclusive };
      return { parts: [part], isPoints: order === 0, isEverything: false };
    }
  }
}

function endKey({ hole, key }: RangeEnd, descending: boolean, values: HoleValues): Uint8Array {
  return hole < 0 ? key : keyOf(hole, descending, values);
}

function keyOf(hole: number, descending: boolean, { filter, holes }: HoleValues): Uint8Array {
  const { type, start, end } = holes[hole];
  return WRITER.reset()
    .append(SPAN.set(filter, type, start, end), descending)
    .finish();
}

function pointOf(key: Uint8Array): PartInterval {
  return { from: key, to: key, fromInclusive: true, toInclusive: true };
}

function pointsOf(hole: number, descending: boolean, { filter, holes }: HoleValues): PartInterval[] {
  const keys: Uint8Array[] = [];
  const items = new ElementReader(filter, holes[hole].start);
  while (items.next()) keys.push(WRITER.reset().append(items, descending).finish());
  const sorted = sortedByKey(keys, (key) => key);
  const points: PartInterval[] = [];
  for (const [i, key] of sorted.entries()) if (i === 0 || !equalBytes(key, sorted[i - 1])) points.push(pointOf(key));
  return points;
}

function isSameTable(a: TableBounds, b: TableBounds): boolean {
  if (a.ranges.length !== b.ranges.length || a.checks.length !== b.checks.length) return false;
  const sameRanges = a.ranges.every(({ from, to }, i) => {
    return isSameEnd(from, b.ranges[i].from) && isSameEnd(to, b.ranges[i].to);
  });
  return sameRanges && a.checks.every((check, i) => isSameCheck(check, b.checks[i]));
}

function isSameEnd(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}

function isSameCheck(a: KeyCheck, b: KeyCheck): boolean {
  if (a.field !== b.field || a.parts.length !== b.parts.length) return false;
  return a.parts.every((part, i) => {
    const other = b.parts[i];
    if (part.fromInclusive !== other.fromInclusive || part.toInclusive !== other.toInclusive) return false;
    return equalBytes(part.from, other.from) && equalBytes(part.to, other.to);
  });
}
