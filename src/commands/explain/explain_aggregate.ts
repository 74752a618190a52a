/** Explaining a pipeline: as the query that can stand for it, or as a cursor with the stages that run after it. */
import type { Timestamp } from '../../base/optime.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { planExplained, writeQueryPlanner } from '../../database/explain/explain_query.ts';
import type { ExplainedQuery } from '../../database/explain/query_stages.ts';
import { resolveHint, type Choice } from '../../database/planner/plan.ts';
import { ProjectionShape } from '../../database/planner/projection_shape.ts';
import { compileFilter } from '../../query/matcher.ts';
import { compilePipeline, type CompiledPipeline, type PipelineSettings } from '../../query/pipeline.ts';
import {
  behindCursor,
  explainedStages,
  stagesIn,
  writtenOut,
  type ExplainedStage,
} from '../../query/pipeline/explain/explained_stages.ts';
import { pushedProjection } from '../../query/pipeline/explain/pushed_projection.ts';
import { StageCounts } from '../../query/pipeline/explain/stage_counts.ts';
import { neededFields } from '../../query/pipeline/rewrite/needed_fields.ts';
import type { DistinctGroup } from '../../query/pipeline/rewrite/distinct_group.ts';
import { documentSpec, fieldsIn, stageOf, textIn, type StageSpec } from '../../query/pipeline/rewrite/stage_spec.ts';
import { ListSource } from '../../query/pipeline/list_source.ts';
import { PAUSE, type Source } from '../../query/pipeline/source.ts';
import type { SortSpec } from '../../query/sort.ts';
import { runToEnd } from '../query/cursor_reply.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { executeChoice, writeServer, type ExplainExecution, type ExplainTarget } from './explain_reply.ts';
import { writeStages, type StageListing } from './explained_stage_reply.ts';

export interface ExplainedPipeline {
  readonly ns: string;
  /** Undefined: there is none, or the first stage brings its own documents. */
  readonly collection: Collection | undefined;
  /** Whether the documents come from the first stage. */
  readonly isSource: boolean;
  /** The stages as they were given, after those of a view. */
  readonly stages: readonly Uint8Array[];
  readonly settings: PipelineSettings;
  readonly hint: RawValue | undefined;
  readonly at: Timestamp;
  /** What a `$unionWith` reads: the same for the namespace of another collection. */
  over(ns: string, stages: readonly Uint8Array[]): ExplainedPipeline;
}

const MATCH_ALL = compileFilter(EMPTY_DOCUMENT);

export function explainPipeline(explained: ExplainedPipeline, target: ExplainTarget): Promise<void> | undefined {
  const explanation = new PipelineExplanation(explained, target);
  const { reply } = target;
  const finish = (): void => {
    reply.string('explainVersion', '1');
    if (explanation.isWhole) explanation.writeQuery(reply);
    else {
      reply.startArray('stages');
      explanation.writeList(reply);
      reply.end();
    }
    writeServer(target);
  };
  const runs = explanation.executions();
  let current = 0;
  const advance = (): 'done' | 'pause' => {
    for (; current < runs.length; current++) if (runs[current].advance() === 'pause') return 'pause';
    return 'done';
  };
  const waiting = runToEnd(advance, target.context, () => {
    for (const run of runs) run.resume();
  });
  if (waiting === undefined) finish();
  return waiting?.then(finish);
}

/** One pipeline: what of it is a query, what follows, and what both did. */
class PipelineExplanation implements StageListing {
  readonly counts: StageCounts;
  readonly entries: readonly ExplainedStage[];
  readonly settings: PipelineSettings;
  readonly verbosity: ExplainTarget['verbosity'];
  /** The pipelines of `$unionWith`, by entry. */
  readonly unions = new Map<ExplainedStage, PipelineExplanation>();
  readonly #explained: ExplainedPipeline;
  readonly #query: ExplainedQuery;
  readonly #choice: Choice | undefined;
  readonly #execution: ExplainExecution | undefined;

