/** Running a compiled pipeline over what its namespace means: a collection, the oplog, or what is made up. */
import { TIMESTAMP_MAX, type Timestamp } from '../../base/optime.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { CountRun } from '../../database/run/count_run.ts';
import type { MemberData } from '../../database/member_data.ts';
import { groupPlanOf } from '../../database/run/distinct_query.ts';
import { OplogSource } from '../../database/run/oplog_query.ts';
import { ProjectionShape } from '../../database/planner/projection_shape.ts';
import { randomRecords } from '../../database/scan/random_records.ts';
import { resolveHint, type Hint } from '../../database/planner/plan.ts';
import { fixedQuery, ListSource, openFind, openPlanned, type RunningQuery } from '../../database/run/running_query.ts';
import type { Turn } from '../../database/turn.ts';
import type { RawValue } from '../../bson/value.ts';
import { compileFilter, type CompiledFilter } from '../../query/matcher.ts';
import type { CompiledPipeline } from '../../query/pipeline.ts';
import type { StageMemory } from '../../query/pipeline/memory_budget.ts';
import { PAUSE, type Source } from '../../query/pipeline/source.ts';
import { virtualDocuments, type CursorRequest } from './cursor_reply.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import type { ForeignCollections } from './foreign_collections.ts';
import { OPLOG_NS } from '../namespace.ts';
import { refuseTextWithoutCollection } from '../../database/text_without_collection.ts';

export interface PipelineTarget {
  readonly ns: string;
  readonly pipeline: CompiledPipeline;
  readonly foreign: ForeignCollections;
  readonly hint: RawValue | undefined;
  readonly memory?: StageMemory | undefined;
  readonly readAt: () => Timestamp;
  readonly turn: Turn;
}

export interface OpenedPipeline {
  readonly query: RunningQuery;
  /** Their end is the end of the cursor. */
  readonly subjects: CursorRequest['subjects'];
}

/** A collection that does not exist has no documents. */
export function openPipelineOn(target: PipelineTarget, data: MemberData): OpenedPipeline {
  const { ns, pipeline, foreign, readAt, turn } = target;
  const collection = data.catalog.find(ns);
  const hint = target.hint === undefined ? undefined : resolveHint(target.hint, collection);
  if (collection !== undefined) {
    const query = openOnCollection({ collection, pipeline, foreign, hint, at: readAt(), turn, memory: target.memory });
    return { query, subjects: [collection] };
  }
  if (pipeline.pushdown.filter !== undefined) refuseTextWithoutCollection(pipeline.pushdown.filter, ns);
  let source: Source;
  if (ns === OPLOG_NS) {
    const filter = pipeline.pushdown.filter ?? MATCH_ALL;
    const visible = (): Timestamp => data.readTimestamp;
    source = new OplogSource(data.oplog, { filter, reverse: false, visible }, turn);
  } else {
    source = new ListSource(virtualDocuments(ns, data, readAt()) ?? []);
  }
  const query = { ...fixedQuery(pipeline.open(source, 0), turn), moveTo: (to: Timestamp) => foreign.moveTo(to) };
  return { query, subjects: [] };
}

const MATCH_ALL: CompiledFilter = compileFilter(EMPTY_DOCUMENT);

interface PipelineRequest {
  readonly collection: Collection;
  readonly pipeline: CompiledPipeline;
  readonly foreign: ForeignCollections;
  readonly hint: Hint | undefined;
  readonly at: Timestamp;
  readonly turn: Turn;
  readonly memory: StageMemory | undefined;
}

function openOnCollection(request: PipelineRequest): RunningQuery {
  const { collection, pipeline, foreign, hint, at, turn, memory } = request;
  const { filter = MATCH_ALL, sort, skip, limit, stages } = pipeline.pushdown;
  if (pipeline.countOnly !== undefined) return openCount(request, pipeline.countOnly);
  const chosen = openSample(request, pipeline.sampleSize);
  if (chosen !== undefined) return chosen;
  const shape = shapeOf(pipeline, collection);
  const wanted = { filter, sort, skip, limit, hint, projection: undefined, shape };
  const group = collection.indexes.length === 0 ? undefined : pipeline.distinctGroup();
  const plan = group && groupPlanOf({ collection, filter, sort, hint, at }, group);
  const find = { collection, ...wanted, at, turn, memory };
  const below = plan === undefined ? openFind(find) : openPlanned(find, plan);
  const source = pipeline.open(below.source, stages);
  const moveTo = (to: Timestamp): void => {
    below.moveTo(to);
    foreign.moveTo(to);
  };
  return { source, turn, projection: undefined, isEnded: () => false, moveTo };
}

/** What the pipeline looks at, where keys may tell it. */
function shapeOf(pipeline: CompiledPipeline, { indexes }: Collection): ProjectionShape | undefined {
  const needs = indexes.length === 0 ? undefined : pipeline.needs();
  return needs && (ProjectionShape.of(needs) ?? ProjectionShape.NOTHING);
}

/** A sample of a large collection is picked instead of read. */
function openSample({ collection, pipeline, foreign, at, turn }: PipelineRequest, size = 0): RunningQuery | undefined {
  const { random } = foreign;
  const picked = size === 0 ? undefined : randomRecords({ collection, size, at, turn, random });
  if (picked === undefined) return undefined;
  const moveTo = (to: Timestamp): void => {
    picked.moveTo(to);
    foreign.moveTo(to);
  };
  return { source: pipeline.open(picked, 1), turn, projection: undefined, isEnded: () => false, moveTo };
}

function openCount(request: PipelineRequest, result: (count: number) => Uint8Array | undefined): RunningQuery {
  const { collection, pipeline, hint, at, turn } = request;
  const { filter = MATCH_ALL, skip, limit } = pipeline.pushdown;
  const isWhole = filter.matchesAll && hint === undefined && at === TIMESTAMP_MAX;
  const run = isWhole ? undefined : new CountRun({ collection, filter, hint, at, turn, limit: skip + limit });
  const source = new CountSource(run, (count) => result(Math.min(Math.max(count - skip, 0), limit)), collection);
  return { source, turn, projection: undefined, isEnded: () => false, moveTo: (to) => run?.moveTo(to) };
}

/** The one document that a pipeline of counting gives. */
class CountSource implements Source {
  readonly #run: CountRun | undefined;
  readonly #result: (count: number) => Uint8Array | undefined;
  readonly #collection: Collection;
  #isDone = false;

  constructor(run: CountRun | undefined, result: (count: number) => Uint8Array | undefined, collection: Collection) {
    this.#run = run;
    this.#result = result;
    this.#collection = collection;
  }

  next(): Uint8Array | undefined | typeof PAUSE {
    if (this.#isDone) return undefined;
    if (this.#run !== undefined && this.#run.advance() === 'pause') return PAUSE;
    this.#isDone = true;
    return this.#result(this.#run?.count ?? this.#collection.count);
  }

  close(): void {
    this.#isDone = true;
  }
}
