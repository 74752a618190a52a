/**
 * How a query reaches its documents: straight by `_id`, through indexes, or through the whole collection.
 *
 * `planner/` finds every plan that indexes offer (`solutions.ts`). When there is more than one, each is tried on the first
 * results (`plan_trial.ts`), and the winner is remembered for queries of the same shape (`plan_cache.ts`).
 */
import { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import type { Timestamp } from '../../base/optime.ts';
import { fieldName } from '../../bson/bytes.ts';
import { compareDocuments } from '../../bson/compare.ts';
import { countElements, findField, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { numberOf, stringOf } from '../../bson/value.ts';
import { describeDocument, describeValue } from '../../query/describe.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { describePredicate } from '../../query/match/describe_predicate.ts';
import { serializePredicate } from '../../query/match/serialize_predicate.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { SortField, SortSpec } from '../../query/sort.ts';
import { collatedLimitsAccess } from './collated_limits.ts';
import type { Collection } from '../catalog/collection.ts';
import { accessStages } from '../explain/access_stages.ts';
import { stageDocument } from '../explain/stage.ts';
import type { Index } from '../index/index.ts';
import type { IndexFilter } from './plan_cache.ts';
import { tryPlans } from './plan_trial.ts';
import type { Access, Plan } from './access.ts';
import { candidatesOf } from './candidate.ts';
import { conjunctsOf, conditionsOf } from './conditions.ts';
import { rangeBetween, type KeyLimits } from './key_limits.ts';
import { identityOf } from './plan_identity.ts';
import { planCacheKeyOf, queryShapeOf } from './query_shape.ts';
import { solutionsOf, wholeIndexPlan } from './solutions.ts';
import { SPECIAL_PLANNERS } from './special_plans.ts';

export type { Plan } from './access.ts';

export interface PlanRequest {
  readonly collection: Collection;
  readonly filter: CompiledFilter;
  readonly sort: readonly SortField[] | undefined;
  readonly hint: Hint | undefined;
  /** The timestamp that is read at. */
  readonly at: Timestamp;
  /** Keys of the hinted index between which to look. */
  readonly limits?: KeyLimits | undefined;
  /** The cache is neither asked nor told. */
  readonly isExplained?: boolean;
}

export type Hint =
  | { readonly kind: 'natural'; readonly reverse: boolean }
  | { readonly kind: 'index'; readonly index: Index | undefined }
  /** There is no such index: told when the query is planned, with the query. */
  | { readonly kind: 'unknown' }
  /** Several have that key pattern: told likewise. */
  | { readonly kind: 'ambiguous'; readonly matching: readonly Index[] };

/** The plan to go by, and those it was preferred to. */
export interface Choice {
  readonly plan: Plan;
  readonly rejected: readonly Plan[];
  /** Whether it was chosen because it won a trial before. */
  readonly isCached?: boolean;
  /** Which of them the cache has, whether or not it was chosen for that. */
  readonly cachedPlan?: Plan | undefined;
  /** Whether only some indexes were let be considered. */
  readonly hasFilter?: boolean;
}

const NATURAL = fieldName('$natural');

export function choosePlan(request: PlanRequest): Plan {
  return idPlan(request) ?? choose(request).plan;
}

/** As {@link choosePlan}, with the alternatives. */
export function chooseAmongPlans(request: PlanRequest): Choice {
  const plan = idPlan(request);
  return plan === undefined ? choose(request) : { plan, rejected: [] };
}

/** One document at most, found by its `_id`. */
function idPlan({ collection, filter, hint, limits, at }: PlanRequest): Plan | undefined {
  const id = hint === undefined && limits === undefined ? collection.pointId(filter, at) : undefined;
  if (id === undefined) return undefined;
  const conjuncts = conjunctsOf(filter.predicate);
  const isExact = conjuncts.length === 1 && collection.collation === undefined;
  const residual = isExact ? undefined : filter.predicate;
  const key = collection.idKey(id);
  return { access: { kind: 'id', key }, isSorted: true, isExact, residual };
}

/** Undefined when indexes are to be looked at. */
function directPlan(request: PlanRequest): Plan | undefined {
  const { filter, hint, sort, limits } = request;
  const special = specialPlan(request);
  if (special !== undefined) return special;
  if (limits !== undefined) return limitedPlan(request, limits);
  if (isCollatedId(request)) return collectionPlan(false, request);
  const isWhole = hint === undefined && filter.matchesAll && sort === undefined;
  return isWhole ? collectionPlan(false, request) : undefined;
}

/** The indexes that a way goes through, besides that on `_id`: it ends when one is dropped. */
export function indexesOf(access: Access): Index[] {
  switch (access.kind) {
    case 'index':
      return access.index === undefined ? [] : [access.index];
    case 'union':
      return access.branches.flatMap((branch) => indexesOf(branch.access));
    case 'special':
      return [access.index];
    default:
      return [];
  }
}

function choose(request: PlanRequest): Choice {
  const { hint } = request;
  const only = directPlan(request);
  if (only !== undefined) return { plan: only, rejected: [] };
  if (hint?.kind === 'unknown') throw planError(request, 'BadValue', UNKNOWN_HINT);
  if (hint?.kind === 'ambiguous') throw planError(request, 'IndexNotFound', ambiguity(hint.matching));
  if (hint?.kind === 'natural') return { plan: collectionPlan(hint.reverse, request), rejected: [] };
  const filter = indexFilterOf(request);
  const plans = solutionsOf({ ...request, only: filter === undefined ? hint : undefined, allowed: filter?.names });
  const [first] = plans;
  if (first === undefined) {
    const isFree = hint === undefined || filter !== undefined;
    return { plan: isFree ? collectionPlan(false, request) : hinted(hint.index, request), rejected: [] };
  }
  const choice = plans.length === 1 ? { plan: first, rejected: [] } : chooseByTrial(plans, request);
  return filter === undefined ? choice : { ...choice, hasFilter: true };
}

/** Under a collation the entries of `_id` do not tell the order of strings: they are for single documents. */
function isCollatedId({ collection, hint }: PlanRequest): boolean {
  return hint?.kind === 'index' && hint.index === undefined && collection.collation !== undefined;
}

function chooseByTrial(plans: readonly Plan[], request: PlanRequest): Choice {
  const { collection, filter, sort, at } = request;
  const shape = queryShapeOf(filter.predicate, sort);
  const key = planCacheKeyOf(collection, filter.predicate, sort);
  const cached = collection.plans.findActive(key);
  const known = cached && plans.find((one) => identityOf(one.access) === cached.identity);
  if (cached !== undefined && known !== undefined && request.isExplained !== true) {
    const rejected = plans.filter((other) => other !== known);
    return { plan: { ...known, cached }, rejected, cachedPlan: known, isCached: true };
  }
  const { winner, works, scores } = tryPlans(plans, { collection, filter, at });
  const rejected = plans.filter((other) => other !== winner);
  if (request.isExplained !== true) {
    const query = serializePredicate(filter.predicate);
    const identity = identityOf(winner.access);
    const shown = (): Uint8Array => stageDocument(accessStages(winner, undefined));
    const won = { key, shape, identity, works, scores, shown, query, sort: sortDocumentOf(sort) };
    collection.plans.remember(won);
  }
  return { plan: winner, rejected, cachedPlan: known };
}

/** Whether documents that come as planned need no sorting: an index never has the order of a collation. */
export function isInOrder(plan: Plan, sort: SortSpec | undefined): boolean {
  return sort === undefined || (plan.isSorted && sort.indexFields !== undefined);
}

/** An index between two keys, whatever the filter says of its fields. */
function limitedPlan(request: PlanRequest, limits: KeyLimits): Plan {
  const { hint, filter, sort } = request;
  if (hint?.kind !== 'index') {
    throw new CommandError(51_173, 'When using min()/max() a hint of which index to use must be provided');
  }
  const plan = wholeIndexPlan(candidatesOf(hint.index, [])[0], conjunctsOf(filter.predicate), sort);
  invariant(plan.access.kind === 'index', 'a walk of an index');
  const range = rangeBetween(limits, plan.access.bounds.candidate);
  if (range.kind !== 'range') throw planError(request, range.kind === 'mismatch' ? 51_174 : 51_175, range.text);
  if (hint.index?.spec.equality !== undefined) return collatedPlan(hint.index, limits, request);
  const { from, to } = range;
  return { ...plan, access: { ...plan.access, ranges: [{ from, to }], isMinMax: true } };
}

function collatedPlan(index: Index, limits: KeyLimits, { filter, sort }: PlanRequest): Plan {
  const access = collatedLimitsAccess(index, limits);
  return { access, isSorted: sort === undefined, isExact: false, residual: filter.predicate };
}

/** What an operator said of queries of this shape. It is stronger than a hint. */
function indexFilterOf({ collection, filter, sort }: PlanRequest): IndexFilter | undefined {
  return collection.plans.hasFilters ? collection.plans.filterFor(queryShapeOf(filter.predicate, sort)) : undefined;
}

function sortDocumentOf(sort: readonly SortField[] | undefined): Uint8Array {
  const writer = new BsonWriter().startDocument();
  for (const { path, descending } of sort ?? []) writer.int32(path, descending ? -1 : 1);
  return writer.endDocument().finish();
}

function specialPlan({ collection, filter, hint, sort, at }: PlanRequest): Plan | undefined {
  const planner = SPECIAL_PLANNERS.find((one) => one.claims(filter));
  if (planner === undefined) return undefined;
  const index = hint?.kind === 'index' ? hint.index : undefined;
  const access = planner.plan({
    collection,
    filter,
    hint: index,
    hintKind: hint?.kind === 'ambiguous' ? 'unknown' : hint?.kind,
    at,
  });
  return { access, isSorted: sort === undefined, isExact: false, residual: filter.predicate };
}

function collectionPlan(reverse: boolean, { filter, sort }: PlanRequest): Plan {
  const isExact = filter.matchesAll;
  const residual = isExact ? undefined : filter.predicate;
  return { access: { kind: 'collection', reverse }, isSorted: sort === undefined, isExact, residual };
}

/** An index that was asked for and does not help is walked as a whole. */
function hinted(index: Index | undefined, request: PlanRequest): Plan {
  const conjuncts = conjunctsOf(request.filter.predicate);
  if (index !== undefined && index.spec.kind.name !== 'btree' && index.spec.kind.name !== 'hashed') {
    const mayServe = conditionsOf(conjuncts).length > 0 && servesPaths(index, conjuncts);
    const reason = mayServe
      ? "$hint: refusing to build whole-index solution, because it's a wildcard index"
      : 'No query solutions';
    throw planError(request, 'NoQueryExecutionPlans', reason);
  }
  return wholeIndexPlan(candidatesOf(index, [])[0], conjuncts, request.sort);
}

/** Whether a wildcard index lists any of the paths that are asked about. */
function servesPaths(index: Index, conjuncts: Parameters<typeof conditionsOf>[0]): boolean {
  return conditionsOf(conjuncts).some(({ path }) => index.listsPath(path));
}

const UNKNOWN_HINT = 'hint provided does not correspond to an existing index';

function ambiguity(matching: readonly Index[]): string {
  const shown = matching.map(({ spec }) => {
    return `kp: ${describeDocument(spec.key)} name: '(${spec.name}, )' io: ${describeDocument(spec.document)}`;
  });
  return `Hint matched multiple indexes, must hint by index name. Matched: ${shown.join(' and ')}`;
}

function planError(
  request: PlanRequest,
  code: 'BadValue' | 'IndexNotFound' | 'NoQueryExecutionPlans' | number,
  reason: string,
): CommandError {
  const { collection, filter, sort } = request;
  const order = (sort ?? []).map(({ path, descending }) => `${path}: ${descending ? -1 : 1}`).join(', ');
  const sortText = order === '' ? '{}' : `{ ${order} }`;
  const query = `ns=${collection.ns}Tree: ${describePredicate(filter.predicate)}\nSort: ${sortText}\nProj: {}\n`;
  return new CommandError(code, `error processing query: ${query} planner returned error :: caused by :: ${reason}`);
}

/**
 * Resolves a `hint`: an index's name, its key pattern, or {$natural: ±1}. Undefined for an empty document, and when there
 * is no collection.
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
  const matching = collection.indexes.filter(({ spec }) => {
    return !spec.isHidden && compareDocuments(hint.bytes, hint.start, spec.key, 0) === 0;
  });
  if (matching.length > 1) return { kind: 'ambiguous', matching };
  const [index] = matching;
  return index === undefined ? { kind: 'unknown' } : { kind: 'index', index };
}

const ID_PATTERN = Uint8Array.of(14, 0, 0, 0, BSON_TYPE.int32, 0x5f, 0x69, 0x64, 0, 1, 0, 0, 0, 0);

function namedIndex(name: string, collection: Collection | undefined): Hint | undefined {
  if (name === idIndexName(collection)) return { kind: 'index', index: undefined };
  if (collection === undefined) return undefined;
  const index = collection.index(name);
  if (index === undefined || index.spec.isHidden) return { kind: 'unknown' };
  return { kind: 'index', index };
}

const NAME = fieldName('name');

/** That of a clustered collection is the one it was given. */
function idIndexName(collection: Collection | undefined): string {
  const name = collection?.clusteredIndex === undefined ? undefined : findField(collection.clusteredIndex, NAME);
  return name === undefined ? '_id_' : stringOf(name);
}
