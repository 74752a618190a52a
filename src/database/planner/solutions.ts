/** Every plan for a query that indexes offer. */
import { TIMESTAMP_NULL, type Timestamp } from '../../base/optime.ts';
import { conjunction, type Predicate } from '../../query/match/predicate.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { SortField } from '../../query/sort.ts';
import type { Collection } from '../catalog/collection.ts';
import type { Index } from '../index/index.ts';
import { isEverything, isPoint, union } from './interval.ts';
import type { Branch, IndexAccess, Plan } from './access.ts';
import { candidatesOf, type Candidate } from './candidate.ts';
import { conditionsOf, conjunctsOf, type Condition } from './conditions.ts';
import { implies } from './implication.ts';
import { boundsFor, wholeIndex, type IndexBounds } from './index_bounds.ts';
import { withListedValues } from './listed_branches.ts';
import { explode, orderOf } from './order.ts';
import { tableBounds } from './ranges.ts';

/** Source: internalQueryPlannerMaxIndexedSolutions. */
const SOLUTIONS_MAX = 64;

export interface SolutionRequest {
  readonly collection: Collection;
  readonly filter: CompiledFilter;
  readonly sort: readonly SortField[] | undefined;
  /** The timestamp that is read at. */
  readonly at: Timestamp;
  /** Only this index may be used, whatever its own filter says; undefined in it: the one on `_id`. */
  readonly only: { readonly index: Index | undefined } | undefined;
  /** Names of those that may be used; undefined: all. */
  readonly allowed: ReadonlySet<string> | undefined;
}

/** Empty when no index helps to find or to order. */
export function solutionsOf(request: SolutionRequest): readonly Plan[] {
  const { predicate } = request.filter;
  const conjuncts = conjunctsOf(predicate);
  const indexes = usableIndexes(request, (filter) => implies(predicate, filter));
  const plans = plansOf(indexes, conjuncts, request.sort);
  for (const conjunct of conjuncts) {
    if (plans.length >= SOLUTIONS_MAX) break;
    if (conjunct.kind !== 'or') continue;
    const plan = unionPlan(request, { disjunction: conjunct, branches: conjunct.children, conjuncts });
    if (plan !== undefined) plans.push(plan);
  }
  if (request.sort !== undefined && !plans.some((plan) => plan.isSorted)) {
    plans.push(...orderingPlans(indexes, conjuncts, request.sort));
  }
  return plans;
}

/**
 * Those that list all that the query may match; undefined stands for the one on `_id`. `impliesFilter` says whether the
 * query's matches all match the filter of a partial index.
 */
export function usableIndexes(
  request: SolutionRequest,
  impliesFilter: (filter: Predicate) => boolean,
): (Index | undefined)[] {
  const { collection, only, at, allowed } = request;
  if (only !== undefined) return [only.index];
  const usable: (Index | undefined)[] = [];
  const isIdUsable = collection.collation === undefined && (allowed === undefined || allowed.has('_id_'));
  if (isIdUsable) usable.push(undefined);
  for (const index of collection.indexes) {
    const { spec, readyAt } = index;
    if (spec.isHidden || (allowed !== undefined && !allowed.has(spec.name))) continue;
    if (readyAt !== TIMESTAMP_NULL && readyAt > at) continue;
    if (spec.partialFilter === undefined || impliesFilter(spec.partialFilter.predicate)) usable.push(index);
  }
  return usable;
}

/** One plan per candidate whose first field is bounded. */
function plansOf(
  indexes: readonly (Index | undefined)[],
  conjuncts: readonly Predicate[],
  sort: readonly SortField[] | undefined,
): Plan[] {
  const conditions = conditionsOf(conjuncts);
  if (conditions.length === 0) return [];
  const plans: Plan[] = [];
  for (const index of indexes) {
    if (!mayServe(index, conditions)) continue;
    for (const candidate of candidatesOf(index, conditions)) {
      if (plans.length >= SOLUTIONS_MAX) return plans;
      const bounds = boundsFor(candidate, conditions);
      if (bounds !== undefined) plans.push(planFrom(bounds, conjuncts, sort));
    }
  }
  return plans;
}

/** Whether any condition is about the first field; a quick look before anything is made. */
function mayServe(index: Index | undefined, conditions: readonly Condition[]): boolean {
  if (index === undefined) return conditions.some(({ path }) => path === '_id');
  if (index.spec.kind.name === 'wildcard') return true;
  const { path } = index.spec.fields[0];
  return conditions.some((one) => one.path === path);
}

function planFrom(bounds: IndexBounds, conjuncts: readonly Predicate[], sort: readonly SortField[] | undefined): Plan {
  const residual = residualOf(bounds, conjuncts);
  const isExact = residual === undefined && bounds.keyTests.length === 0;
  const order = sort === undefined ? undefined : orderOf(bounds, sort);
  if (sort !== undefined && order === undefined) {
    const pieces = explode(bounds, sort);
    if (pieces !== undefined) {
      const reverse = orderOf(pieces[0], sort) === 'reverse';
      const branches = pieces.map((piece) => ({ access: accessOf(piece, reverse), residual: undefined }));
      return { access: { kind: 'union', branches, order: sort, isRooted: false }, isSorted: true, isExact, residual };
    }
  }
  const access = accessOf(bounds, order === 'reverse');
  return { access, isSorted: sort === undefined || order !== undefined, isExact, residual };
}

/** What the keys do not decide. */
function residualOf(bounds: IndexBounds, conjuncts: readonly Predicate[]): Predicate | undefined {
  const { answered, keyTests } = bounds;
  const tested = new Set(keyTests.map(({ conjunct }) => conjunct));
  const left = conjuncts.filter((one) => !answered.has(one) && !tested.has(one));
  return left.length === 0 ? undefined : conjunction(left);
}

