/** A whole query as stages: the way to its records, and what is done with them. */
import { PIPELINE_STAGE_SIZE_BYTES_MAX } from '../../base/limits.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { SortSpec } from '../../query/sort.ts';
import type { Timestamp } from '../../base/optime.ts';
import type { Collection } from '../catalog/collection.ts';
import { isInOrder, type Hint } from '../planner/plan.ts';
import { isCovered } from '../run/running_query.ts';
import type { IndexAccess, Plan } from '../planner/access.ts';
import type { KeyLimits } from '../planner/key_limits.ts';
import { keyPatternOf } from '../planner/candidate.ts';
import { ElementReader } from '../../bson/elements.ts';
import { accessStages, writeIndex, type ScanRun } from './access_stages.ts';
import type { DistinctGroup } from '../../query/pipeline/rewrite/distinct_group.ts';
import { distinctShape } from '../run/distinct_query.ts';
import { ProjectionShape } from '../planner/projection_shape.ts';
import type { ExplainStage, StageCounts } from './stage.ts';

/** What the query is for: reading, or one of the commands that do something with what is found. */
export type Purpose =
  | { readonly kind: 'find' }
  /** Finding documents of which nothing is looked at. */
  | { readonly kind: 'keys' }
  | { readonly kind: 'count' }
  | { readonly kind: 'distinct'; readonly key: string }
  | { readonly kind: 'update'; readonly isMulti: boolean; readonly isUpsert: boolean; readonly returns?: Returned }
  | { readonly kind: 'delete'; readonly isMulti: boolean; readonly returns?: Returned };

/** Which document a write gives back: as it was, or as it is then. */
type Returned = 'before' | 'after';

export interface ExplainedQuery {
  readonly ns: string;
  readonly collection: Collection | undefined;
  readonly filter: CompiledFilter;
  readonly sort: SortSpec | undefined;
  readonly sortPattern: Uint8Array | undefined;
  readonly projection: ProjectionShape | undefined;
  readonly hint: Hint | undefined;
  readonly limits?: KeyLimits | undefined;
  readonly skip: number;
  /** Infinity when there is none. */
  readonly limit: number;
  readonly at: Timestamp;
  readonly purpose: Purpose;
  /** Of a pipeline: of each of these groups one document is wanted. */
  readonly group?: DistinctGroup | undefined;
  /** As it was given or as the collection has it. */
  readonly collation: Uint8Array | undefined;
}

/** What a query came to. */
export interface QueryRun extends ScanRun {
  /** Documents after sort, skip and limit. */
  readonly returned: number;
  /** Bytes of all documents that were found. */
  readonly foundBytes: number;
}

/** `plan` undefined: there is no collection. */
export function queryStages(query: ExplainedQuery, plan: Plan | undefined, run: QueryRun | undefined): ExplainStage {
  const { purpose } = query;
  if (plan === undefined) return missingStages(query, run);
  if (purpose.kind === 'count') return countStages(query, plan, run);
  if (purpose.kind === 'keys') return shaped(query, plan, { below: countInput(plan, run), isCovered: false, run });
  const shape = shapeOf(query, plan);
  const covers = isCovered({ shape, sort: query.sort }, plan);
  const access = accessStages(plan, run, covers);
  const isRooted = plan.access.kind === 'union' && plan.access.isRooted;
  const below =
    isRooted || isSubplan(query, plan) ? { stage: 'SUBPLAN', inputs: [access], counts: run && countsOf(run) } : access;
  switch (purpose.kind) {
    case 'update':
      return withProjection(query, writeStageOf('UPDATE', query, sortedOne(query, plan, below, run), run), false, run);
    case 'delete':
      return withProjection(query, writeStageOf('DELETE', query, sortedOne(query, plan, below, run), run), false, run);
    default:
      return shaped({ ...query, projection: shape ?? query.projection }, plan, { below, isCovered: covers, run });
  }
}

/** What is looked at of documents, when that is known. */
export function shapeOf({ projection, purpose }: ExplainedQuery, { access }: Plan): ProjectionShape | undefined {
  switch (purpose.kind) {
    case 'find':
      return projection;
    case 'keys':
      return ProjectionShape.NOTHING;
    case 'distinct':
      return access.kind === 'index' && access.distinct !== undefined ? distinctShape(purpose.key) : undefined;
    default:
      return undefined;
  }
}

