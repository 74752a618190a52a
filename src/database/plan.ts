/**
 * How a query reaches its documents: straight by `_id`, through a range of an index, or through the whole collection.
 * The rules are few: equalities on leading fields count most, then a range, then an order that saves sorting.
 */
import { CommandError } from '../base/command_error.ts';
import { TIMESTAMP_NULL, type Timestamp } from '../base/optime.ts';
import { fieldName } from '../bson/bytes.ts';
import { compareDocuments } from '../bson/compare.ts';
import { countElements, findField, isEmptyDocument } from '../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../bson/types.ts';
import { numberOf, stringOf } from '../bson/value.ts';
import { describeValue } from '../query/describe.ts';
import type { CompiledFilter, Conjunct } from '../query/matcher.ts';
import type { Predicate } from '../query/match/predicate.ts';
import type { SortField, SortSpec } from '../query/sort.ts';
import type { Collection } from './collection.ts';
import type { Index } from './index.ts';
import { extendRanges, fieldBounds, type FieldBounds, type KeyRange } from './key_range.ts';
import { indexField, type IndexField } from './index_key.ts';
import type { SpecialAccess } from './special_plan.ts';
import { SPECIAL_PLANNERS } from './special_plans.ts';

export type Access =
  | { readonly kind: 'id'; readonly key: Uint8Array }
  | { readonly kind: 'collection'; readonly reverse: boolean }
  /** `index` undefined: the one on `_id`. Ranges ascend and do not overlap. */
  | {
      readonly kind: 'index';
      readonly index: Index | undefined;
      readonly ranges: readonly KeyRange[];
      readonly reverse: boolean;
    }
  | SpecialAccess;

export interface Plan {
  readonly access: Access;
  /** The documents come in the order asked for. */
  readonly isSorted: boolean;
  /** The ranges hold exactly the documents that match, each once: they can be counted without looking. */
  readonly isExact: boolean;
}

export interface PlanRequest {
  readonly collection: Collection;
  readonly filter: CompiledFilter;
  readonly sort: readonly SortField[] | undefined;
  readonly hint: Hint | undefined;
  /** The timestamp that is read at. */
  readonly at: Timestamp;
}

export type Hint =
  | { readonly kind: 'natural'; readonly reverse: boolean }
  | { readonly kind: 'index'; readonly index: Index | undefined };

const NATURAL = fieldName('$natural');
const ID_FIELDS: readonly IndexField[] = [indexField('_id', false)];

/** More combinations of values than this are not tried: further fields are left to the matcher. */
const POINTS_MAX = 2000;

/** An index as the planner sees it. */
interface Candidate {
  readonly index: Index | undefined;
  readonly fields: readonly IndexField[];
  readonly isMultikey: boolean;
  readonly isSparse: boolean;
}

interface Rated extends Plan {
  readonly score: number;
}

export function choosePlan(request: PlanRequest): Plan {
  const { collection, filter, hint, sort } = request;
  const special = specialPlan(request);
  if (special !== undefined) return special;
  if (hint?.kind === 'natural') return collectionPlan(hint.reverse, request);
  if (hint === undefined && filter.idEquality !== undefined) {
    const key = collection.idKey(filter.idEquality);
    return { access: { kind: 'id', key }, isSorted: true, isExact: isExactFilter(filter, 1) };
  }
  if (hint !== undefined) return rate(candidateOf(hint.index), request, true) ?? fullScan(candidateOf(hint.index));
  if (filter.matchesAll && sort === undefined) return collectionPlan(false, request);
  let best: Rated | undefined;
  for (const candidate of candidates(request)) {
    const rated = rate(candidate, request, false);
    if (rated !== undefined && (best === undefined || rated.score > best.score)) best = rated;
  }
  return best ?? collectionPlan(false, request);
}

/** Whether documents that come as planned need no sorting: an index never has the order of a collation. */
export function isInOrder(plan: Plan, sort: SortSpec | undefined): boolean {
  return sort === undefined || (plan.isSorted && sort.indexFields !== undefined);
}

