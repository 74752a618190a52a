/**
 * Aggregation pipelines: a chain of pull operators over a `Source`.
 *
 * Each stage is compiled once (`pipeline/stages.ts` is the table) and opened over the stage before it. Nothing is a
 * promise: `next` gives a document, the end, or PAUSE, which whoever drives the chain answers by giving the loop back.
 * The source at the bottom decides on pauses; `$sort` sorts in short runs, so that no single call takes long.
 *
 * A pipeline tells what storage could do in its place: leading `$match`, `$sort`, `$skip` and `$limit` (`pushdown`), and
 * whether all that is left then is to count (`countOnly`).
 */
import { CommandError, ConstantError, inContext } from '../base/command_error.ts';
import { PIPELINE_STAGES_MAX, SUB_PIPELINE_DEPTH_MAX } from '../base/limits.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE } from '../bson/types.ts';
import type { RawValue } from '../bson/value.ts';
import { BARE_SCOPE, type ExpressionScope } from './expression.ts';
import { nearNotAllowed, specialConditionsOf } from './match/special_conditions.ts';
import type { CompiledFilter } from './matcher.ts';
import { carrying } from './pipeline/carrying_source.ts';
import type { Source } from './pipeline/source.ts';
import type { CompiledPipeline, Pushdown } from './pipeline/compiled_pipeline.ts';
import { distinctGroupOf } from './pipeline/rewrite/distinct_group.ts';
import { neededFields } from './pipeline/rewrite/needed_fields.ts';
import { rewritePipeline } from './pipeline/rewrite/rewrite_pipeline.ts';
import { FieldPlaces } from './pipeline/field_places.ts';
import { carryingMetadata, IN_MEMORY, type StageMemory } from './pipeline/memory_budget.ts';
import type { Collections, PipelinePlace, PipelineWatch, Stage, StageContext, StageKind } from './pipeline/stage.ts';
import type { ListSystemDocuments } from './pipeline/system_request.ts';
import type { WriteSpec } from './pipeline/write_spec.ts';
import { SEARCH_STAGES, STAGE_BY_NAME, UNBUILT_STAGES } from './pipeline/stages.ts';
import type { SortSpec } from './sort.ts';
import { itemsOf } from './update/array_value.ts';

export type { CompiledPipeline, Pushdown } from './pipeline/compiled_pipeline.ts';

/** What a pipeline runs among. */
export interface PipelineSettings {
  readonly scope: ExpressionScope;
  readonly db: string;
  /** What the pipeline is about: a collection, or `db.$cmd.aggregate`. */
  readonly ns: string;
  readonly system: ListSystemDocuments;
  /** What each stage may keep; absent: without a disk. */
  readonly memory?: StageMemory;
  readonly collections: Collections;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Sees what every stage gives; the pipeline is run in the order in which it is written then. */
  readonly watch?: PipelineWatch;
}

/** A pipeline with nothing around it. */
const BARE_SETTINGS: PipelineSettings = {
  scope: BARE_SCOPE,
  db: '',
  ns: '',
  system: () => {
    throw new CommandError('NotImplemented', 'there is no server here');
  },
  collections: {
    open: (ns) => {
      throw new CommandError('NotImplemented', `there is no collection ${ns} here`);
    },
  },
  random: () => {
    throw new CommandError('NotImplemented', 'there is no chance here');
  },
};

/** Compiles the stages of an aggregate command, which must not change afterwards. */
export function compilePipeline(
  stages: readonly Uint8Array[],
  settings: PipelineSettings = BARE_SETTINGS,
): CompiledPipeline {
  try {
    return compileUpdateStages(stages, settings);
  } catch (error) {
    throw error instanceof ConstantError ? inContext(error, 'Failed to optimize pipeline') : error;
  }
}

/** The stages of an update: what is constant in them is not told apart. */
export function compileUpdateStages(stages: readonly Uint8Array[], settings: PipelineSettings): CompiledPipeline {
  return compileStages(stages, contextOf(settings, 'command', 0));
}

function contextOf(settings: PipelineSettings, place: PipelinePlace, depth: number): StageContext {
  return {
    ...settings,
    memory: carryingMetadata(settings.memory ?? IN_MEMORY, settings.scope.metadata),
    places: new FieldPlaces(),
    place,
    depth,
    compile(stages, inner, scope, ns = settings.ns) {
      const innerScope = inner === 'facet' ? scope : scope.withOwnMetadata();
      const { watch: _, ...rest } = settings;
      const watch = inner === 'facet' ? settings.watch?.inside() : undefined;
      const innerSettings = watch === undefined ? rest : { ...rest, watch };
      return compileInner(stages, contextOf({ ...innerSettings, scope: innerScope, ns }, inner, depth + 1));
    },
  };
}

