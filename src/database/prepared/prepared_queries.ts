/**
 * The queries that are planned already, per collection by the bytes of their shape (`query/match/filter_shape.ts`).
 *
 * Life of an entry: the second query of a shape is planned as any other, and what came of it is kept as a recipe
 * (`prepared_plan.ts`); the next ones fill in their values. An entry ends when the indexes or the options of the collection
 * change, and is passed over when what it was planned by holds no more: its index found arrays in other places, the plan
 * cache has another winner for it, index filters were set, or the read is at a time before its index was there.
 */
import { PREPARED_QUERIES_MAX } from '../../base/limits.ts';
import { TIMESTAMP_NULL, type Timestamp } from '../../base/optime.ts';
import type { ShapeWriter } from '../../query/match/filter_shape.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { Projection } from '../../query/projection.ts';
import type { SortSpec } from '../../query/sort.ts';
import type { Collection } from '../catalog/collection.ts';
import type { Index } from '../index/index.ts';
import type { Choice } from '../planner/plan.ts';
import type { CachedChoice } from '../planner/plan_cache.ts';
import { conditionsOf, conjunctsOf } from '../planner/conditions.ts';
import { planCacheKeyOf } from '../planner/query_shape.ts';
import { PreparedMatchers } from './prepared_matcher.ts';
import { preparedPlan, type PreparedPlan } from './prepared_plan.ts';

/** What a query does with the documents it finds. None of it may hold on to the bytes of a request. */
export interface Shaping {
  readonly sort: SortSpec | undefined;
  readonly projection: Projection | undefined;
  /** Keys tell all that is wanted. */
  readonly isCovered: boolean;
}

export interface PreparedQuery {
  readonly plan: PreparedPlan;
  readonly shaping: Shaping;
  readonly matchers: PreparedMatchers;
  /** Of the plan cache, when there were several plans. */
  readonly cached: CachedChoice | undefined;
}

interface Entry {
  readonly shape: Uint8Array;
  /** Undefined: queries of this shape are planned each time. */
  readonly query: PreparedQuery | undefined;
  /** Changes of its index's multikey paths that were seen. */
  readonly arraysSeen: number;
  /** What the plan cache had to say of it, under which name; undefined: there was one plan only. */
  readonly choice: CachedChoice | undefined;
  readonly choiceName: string;
}

/** What was planned by the ordinary way. */
export interface PlannedQuery {
  readonly filter: CompiledFilter;
  /** The bytes that were compiled. */
  readonly filterBytes: Uint8Array;
  readonly sort: SortSpec | undefined;
  readonly choice: Choice;
  readonly at: Timestamp;
}

/** Shapes that were seen once, by their last bits. */
const SEEN_MAX = 256;

/** Those of a member. */
export class PreparedQueries {
  readonly #byCollection = new WeakMap<Collection, CollectionQueries>();

  of(collection: Collection): CollectionQueries {
    const found = this.#byCollection.get(collection);
    if (found !== undefined) return found;
    const made = new CollectionQueries(collection);
    this.#byCollection.set(collection, made);
    return made;
  }
}

export class CollectionQueries {
  readonly #collection: Collection;
  /** Of the collection that they were planned for. */
  #generation: number;
  readonly #entries = new Map<number, Entry>();
  #seen: Int32Array | undefined;

  constructor(collection: Collection) {
    this.#collection = collection;
    this.#generation = collection.generation;
  }

  get size(): number {
    this.#maybeClear();
    return this.#entries.size;
  }

  #maybeClear(): void {
    const { generation } = this.#collection;
    if (this.#generation === generation) return;
    this.#generation = generation;
    this.#entries.clear();
  }

  /** Undefined when a query of that shape has to be planned. */
  find(shape: ShapeWriter, at: Timestamp): PreparedQuery | undefined {
    this.#maybeClear();
    const entry = this.#entries.get(shape.hash);
    if (entry?.query === undefined || !isShape(entry.shape, shape)) return undefined;
    return this.#holds(entry, entry.query, at) ? entry.query : undefined;
  }

  /** Whether a query of that shape, which has to be planned, should be kept afterwards. */
  isWorthKeeping(shape: ShapeWriter): boolean {
    const entry = this.#entries.get(shape.hash);
    if (entry !== undefined && isShape(entry.shape, shape)) return entry.query !== undefined;
    this.#seen ??= new Int32Array(SEEN_MAX);
    const place = shape.hash & (SEEN_MAX - 1);
    const isSeen = this.#seen[place] === shape.hash;
    this.#seen[place] = shape.hash;
    return isSeen;
  }

  keep(shape: ShapeWriter, planned: PlannedQuery, shapingOf: () => Shaping | undefined): void {
    const { filter, filterBytes, sort, choice } = planned;
    const isTried = choice.rejected.length > 0;
    if ((isTried && choice.isCached !== true) || this.#isForNow(planned)) return;
    const values = { filter: filterBytes, holes: shape.holes, holeCount: shape.holeCount };
    const plan = this.#isPlannedAlike(planned) ? preparedPlan(choice.plan, filter, values) : undefined;
    const shaping = plan === undefined ? undefined : shapingOf();
    const choiceName = isTried ? planCacheKeyOf(this.#collection, filter.predicate, sort?.indexFields) : '';
    const cached = isTried ? this.#collection.plans.find(choiceName) : undefined;
    this.#add(shape.hash, {
      shape: shape.bytes.slice(0, shape.length),
      query: plan && shaping && { plan, shaping, matchers: new PreparedMatchers(values), cached },
      arraysSeen: plan?.kind === 'index' ? (plan.index?.multikey.changes ?? 0) : 0,
      choice: cached,
      choiceName,
    });
  }

  #add(hash: number, entry: Entry): void {
    this.#entries.delete(hash);
    this.#entries.set(hash, entry);
    if (this.#entries.size <= PREPARED_QUERIES_MAX) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  #holds({ arraysSeen, choice, choiceName }: Entry, { plan }: PreparedQuery, at: Timestamp): boolean {
    if (plan.kind === 'id') return true;
    const { plans } = this.#collection;
    if (plans.hasFilters || (choice !== undefined && plans.find(choiceName) !== choice)) return false;
    const { index } = plan;
    if (index === undefined) return true;
    return isReady(index, at) && index.multikey.changes === arraysSeen;
  }

  /** Whether the same query may soon be planned in another way. */
  #isForNow({ choice, at }: PlannedQuery): boolean {
    return choice.hasFilter === true || this.#collection.indexes.some((index) => !isReady(index, at));
  }

  /** Whether other values of the same types would be planned in the same way. */
  #isPlannedAlike({ filter, sort, choice }: PlannedQuery): boolean {
    const collection = this.#collection;
    if (filter.isSpecial || collection.collation !== undefined) return false;
    if (choice.plan.access.kind === 'id') return true;
    const paths = new Set(sort?.fields.map(({ path }) => path));
    for (const { path } of conditionsOf(conjunctsOf(filter.predicate))) paths.add(path);
    return collection.indexes.every(({ spec }) => {
      // Whether a partial index lists all that is asked for is a matter of values.
      if (spec.partialFilter === undefined || spec.isHidden) return true;
      return spec.kind.name !== 'wildcard' && !paths.has(spec.fields[0].path);
    });
  }
}

/** Whether the index tells all of the state at that time. */
function isReady({ readyAt }: Index, at: Timestamp): boolean {
  return readyAt === TIMESTAMP_NULL || readyAt <= at;
}

function isShape(bytes: Uint8Array, shape: ShapeWriter): boolean {
  const { length } = shape;
  if (bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[i] !== shape.bytes[i]) return false;
  return true;
}
