/**
 * Filters of commands other than find: planned, and not even parsed, as those of their shape were before. The caller sees to it that strings
 * are compared by their bytes and that nothing else decides how the query is planned.
 */
import { TIMESTAMP_MAX } from '../../base/optime.ts';
import { RawValue } from '../../bson/value.ts';
import { ShapeWriter } from '../../query/match/filter_shape.ts';
import type { Predicate } from '../../query/match/predicate.ts';
import type { CompiledFilter, Conjunct, Matcher } from '../../query/matcher.ts';
import { chooseAmongPlans, choosePlan, type Plan, type PlanRequest } from '../planner/plan.ts';
import type { CollectionQueries } from './prepared_queries.ts';

/** In front of the shapes of filters alone; those of finds begin in other ways. */
const FILTER_ALONE_MARK = 0xf8;

const SHAPE = new ShapeWriter();

/** The filter, compiled when somebody looks into it if a filter of its shape was compiled and planned before. */
export function shapedFilter(
  queries: CollectionQueries | undefined,
  bytes: Uint8Array,
  compile: () => CompiledFilter,
): CompiledFilter {
  const isKnown = queries !== undefined && readShape(bytes) && queries.find(SHAPE, TIMESTAMP_MAX) !== undefined;
  return isKnown ? new LazyFilter(compile) : compile();
}

/** As `choosePlan`. `bytes`: those of the filter; undefined: nothing is kept of it. */
export function planShaped(queries: CollectionQueries, bytes: Uint8Array | undefined, request: PlanRequest): Plan {
  const { hint, sort, filter, at } = request;
  if (bytes === undefined || hint !== undefined || sort !== undefined || !readShape(bytes)) return choosePlan(request);
  const found = queries.find(SHAPE, at)?.plan;
  const values = { filter: bytes, holes: SHAPE.holes, holeCount: SHAPE.holeCount };
  if (found?.kind === 'index') return found.planFor(values);
  if (found?.kind === 'id') {
    const { type, start, end } = SHAPE.holes[found.hole];
    const key = request.collection.idKey(new RawValue(type, bytes, start, end));
    return { access: { kind: 'id', key }, isSorted: true, isExact: found.isExact, residual: undefined };
  }
  const isWorthKeeping = queries.isWorthKeeping(SHAPE);
  const choice = chooseAmongPlans(request);
  if (isWorthKeeping) {
    const shaping = { sort: undefined, projection: undefined, isCovered: false };
    queries.keep(SHAPE, { filter, filterBytes: bytes, sort: undefined, choice, at }, () => shaping);
  }
  return choice.plan;
}

function readShape(bytes: Uint8Array): boolean {
  SHAPE.reset().byte(FILTER_ALONE_MARK);
  return SHAPE.filter(bytes);
}

/** Filters with a shape have neither expressions nor conditions that an index of their own kind answers. */
class LazyFilter implements CompiledFilter {
  readonly isSpecial = false;
  readonly work = undefined;
  /** One that matches all is not planned by an index. */
  readonly matchesAll = false;
  readonly #compile: () => CompiledFilter;
  #compiled: CompiledFilter | undefined;

  constructor(compile: () => CompiledFilter) {
    this.#compile = compile;
  }

  get #filter(): CompiledFilter {
    this.#compiled ??= this.#compile();
    return this.#compiled;
  }

  get matcher(): Matcher {
    return this.#filter.matcher;
  }

  get predicate(): Predicate {
    return this.#filter.predicate;
  }

  get conjuncts(): readonly Conjunct[] {
    return this.#filter.conjuncts;
  }

  get idEquality(): RawValue | undefined {
    return this.#filter.idEquality;
  }

  get collatedId(): CompiledFilter['collatedId'] {
    return this.#filter.collatedId;
  }
}