/** A disjunction is planned branch by branch, whatever comes of it. */
function isSubplan({ filter, sort }: ExplainedQuery, plan: Plan): boolean {
  return filter.predicate.kind === 'or' && sort === undefined && plan.access.kind !== 'id';
}

function countsOf({ found, isEnded }: QueryRun): StageCounts {
  return { returned: found, works: found + 1, isEnded };
}

function missingStages({ purpose }: ExplainedQuery, run: QueryRun | undefined): ExplainStage {
  const counts = run && { returned: 0, works: 1, isEnded: true };
  const end: ExplainStage = { stage: 'EOF', inputs: [], counts };
  if (purpose.kind === 'count') {
    return { stage: 'COUNT', inputs: [end], counts, counters: (writer) => writeCounted(writer, 0, 0) };
  }
  if (purpose.kind !== 'update' || !purpose.isUpsert) return end;
  return { stage: 'UPDATE', inputs: [end], counts, counters: (writer) => writeUpdated(writer, 0, true) };
}

interface Shaping {
  readonly below: ExplainStage;
  readonly isCovered: boolean;
  readonly run: QueryRun | undefined;
}

/** Sort, skip, projection and limit, from below. */
function shaped(query: ExplainedQuery, plan: Plan, { below, isCovered, run }: Shaping): ExplainStage {
  const { sort, skip, limit } = query;
  const isSorting = sort !== undefined && !isInOrder(plan, sort);
  const counts = run && { returned: run.returned, works: run.returned + 1, isEnded: run.isEnded };
  let stage = isSorting ? sortStage(query, below, { run, isCovered }) : below;
  if (skip > 0) {
    const skipped = run === undefined ? 0 : skip;
    stage = { stage: 'SKIP', inputs: [stage], counts, fields: (writer) => void writer.int32('skipAmount', skipped) };
  }
  stage = withProjection(query, stage, isCovered, run);
  if (limit === Infinity || isSorting) return stage;
  return { stage: 'LIMIT', inputs: [stage], counts, fields: (writer) => void writer.int32('limitAmount', limit) };
}

function sortStage(
  { sortPattern, limit, skip }: Pick<ExplainedQuery, 'sortPattern' | 'limit' | 'skip'>,
  below: ExplainStage,
  { run, isCovered }: Omit<Shaping, 'below'>,
): ExplainStage {
  return {
    stage: 'SORT',
    inputs: [below],
    counts: run && { returned: run.returned, works: run.found + run.returned + 1, isEnded: run.isEnded },
    fields(writer) {
      if (sortPattern !== undefined) writer.document('sortPattern', sortPattern);
      writer.int32('memLimit', PIPELINE_STAGE_SIZE_BYTES_MAX);
      if (limit !== Infinity) writer.int32('limitAmount', limit + skip);
      writer.string('type', isCovered ? 'default' : 'simple');
    },
    counters(writer) {
      writer
        .int64('totalDataSizeSorted', run?.foundBytes ?? 0)
        .bool('usedDisk', false)
        .int32('spills', 0);
    },
  };
}

/** What findAndModify takes the first of. */
function sortedOne(query: ExplainedQuery, plan: Plan, below: ExplainStage, run: QueryRun | undefined): ExplainStage {
  const { sort } = query;
  if (sort === undefined || isInOrder(plan, sort)) return below;
  return sortStage({ ...query, limit: 1, skip: 0 }, below, { run, isCovered: false });
}

function withProjection(
  query: ExplainedQuery,
  below: ExplainStage,
  isCovered: boolean,
  run: QueryRun | undefined,
): ExplainStage {
  const { projection, purpose } = query;
  if (projection === undefined) return below;
  const simple = isCovered ? 'PROJECTION_COVERED' : 'PROJECTION_SIMPLE';
  return {
    stage: projection.isSimple && isReading(purpose) ? simple : 'PROJECTION_DEFAULT',
    inputs: [below],
    counts: run && { returned: returnedBy(query, run.returned), works: run.returned + 1, isEnded: run.isEnded },
    fields: (writer) => void writer.document('transformBy', projection.spec),
  };
}