function compileInner(stages: RawValue, context: StageContext): CompiledPipeline {
  if (context.depth > SUB_PIPELINE_DEPTH_MAX) {
    throw new CommandError(232, `Maximum number of nested sub-pipelines exceeded. Limit is ${SUB_PIPELINE_DEPTH_MAX}`);
  }
  if (stages.type !== BSON_TYPE.array) {
    throw new CommandError('TypeMismatch', "'pipeline' option must be specified as an array");
  }
  const documents = itemsOf(stages).map((stage) => {
    if (stage.type !== BSON_TYPE.object) {
      throw new CommandError('TypeMismatch', "Each element of the 'pipeline' array must be an object");
    }
    return stage.bytes.subarray(stage.start, stage.end);
  });
  return compileStages(documents, context);
}

/** Compiles what was written, which tells errors, and then what is better to run. */
function compileStages(stages: readonly Uint8Array[], context: StageContext): CompiledPipeline {
  const written = compileInOrder(stages, context);
  if (context.watch !== undefined) return written;
  const better = rewritePipeline(stages);
  return better === stages ? written : compileInOrder(better, context);
}

function compileInOrder(stages: readonly Uint8Array[], context: StageContext): CompiledPipeline {
  if (stages.length > PIPELINE_STAGES_MAX) {
    throw new CommandError(7749501, `Pipeline length must be no longer than ${PIPELINE_STAGES_MAX} stages`);
  }
  const { watch } = context;
  const places = new FieldPlaces();
  const compiled = stages.flatMap((spec, i) => {
    watch?.enter(i);
    const placed = places.length;
    const stage = compileStage(spec, { ...context, places }, { isFirst: i === 0, isLast: i === stages.length - 1 });
    if (stage.kind === 'other' && places.length === placed) places.interrupt();
    if (stage.kind !== 'match' || stage.next === undefined) return [watched(stage, i, watch)];
    return [stage, watched(stage.next, i, watch)];
  });
  const pushdown = pushdownOf(compiled);
  const [next] = compiled.slice(pushdown.stages);
  const isCount = next?.kind === 'count' && pushdown.stages === compiled.length - 1;
  return {
    stages,
    needs: once(() => neededFields(stages.slice(stages.length - compiled.length + pushdown.stages))),
    distinctGroup: once(() => {
      const isWhole = pushdown.skip === 0 && pushdown.limit === Infinity && stages.length === compiled.length;
      const isSimple = context.scope.order.collation === undefined;
      return isWhole && isSimple ? distinctGroupOf(stages[pushdown.stages]) : undefined;
    }),
    isSource: stages.length > 0 && firstKind(stages[0])?.isSource === true,
    pushdown,
    sampleSize: sampleSizeOf(compiled),
    write: writeOf(compiled),
    countOnly: isCount ? (count) => next.result(count) : undefined,
    open: (source, from) => openStages(compiled, source, from),
  };
}

