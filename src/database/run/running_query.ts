/** A query that is under way: its plan's scan, and what find does with the documents on their way out. */
import type { Timestamp } from '../../base/optime.ts';
import type { Work } from '../../query/expression/work.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { OpenMatcher } from '../../query/match/open_matcher.ts';
import { carryingMetadata, type StageMemory } from '../../query/pipeline/memory_budget.ts';
import { metadataOf } from '../../query/match/special_conditions.ts';
import { MapSource } from '../../query/pipeline/map_source.ts';
import { matchSource } from '../../query/pipeline/match_stage.ts';
import { PAUSE, type Source } from '../../query/pipeline/source.ts';
import type { Projection } from '../../query/projection.ts';
import { Sorter } from '../../query/sort/sorter.ts';
import type { SortSpec } from '../../query/sort.ts';
import type { Collection } from '../catalog/collection.ts';
import { chooseAmongPlans, isInOrder, type Choice, type Hint, type Plan } from '../planner/plan.ts';
import type { CachedChoice } from '../planner/plan_cache.ts';
import type { KeyLimits } from '../planner/key_limits.ts';
import type { PreparedMatchers } from '../prepared/prepared_matcher.ts';
import type { ProjectionShape } from '../planner/projection_shape.ts';
import type { RecordScan } from '../scan/record_scan.ts';
import { openScan, ScanSource } from '../scan/scan.ts';
import type { Turn } from '../turn.ts';

export interface RunningQuery {
  readonly source: Source;
  readonly turn: Turn;
  /** How the source's documents are reshaped while they are written into the reply. */
  readonly projection: Projection | undefined;
  /** Whether it is known, without looking, that no document follows: such a cursor is closed with its batch. */
  isEnded(): boolean;
  /** After a pause or between two batches: read on at that timestamp. */
  moveTo(at: Timestamp): void;
}

export interface FindRequest {
  readonly collection: Collection;
  readonly filter: CompiledFilter;
  readonly sort: SortSpec | undefined;
  readonly hint: Hint | undefined;
  readonly projection: Projection | undefined;
  readonly skip: number;
  /** Infinity when there is none. */
  readonly limit: number;
  readonly at: Timestamp;
  readonly turn: Turn;
  /** Of a sort; absent: without a disk. */
  readonly memory?: StageMemory | undefined;
  /** The `min` and `max` of find. */
  readonly limits?: KeyLimits | undefined;
  /** Of the projection, when nothing but what it shows of documents is wanted. */
  readonly shape?: ProjectionShape | undefined;
}

/** What is asked of the planner alone. */
export function chooseFor(request: Omit<FindRequest, 'projection' | 'turn' | 'skip' | 'limit'>): Choice {
  const { collection, filter, hint, at, limits } = request;
  return chooseAmongPlans({ collection, filter, hint, at, limits, sort: request.sort?.indexFields });
}

export function openFind(request: FindRequest): RunningQuery {
  return openPlanned(request, chooseFor(request).plan);
}

/** A query whose plan was chosen. */
export interface PlannedQuery extends RunningQuery {
  readonly scan: RecordScan;
}

/** Whether keys tell all that is wanted: the order itself, or what documents are to be put in order by. */
export function isCovered({ shape, sort }: Pick<FindRequest, 'shape' | 'sort'>, plan: Plan): boolean {
  if (shape === undefined || !shape.isCoveredBy(plan)) return false;
  if (isInOrder(plan, sort)) return true;
  const { access } = plan;
  if (sort?.indexFields === undefined || access.kind !== 'index') return false;
  const paths = access.bounds.candidate.fields.map((field) => field.path);
  return sort.indexFields.every(({ path }) => paths.includes(path));
}

/** `watched` may put something around the scan. */
export function openPlanned(
  request: FindRequest,
  plan: Plan,
  watched?: (scan: RecordScan) => RecordScan,
): PlannedQuery {
  const { collection, filter, at, turn } = request;
  // A scan that is watched is to show what it selects itself.
  const work = filter.isSpecial || watched !== undefined ? undefined : filter.work;
  const matcher = plan.isExact || work !== undefined ? undefined : filter.matcher;
  const opened = openScan({
    ...{ collection, access: plan.access, matcher, at, turn },
    wanted: work === undefined ? wantedOf(request, plan) : Infinity,
    isCovered: isCovered(request, plan),
  });
  const scan = watched === undefined ? opened : watched(opened);
  const memory = request.sort === undefined ? undefined : sortMemory(request);
  const found = documentsOf(scan, request, plan);
  const source = work === undefined ? found : matchSource(found, filter.matcher, work);
  return queryOver({ ...request, memory }, plan, { scan, source });
}