function specialPlan({ collection, filter, hint, sort, at }: PlanRequest): Plan | undefined {
  const planner = SPECIAL_PLANNERS.find((one) => one.claims(filter));
  if (planner === undefined) return undefined;
  const access = planner.plan({ collection, filter, hint: hint?.kind === 'index' ? hint.index : undefined, at });
  return { access, isSorted: sort === undefined, isExact: false };
}

function* candidates(request: PlanRequest): Iterable<Candidate> {
  yield candidateOf(undefined);
  for (const index of request.collection.indexes) {
    if (!isUsable(index)) continue;
    if (index.readyAt === TIMESTAMP_NULL || index.readyAt <= request.at) yield candidateOf(index);
  }
}

/** Other kinds and partial indexes are kept up but not read yet. */
function isUsable({ spec }: Index): boolean {
  return !spec.isHidden && spec.kind.name === 'btree' && spec.partialFilter === undefined;
}

function candidateOf(index: Index | undefined): Candidate {
  if (index === undefined) return { index, fields: ID_FIELDS, isMultikey: false, isSparse: false };
  const { isMultikey, spec } = index;
  return { index, fields: spec.fields, isMultikey, isSparse: spec.isSparse };
}

function collectionPlan(reverse: boolean, request: PlanRequest): Plan {
  const access = { kind: 'collection', reverse } as const;
  return { access, isSorted: request.sort === undefined, isExact: request.filter.matchesAll };
}

function fullScan(candidate: Candidate): Plan {
  const ranges: KeyRange[] = [{ from: undefined, to: undefined }];
  return { access: { kind: 'index', index: candidate.index, ranges, reverse: false }, isSorted: false, isExact: false };
}

/** What the index does for the query; undefined when it helps neither to find nor to order. */
function rate(candidate: Candidate, request: PlanRequest, isForced: boolean): Rated | undefined {
  const bounds = boundsOf(candidate, request.filter);
  const equalities = bounds.filter((one) => one.kind === 'points').length;
  const leads = bounds.length > 0;
  // A sparse index may lack documents unless a condition on one of its fields rules those out.
  if (candidate.isSparse && !leads && !isForced) return undefined;
  const order = orderOf(candidate, bounds, request.sort);
  if (!leads && order === undefined && !isForced) return undefined;
  const constants = bounds.filter((one) => one.kind === 'points' && one.points.length === 1).length;
  const hasRange = bounds.length > equalities;
  const score = constants * 10 + (equalities - constants) * 9 + (hasRange ? 5 : 0) + (order === undefined ? 0 : 3);
  const ranges = rangesOf(bounds);
  const isExact =
    !candidate.isMultikey && bounds.every((one) => one.isExact) && isExactFilter(request.filter, bounds.length);
  const access = { kind: 'index', index: candidate.index, ranges, reverse: order === 'reverse' } as const;
  return { access, isSorted: request.sort === undefined || order !== undefined, isExact: isExact && leads, score };
}

/** Bounds of the leading fields: equalities as long as there are any, then at most one range. */
function boundsOf(candidate: Candidate, filter: CompiledFilter): FieldBounds[] {
  const bounds: FieldBounds[] = [];
  const roots = new Set<string>();
  let points = 1;
  for (const field of candidate.fields) {
    const root = field.path.split('.', 1)[0];
    // Two fields below one array: their conditions may be met by different elements.
    if (candidate.isMultikey && roots.has(root)) break;
    roots.add(root);
    const conjuncts = filter.conjuncts.filter((conjunct) => conjunct.path === field.path);
    if (conjuncts.length === 0) break;
    const { isMultikey, isSparse } = candidate;
    const one = fieldBounds(conjuncts, { descending: field.descending, isMultikey, isSparse });
    if (one === undefined) break;
    if (one.kind === 'points') points *= one.points.length;
    if (points > POINTS_MAX && bounds.length > 0) break;
    bounds.push(one);
    if (one.kind === 'range') break;
  }
  return bounds;
}