  constructor(explained: ExplainedPipeline, target: ExplainTarget) {
    const { settings, stages } = explained;
    const specs = writtenOut(stages);
    const { pushdown } = compilePipeline(specs.map(stageOf), { ...settings, watch: new StageCounts(() => false) });
    const isNear = specs[0]?.name === '$geoNear';
    const taken = isNear ? Math.max(pushdown.stages, 1) : pushdown.stages;
    const behind = explained.isSource ? specs.slice(taken) : behindCursor(specs.slice(taken));
    const projection = explained.isSource ? undefined : pushedProjection(behind, pushdown, settings.scope);
    const all = [...specs.slice(0, taken), ...behind];
    this.counts = new StageCounts((index) => all[index]?.name === '$group');
    const pipeline = compilePipeline(all.map(stageOf), { ...settings, watch: this.counts });
    const entries = explainedStages(all, projection === undefined ? taken : taken + 1);
    this.settings = settings;
    this.verbosity = target.verbosity;
    this.#explained = explained;
    // A query that is all of the pipeline shows whole documents.
    const needs = entries.length === 0 ? undefined : neededFields(behind.map(stageOf));
    this.#query = queryOf(explained, pipeline, projection ?? needs);
    this.#choice = explained.isSource ? undefined : planExplained(this.#query);
    this.entries = readsDistinct(this.#choice) ? overDistinct(entries, this.#query.group) : entries;
    for (const entry of this.entries) {
      const union = entry.spec.name === '$unionWith' ? unionOf(explained, entry.spec) : undefined;
      if (union !== undefined) this.unions.set(entry, new PipelineExplanation(union, target));
    }
    this.#execution = this.#executionOf(pipeline, taken, target);
  }

  /** Whether a query does all of it. */
  get isWhole(): boolean {
    return this.entries.length === 0 && !this.#explained.isSource;
  }

  /** What has to be run before anything is written: nothing for a plan alone. */
  executions(): ExplainExecution[] {
    const own = this.#execution === undefined ? [] : [this.#execution];
    return [...own, ...[...this.unions.values()].flatMap((union) => union.executions())];
  }

  /** `queryPlanner` and `executionStats`. */
  writeQuery(reply: BsonWriter): void {
    writeQueryPlanner(this.#query, this.#choice, reply, this.isWhole);
    this.#execution?.write();
  }

  /** The cursor and the stages, into the array that is open. */
  writeList(reply: BsonWriter): void {
    let i = 0;
    if (!this.#explained.isSource) {
      const isNear = this.#query.filter.predicate.kind === 'other' && this.#query.filter.isSpecial;
      reply.startSubdocument(i++).startSubdocument(isNear ? '$geoNearCursor' : '$cursor');
      this.writeQuery(reply);
      reply.end();
      this.writeCounts(reply, this.#execution?.returned() ?? 0);
      reply.end();
    }
    writeStages(this, { reply, first: i, returned: this.#execution?.returned() ?? 0 });
  }

  /** What every stage ends with. */
  writeCounts(reply: BsonWriter, returned: number): void {
    if (this.#execution === undefined) return;
    reply.int64('nReturned', returned).int64('executionTimeMillisEstimate', 0);
  }

  #executionOf(pipeline: CompiledPipeline, taken: number, target: ExplainTarget): ExplainExecution | undefined {
    if (target.verbosity === 'queryPlanner') return undefined;
    if (this.#explained.isSource) return drained(pipeline.open(new ListSource([]), 0));
    const from = pipeline.pushdown.stages;
    const through = taken === pipeline.stages.length ? undefined : (source: Source) => pipeline.open(source, from);
    return executeChoice(this.#query, this.#choice, target, through);
  }
}

/** Whether the query gives one document for each group. */
function readsDistinct(choice: Choice | undefined): boolean {
  const access = choice?.plan.access;
  return access?.kind === 'index' && access.distinct !== undefined;
}

/** The `$group` that comes first makes each group of its only document. */
function overDistinct(
  [first, ...others]: readonly ExplainedStage[],
  group: DistinctGroup | undefined,
): readonly ExplainedStage[] {
  if (group === undefined) return [first, ...others];
  const spec = documentSpec('$groupByDistinctScan', (writer) => {
    for (const [name, value] of group.fields) writer.value(name, value);
  });
  return [{ ...first, spec }, ...others];
}

/** Documents that come from the first stage. */
function drained(source: Source): ExplainExecution {
  return {
    advance() {
      for (;;) {
        const document = source.next();
        if (document === PAUSE) return 'pause';
        if (document === undefined) return 'done';
      }
    },
    resume() {},
    write() {},
    returned: () => 0,
  };
}

/** What a `$unionWith` reads; undefined when its pipeline brings its own documents. */
function unionOf(explained: ExplainedPipeline, { operand }: StageSpec): ExplainedPipeline | undefined {
  const { db } = explained.settings;
  if (operand.type === BSON_TYPE.string) return explained.over(`${db}.${stringOf(operand)}`, []);
  const coll = textIn(operand, 'coll');
  const pipeline = fieldsIn(operand).find(([name]) => name === 'pipeline')?.[1];
  if (coll === undefined) return undefined;
  return explained.over(`${db}.${coll}`, pipeline === undefined ? [] : stagesIn(pipeline));
}

/** What the leading stages ask of the collection. */
function queryOf(
  { ns, collection, hint, at, settings }: ExplainedPipeline,
  pipeline: CompiledPipeline,
  projection: Uint8Array | undefined,
): ExplainedQuery {
  const { filter = MATCH_ALL, sort, skip, limit } = pipeline.pushdown;
  const countsOnly = projection !== undefined && isEmptyDocument(projection) && sort === undefined;
  return {
    ns,
    collection,
    filter,
    sort,
    sortPattern: sort === undefined ? undefined : patternOf(sort),
    projection: projection === undefined ? undefined : ProjectionShape.of(projection),
    hint: hint === undefined ? undefined : resolveHint(hint, collection),
    skip,
    limit,
    at,
    purpose: { kind: countsOnly ? 'keys' : 'find' },
    group: pipeline.distinctGroup(),
    collation: settings.scope.order.collation?.document,
  };
}

function patternOf({ fields }: SortSpec): Uint8Array {
  const writer = new BsonWriter().startDocument();
  for (const { path, descending } of fields) writer.int32(path, descending ? -1 : 1);
  return writer.endDocument().finish();
}