/** How many documents the query gives when `matched` were found. */
export function returnedBy({ purpose }: ExplainedQuery, matched: number): number {
  switch (purpose.kind) {
    case 'find':
    case 'keys':
    case 'distinct':
      return matched;
    case 'count':
      return 0;
    case 'delete':
      return purpose.returns === undefined ? 0 : matched;
    case 'update': {
      if (purpose.returns === undefined) return 0;
      return matched === 0 && purpose.isUpsert && purpose.returns === 'after' ? 1 : matched;
    }
  }
}

function isReading({ kind }: Purpose): boolean {
  return kind === 'find' || kind === 'distinct';
}

function writeStageOf(
  stage: 'UPDATE' | 'DELETE',
  query: ExplainedQuery,
  below: ExplainStage,
  run: QueryRun | undefined,
): ExplainStage {
  const { purpose } = query;
  const changed = run?.returned ?? 0;
  return {
    stage,
    inputs: [below],
    counts: run && { returned: returnedBy(query, changed), works: run.found + 1, isEnded: true },
    counters(writer) {
      if (stage === 'DELETE') writer.int32('nWouldDelete', changed);
      else writeUpdated(writer, changed, purpose.kind === 'update' && purpose.isUpsert && changed === 0);
    },
  };
}

function writeUpdated(writer: BsonWriter, matched: number, isInserted: boolean): void {
  writer
    .int32('nMatched', matched)
    .int32('nWouldModify', matched)
    .int32('nWouldUpsert', isInserted ? 1 : 0);
}

function writeCounted(writer: BsonWriter, counted: number, skipped: number): void {
  writer.int32('nCounted', counted).int32('nSkipped', skipped);
}

function countStages(query: ExplainedQuery, plan: Plan, run: QueryRun | undefined): ExplainStage {
  const { filter, hint, skip } = query;
  if (filter.matchesAll && hint === undefined) {
    return {
      stage: 'RECORD_STORE_FAST_COUNT',
      inputs: [],
      counts: run && { returned: 0, works: 1, isEnded: true },
      counters: (writer) => writeCounted(writer, run?.returned ?? 0, run === undefined ? 0 : skip),
    };
  }
  const found = run?.found ?? 0;
  return {
    stage: 'COUNT',
    inputs: [countInput(plan, run)],
    counts: run && { returned: 0, works: found + 1, isEnded: true },
    counters: (writer) => writeCounted(writer, run?.returned ?? 0, Math.min(skip, found)),
  };
}

function countInput(plan: Plan, run: QueryRun | undefined): ExplainStage {
  const { access, isExact } = plan;
  if (!isExact || access.kind !== 'index') return accessStages(plan, run);
  if (access.checks.length > 0 || !isOneRange(access)) return accessStages(plan, run, true);
  return {
    stage: 'COUNT_SCAN',
    inputs: [],
    counts: run && { returned: run.found, works: run.found + 1, isEnded: run.isEnded },
    fields(writer) {
      writeIndex(access, writer);
      writeRange(access, writer);
    },
    counters: (writer) => void writer.int32('keysExamined', run === undefined ? 0 : (run.scan.keysExamined ?? 0)),
  };
}

function isOneRange({ bounds }: IndexAccess): boolean {
  return bounds.fields.every((intervals) => intervals.length === 1);
}

/** One range from a first key to a last one. */
function writeRange({ bounds }: IndexAccess, writer: BsonWriter): void {
  const names: string[] = [];
  const reader = new ElementReader(keyPatternOf(bounds.candidate));
  while (reader.next()) names.push(reader.name());
  const ends = bounds.fields.map(([one], i) => {
    const { start, end, startInclusive, endInclusive } = one;
    if (!bounds.candidate.fields[i].descending) return { start, end, startInclusive, endInclusive };
    return { start: end, end: start, startInclusive: endInclusive, endInclusive: startInclusive };
  });
  writer.startSubdocument('indexBounds').startSubdocument('startKey');
  for (const [i, name] of names.entries()) writer.value(name, ends[i].start);
  writer
    .end()
    .bool(
      'startKeyInclusive',
      ends.every((one) => one.startInclusive),
    )
    .startSubdocument('endKey');
  for (const [i, name] of names.entries()) writer.value(name, ends[i].end);
  writer
    .end()
    .bool(
      'endKeyInclusive',
      ends.every((one) => one.endInclusive),
    )
    .end();
}