/** The stage, with what it gives seen. */
function watched(stage: Stage, index: number, watch: PipelineWatch | undefined): Stage {
  if (watch === undefined) return stage;
  if (stage.kind === 'sort') {
    return { ...stage, open: (source, limit) => watch.over(stage.open(source, limit), index) };
  }
  return { ...stage, open: (source: Source) => watch.over(stage.open(source), index) };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function sampleSizeOf([first]: readonly Stage[]): number | undefined {
  return first?.kind === 'sample' ? first.size : undefined;
}

function writeOf(stages: readonly Stage[]): WriteSpec | undefined {
  const last = stages.at(-1);
  return last?.kind === 'write' ? last.write : undefined;
}

function firstKind(stage: Uint8Array): StageKind | undefined {
  const reader = new ElementReader(stage);
  return reader.next() ? STAGE_BY_NAME.get(reader.name()) : undefined;
}

interface Position {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

function compileStage(stage: Uint8Array, context: StageContext, position: Position): Stage {
  const reader = new ElementReader(stage);
  const hasOne = reader.next();
  const name = hasOne ? reader.name() : '';
  const operand = hasOne ? reader.value() : undefined;
  if (operand === undefined || reader.next()) {
    throw new CommandError(40323, 'A pipeline stage specification object must contain exactly one field.');
  }
  const kind = STAGE_BY_NAME.get(name);
  if (kind !== undefined) {
    checkPlace(kind, context.place, position);
    const compiled = kind.parse(operand, context);
    if (compiled.kind === 'match' && kind.name === '$match') checkMatch(compiled.filter, context.place, position);
    if (compiled.kind === 'other' && kind.isOneByOne === true) return carrying(compiled, context.scope.metadata);
    return compiled;
  }
  refuseForeign(name);
  const unbuilt = UNBUILT_STAGES.get(name);
  if (unbuilt !== undefined) checkPlace(unbuilt, context.place, position);
  if (unbuilt !== undefined) throw new CommandError('NotImplemented', `the stage ${name} is not implemented`);
  throw new CommandError(40324, `Unrecognized pipeline stage name: '${name}'`);
}

/** Whether a replica set has a stage of that name, here or in MongoDB. */
export function isStageName(name: string): boolean {
  return STAGE_BY_NAME.has(name) || UNBUILT_STAGES.has(name) || SEARCH_STAGES.has(name);
}

/** Stages that only other kinds of deployment have, with the errors of a replica set of MongoDB's. */
function refuseForeign(name: string): void {
  if (SEARCH_STAGES.has(name)) {
    throw new CommandError(
      'SearchNotEnabled',
      'Using $search and $vectorSearch aggregation stages requires additional configuration: they exist on Atlas only',
    );
  }
  if (name === '$shardedDataDistribution') {
    throw new CommandError(6789101, 'The $shardedDataDistribution stage can only be run on mongos');
  }
}

/** Conditions that only an index answers are not for documents that come from elsewhere. */
function checkMatch({ predicate }: CompiledFilter, place: PipelinePlace, { isFirst }: Position): void {
  const special = specialConditionsOf(predicate);
  if (special.nears > 0) throw nearNotAllowed();
  if (special.texts === 0) return;
  if (!isFirst) throw new CommandError(17_313, '$match with $text is only allowed as the first pipeline stage');
  if (place === 'facet') {
    throw new CommandError(40_218, 'query requires text score metadata, but it is not available');
  }
}

function checkPlace(
  { name, notIn, position }: Omit<StageKind, 'parse'>,
  place: PipelinePlace,
  { isFirst, isLast }: Position,
): void {
  if (notIn?.has(place) === true) {
    switch (place) {
      case 'lookup':
        throw new CommandError(51047, `${name} is not allowed within a $lookup's sub-pipeline`);
      case 'unionWith':
        throw new CommandError(31441, `${name} is not allowed within a $unionWith's sub-pipeline`);
      default:
        throw new CommandError(40600, `${name} is not allowed to be used within a $facet stage`);
    }
  }
  if (position === 'first' && !isFirst) {
    throw new CommandError(40602, `${name} is only valid as the first stage in a pipeline.`);
  }
  if (position === 'last' && !isLast) {
    throw new CommandError(40601, `${name} can only be the final stage in the pipeline`);
  }
}

/** One stage of each kind, in the order match, sort, skip, limit. */
function pushdownOf(stages: readonly Stage[]): Pushdown {
  let at = 0;
  let filter: CompiledFilter | undefined;
  let sort: SortSpec | undefined;
  let skip = 0;
  let limit = Infinity;
  const peek = (): Stage | undefined => stages[at];
  let stage = peek();
  if (stage?.kind === 'match') {
    ({ filter } = stage);
    at++;
    stage = peek();
  }
  if (stage?.kind === 'sort') {
    sort = stage.spec;
    at++;
    stage = peek();
  }
  if (stage?.kind === 'skip') {
    skip = stage.count;
    at++;
    stage = peek();
  }
  if (stage?.kind === 'limit') {
    limit = stage.count;
    at++;
  }
  return { filter, sort, skip, limit, stages: at };
}

function openStages(stages: readonly Stage[], source: Source, from: number): Source {
  let opened = source;
  for (let i = from; i < stages.length; i++) {
    const stage = stages[i];
    opened = stage.kind === 'sort' ? stage.open(opened, takenAfter(stages, i + 1)) : stage.open(opened);
  }
  return opened;
}

/** How many documents the stages from `from` on can take: a sort need not keep more. */
function takenAfter(stages: readonly Stage[], from: number): number {
  let skipped = 0;
  for (const stage of stages.slice(from)) {
    if (stage.kind === 'skip') skipped += stage.count;
    else if (stage.kind === 'limit') return skipped + stage.count;
    else break;
  }
  return Infinity;
}