function rangesOf(bounds: readonly FieldBounds[]): readonly KeyRange[] {
  if (bounds.length === 0) return [{ from: undefined, to: undefined }];
  let prefixes: Uint8Array[] = [new Uint8Array(0)];
  for (const one of bounds.slice(0, -1)) {
    prefixes = extendRanges(prefixes, one).map((range) => range.from ?? new Uint8Array(0));
  }
  return extendRanges(prefixes, bounds.at(-1));
}

/** Whether walking the index gives the order asked for, and in which direction. */
function orderOf(
  candidate: Candidate,
  bounds: readonly FieldBounds[],
  sort: readonly SortField[] | undefined,
): 'forward' | 'reverse' | undefined {
  if (sort === undefined || candidate.isMultikey || candidate.isSparse) return undefined;
  // A field with several points is passed over only where it is ordered by itself: else each point is a run of its own.
  const isConstant = bounds.map((one) => one.kind === 'points' && one.points.length === 1);
  let direction: 'forward' | 'reverse' | undefined;
  let i = 0;
  for (const wanted of sort) {
    while (i < candidate.fields.length && candidate.fields[i].path !== wanted.path && isConstant[i]) i++;
    if (i >= candidate.fields.length) return undefined;
    const field = candidate.fields[i];
    if (field.path !== wanted.path) return undefined;
    const step = field.descending === wanted.descending ? 'forward' : 'reverse';
    if (!isConstant[i]) {
      if (direction !== undefined && direction !== step) return undefined;
      direction = step;
    }
    i++;
  }
  return direction ?? 'forward';
}

/** Whether the filter says nothing beyond `conditions` simple conditions, all of which the bounds took in. */
function isExactFilter(filter: CompiledFilter, conditions: number): boolean {
  return countSimple(filter.predicate) === filter.conjuncts.length && pathsOf(filter.conjuncts) === conditions;
}

function pathsOf(conjuncts: readonly Conjunct[]): number {
  return new Set(conjuncts.map((conjunct) => conjunct.path)).size;
}

/** How many plain comparisons a conjunction holds; NaN when there is anything else in it. */
function countSimple(predicate: Predicate): number {
  switch (predicate.kind) {
    case 'and': {
      let count = 0;
      for (const child of predicate.children) count += countSimple(child);
      return count;
    }
    case 'eq':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
    case 'in':
      return 1;
    default:
      return Number.NaN;
  }
}

/**
 * Resolves a `hint`: an index's name, its key pattern, or {$natural: ±1}. Undefined for an empty document.
 * Throws BadValue when there is no such index.
 */
export function resolveHint(hint: ValueSpan, collection: Collection | undefined): Hint | undefined {
  if (hint.type === BSON_TYPE.string) return namedIndex(stringOf(hint), collection);
  if (isEmptyDocument(hint.bytes, hint.start)) return undefined;
  const natural = findField(hint.bytes, NATURAL, hint.start);
  if (natural !== undefined) {
    if (countElements(hint.bytes, hint.start) > 1) {
      throw new CommandError('BadValue', `Cannot include '$natural' in compound hint: ${describeValue(hint)}`);
    }
    return { kind: 'natural', reverse: numberOf(natural) < 0 };
  }
  if (collection === undefined) return undefined;
  if (compareDocuments(hint.bytes, hint.start, ID_PATTERN, 0) === 0) return { kind: 'index', index: undefined };
  for (const index of collection.indexes) {
    if (index.spec.isHidden) continue;
    if (compareDocuments(hint.bytes, hint.start, index.spec.key, 0) === 0) return { kind: 'index', index };
  }
  throw unknownHint();
}

const ID_PATTERN = Uint8Array.of(14, 0, 0, 0, BSON_TYPE.int32, 0x5f, 0x69, 0x64, 0, 1, 0, 0, 0, 0);

function namedIndex(name: string, collection: Collection | undefined): Hint | undefined {
  if (name === '_id_') return { kind: 'index', index: undefined };
  if (collection === undefined) return undefined;
  const index = collection.index(name);
  if (index === undefined || index.spec.isHidden) throw unknownHint();
  return { kind: 'index', index };
}

function unknownHint(): CommandError {
  const text = 'planner returned error :: caused by :: hint provided does not correspond to an existing index';
  return new CommandError('BadValue', `error processing query: ${text}`);
}