type QueryRequest = Pick<FindRequest, 'collection' | 'sort' | 'skip' | 'limit' | 'turn' | 'memory' | 'projection'> & {
  readonly cached?: CachedChoice | undefined;
};

interface Found {
  readonly scan: RecordScan;
  /** What of its documents matches. */
  readonly source: Source;
}

function documentsOf(scan: RecordScan, { collection, cached }: QueryRequest, plan: Plan): Source {
  const { queries, plans } = collection;
  const choice = cached ?? plan.cached;
  return new ScanSource(scan, queries.all, choice && { plans, choice });
}

/** Sorts, cuts and reshapes what a scan finds. */
function queryOver(request: QueryRequest, plan: Plan, found: Found): PlannedQuery {
  const { turn, memory } = request;
  const counters = request.collection.queries.all;
  let { source } = found;
  let sorted: SortSource | undefined;
  if (request.sort !== undefined && !isInOrder(plan, request.sort)) {
    counters.sorts += 1;
    sorted = new SortSource(source, request.sort, request.limit + request.skip, { turn, memory });
    source = sorted;
  }
  let window: WindowSource | undefined;
  if (request.skip > 0 || request.limit !== Infinity) {
    window = new WindowSource(source, request.skip, request.limit);
    source = window;
  }
  let { projection } = request;
  if (projection?.work !== undefined) {
    source = projectedSource(source, projection, projection.work);
    projection = undefined;
  }
  return new FindQuery({
    source,
    turn,
    projection,
    scan: found.scan,
    sorted,
    window,
    isSingle: plan.access.kind === 'id',
  });
}

/** A query whose filter need not be parsed. */
export interface PreparedRequest extends Omit<FindRequest, 'filter' | 'hint' | 'limits' | 'shape'> {
  readonly plan: Plan;
  /** Undefined when the plan finds exactly what is asked for. */
  readonly matcher: OpenMatcher | undefined;
  /** Whose the matcher is: it goes back when the query is closed. */
  readonly matchers: PreparedMatchers;
  readonly isCovered: boolean;
  /** Where the plan was found. */
  readonly cached: CachedChoice | undefined;
}

export function openPrepared(request: PreparedRequest): RunningQuery {
  const { collection, plan, matchers, isCovered, at, turn } = request;
  const wanted = wantedOf(request, plan);
  const { matcher } = request.matcher ?? { matcher: undefined };
  const scan = openScan({ collection, access: plan.access, matcher, at, turn, wanted, isCovered });
  const found = documentsOf(scan, request, plan);
  const source = request.matcher === undefined ? found : new LendingSource(found, request.matcher, matchers);
  return queryOver(request, plan, { scan, source });
}

/** Gives a matcher back at its end. */
class LendingSource implements Source {
  readonly #below: Source;
  readonly #matcher: OpenMatcher;
  readonly #matchers: PreparedMatchers;

  constructor(below: Source, matcher: OpenMatcher, matchers: PreparedMatchers) {
    this.#below = below;
    this.#matcher = matcher;
    this.#matchers = matchers;
  }

  next(): Uint8Array | undefined | typeof PAUSE {
    return this.#below.next();
  }

  close(): void {
    this.#below.close();
    this.#matchers.giveBack(this.#matcher);
  }
}

/** How many records a scan has to give at most. */
function wantedOf({ sort, skip, limit }: Pick<FindRequest, 'sort' | 'skip' | 'limit'>, plan: Plan): number {
  return isInOrder(plan, sort) ? skip + limit : Infinity;
}

function projectedSource(source: Source, projection: Projection, work: Work): Source {
  return new MapSource(source, (document) => projection.apply(document, 0), work);
}

/** What is known of documents goes to disk with them. */
function sortMemory({ filter, memory }: FindRequest): StageMemory | undefined {
  const metadata = filter.isSpecial ? metadataOf(filter.predicate) : undefined;
  return memory === undefined || metadata === undefined ? memory : carryingMetadata(memory, metadata);
}