export function accessOf(bounds: IndexBounds, reverse: boolean): IndexAccess {
  const { ranges, checks } = tableBounds(bounds);
  return { kind: 'index', index: bounds.candidate.index, bounds, ranges, checks, reverse, isMinMax: false };
}

/** Walks of whole indexes that spare a sort. */
function orderingPlans(
  indexes: readonly (Index | undefined)[],
  conjuncts: readonly Predicate[],
  sort: readonly SortField[],
): Plan[] {
  const plans: Plan[] = [];
  for (const index of indexes) {
    if (index !== undefined && !listsEverything(index)) continue;
    const plan = wholeIndexPlan(candidatesOf(index, [])[0], conjuncts, sort);
    if (plan.isSorted) plans.push(plan);
  }
  return plans;
}

/** Partial indexes that got here list every match. */
function listsEverything({ spec }: Index): boolean {
  return !spec.isSparse && (spec.kind.name === 'btree' || spec.kind.name === 'hashed');
}

/** A walk of the whole index, in the order asked for if it has it. */
export function wholeIndexPlan(
  candidate: Candidate,
  conjuncts: readonly Predicate[],
  sort: readonly SortField[] | undefined,
): Plan {
  return planFrom(wholeIndex(candidate), conjuncts, sort);
}

interface Disjunction {
  readonly disjunction: Predicate;
  readonly branches: readonly Predicate[];
  /** The parts of the whole filter, the disjunction among them. */
  readonly conjuncts: readonly Predicate[];
}

/** An index for every branch of an `$or`, or no plan. */
function unionPlan(request: SolutionRequest, query: Disjunction): Plan | undefined {
  const { sort } = request;
  const { disjunction, conjuncts } = query;
  // The disjunction itself implies nothing that each of its branches does not.
  const left = conjuncts.filter((one) => one !== disjunction);
  const found: BranchPlan[] = [];
  for (const child of withListedValues(query.branches)) {
    const parts = conjunctsOf(child);
    const indexes = usableIndexes(request, (filter) => implies(conjunction([...left, child]), filter));
    const best = bestBounds(indexes, parts);
    if (best === undefined) return undefined;
    found.push({ bounds: best, residual: residualOf(best, parts) });
  }
  const merged = mergeSameIndex(found);
  const isAnswered = merged.every(({ bounds, residual }) => residual === undefined && bounds.keyTests.length === 0);
  const rest = left.length === 0 ? undefined : conjunction(left);
  const directions = sort === undefined ? [] : merged.map(({ bounds }) => orderOf(bounds, sort));
  const isOrdered = sort !== undefined && directions.every((one) => one !== undefined);
  const branches = merged.map(({ bounds, residual }, i): Branch => {
    return { access: accessOf(bounds, directions[i] === 'reverse'), residual };
  });
  const isSorted = sort === undefined || isOrdered;
  const isExact = isAnswered && rest === undefined;
  const [only] = branches;
  if (branches.length === 1 && only.residual === undefined) {
    return { access: only.access, isSorted, isExact, residual: rest };
  }
  const order = isOrdered ? sort : undefined;
  const isRooted = conjuncts.length === 1;
  return { access: { kind: 'union', branches, order, isRooted }, isSorted, isExact, residual: rest };
}

/** What one branch of an `$or` does. */
export interface BranchPlan {
  readonly bounds: IndexBounds;
  readonly residual: Predicate | undefined;
}

function bestBounds(indexes: readonly (Index | undefined)[], parts: readonly Predicate[]): IndexBounds | undefined {
  const conditions: readonly Condition[] = conditionsOf(parts);
  let best: IndexBounds | undefined;
  for (const index of indexes) {
    if (!mayServe(index, conditions)) continue;
    for (const candidate of candidatesOf(index, conditions)) {
      const bounds = boundsFor(candidate, conditions);
      if (bounds !== undefined && (best === undefined || worthOf(bounds) > worthOf(best))) best = bounds;
    }
  }
  return best;
}

/** A rough guess of how much the bounds leave out: equalities count most, then ranges. */
export function worthOf(bounds: IndexBounds): number {
  let worth = 0;
  for (const intervals of bounds.fields) {
    if (isEverything(intervals)) break;
    const isPoints = intervals.every(isPoint);
    worth += isPoints ? (intervals.length === 1 ? 10 : 9) : 5;
    if (!isPoints) break;
  }
  return worth;
}

/** Branches that differ only in the bounds of the first field of one index become one, where the first of them stood. */
export function mergeSameIndex(branches: readonly BranchPlan[]): BranchPlan[] {
  const alike = new Map<Index | undefined, BranchPlan[]>();
  const groups: BranchPlan[][] = [];
  for (const branch of branches) {
    const { index } = branch.bounds.candidate;
    const group = mayMerge(branch) ? alike.get(index) : undefined;
    if (group !== undefined) {
      group.push(branch);
      continue;
    }
    const own = [branch];
    groups.push(own);
    if (mayMerge(branch)) alike.set(index, own);
  }
  return groups.map(mergedBranch);
}

function mayMerge({ bounds, residual }: BranchPlan): boolean {
  if (residual !== undefined || bounds.keyTests.length > 0 || bounds.candidate.isWildcard) return false;
  return bounds.fields.slice(1).every((intervals) => isEverything(intervals));
}

function mergedBranch(group: readonly BranchPlan[]): BranchPlan {
  const [first] = group;
  if (group.length === 1) return first;
  const intervals = union(group.flatMap(({ bounds }) => bounds.fields[0]));
  return { bounds: { ...first.bounds, fields: [intervals, ...first.bounds.fields.slice(1)] }, residual: undefined };
}