interface FindParts {
  readonly source: Source;
  readonly turn: Turn;
  readonly projection: Projection | undefined;
  readonly scan: RecordScan;
  readonly sorted: SortSource | undefined;
  readonly window: WindowSource | undefined;
  readonly isSingle: boolean;
}

class FindQuery implements PlannedQuery {
  readonly source: Source;
  readonly turn: Turn;
  readonly projection: Projection | undefined;
  readonly scan: RecordScan;
  readonly #parts: FindParts;

  constructor(parts: FindParts) {
    this.scan = parts.scan;
    this.source = parts.source;
    this.turn = parts.turn;
    this.projection = parts.projection;
    this.#parts = parts;
  }

  isEnded(): boolean {
    const { isSingle, sorted, window } = this.#parts;
    return isSingle || sorted?.isEmpty === true || window?.isFull === true;
  }

  moveTo(at: Timestamp): void {
    this.#parts.scan.moveTo(at);
  }
}

/** A query over a list or another fixed source: nothing to move. */
export function fixedQuery(source: Source, turn: Turn, projection?: Projection): RunningQuery {
  return { source, turn, projection, isEnded: () => false, moveTo: () => {} };
}

/** Documents that are already in memory. */
export class ListSource implements Source {
  readonly #documents: readonly Uint8Array[];
  #position = 0;

  constructor(documents: readonly Uint8Array[]) {
    this.#documents = documents;
  }

  next(): Uint8Array | undefined {
    if (this.#position >= this.#documents.length) return undefined;
    const document = this.#documents[this.#position];
    this.#position += 1;
    return document;
  }

  close(): void {
    this.#position = this.#documents.length;
  }
}

/** Passes on what matches. */
export class MatchSource implements Source {
  readonly #below: Source;
  readonly #filter: CompiledFilter;

  constructor(below: Source, filter: CompiledFilter) {
    this.#below = below;
    this.#filter = filter;
  }

  next(): Uint8Array | undefined | typeof PAUSE {
    for (;;) {
      const document = this.#below.next();
      if (document === undefined || document === PAUSE) return document;
      if (this.#filter.matcher.matches(document, 0)) return document;
    }
  }

  close(): void {
    this.#below.close();
  }
}

/** How a sort runs: what it may keep, and in which turn. */
export interface SortPlace {
  readonly memory?: StageMemory | undefined;
  readonly turn: Turn;
}

/** Takes in everything, then hands it out in order. */
export class SortSource implements Source {
  readonly #below: Source;
  readonly #sorter: Sorter;
  readonly #turn: Turn;
  #isFilled = false;
  #ahead: Uint8Array | undefined;

  constructor(below: Source, spec: SortSpec, limit: number, { memory, turn }: SortPlace) {
    this.#below = below;
    this.#turn = turn;
    this.#sorter = new Sorter(spec, limit, memory);
  }

  /** Whether the last document was handed out. */
  get isEmpty(): boolean {
    return this.#isFilled && this.#ahead === undefined;
  }

  next(): Uint8Array | undefined | typeof PAUSE {
    while (!this.#isFilled) {
      const document = this.#below.next();
      if (document === PAUSE) return PAUSE;
      if (document !== undefined) {
        this.#sorter.add(document);
        continue;
      }
      this.#isFilled = true;
      this.#ahead = this.#sorter.next();
    }
    if (this.#turn.isOver()) return PAUSE;
    const document = this.#ahead;
    if (document !== undefined) this.#ahead = this.#sorter.next();
    return document;
  }

  close(): void {
    this.#below.close();
    this.#sorter.close();
  }
}

/** Leaves out the first `skip` documents and ends after `limit`. */
export class WindowSource implements Source {
  readonly #below: Source;
  #skip: number;
  #left: number;

  constructor(below: Source, skip: number, limit: number) {
    this.#below = below;
    this.#skip = skip;
    this.#left = limit;
  }

  get isFull(): boolean {
    return this.#left <= 0;
  }

  next(): Uint8Array | undefined | typeof PAUSE {
    if (this.#left <= 0) return undefined;
    for (;;) {
      const document = this.#below.next();
      if (document === undefined || document === PAUSE) return document;
      if (this.#skip > 0) {
        this.#skip -= 1;
        continue;
      }
      this.#left -= 1;
      return document;
    }
  }

  close(): void {
    this.#below.close();
  }
}
