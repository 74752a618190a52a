import { CommandError, inContext } from '../../base/command_error.ts';
import { TIMESTAMP_MAX, type Timestamp } from '../../base/optime.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias, type ValueSpan } from '../../bson/types.ts';
import { numberOf, type RawValue } from '../../bson/value.ts';
import type { MemberData } from '../../database/member_data.ts';
import { Turn } from '../../database/turn.ts';
import { refuseView, resolveView } from '../../database/catalog/views.ts';
import { compilePipeline, isStageName } from '../../query/pipeline.ts';
import { checkStrictStages } from '../api_strict.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { FIRST_BATCH_DOCUMENTS, openCursor, readPoint } from './cursor_reply.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { valueOrderFor, viewOrderFor } from './collation_argument.ts';
import { explainPipeline, type ExplainedPipeline } from '../explain/explain_aggregate.ts';
import type { ExplainTarget } from '../explain/explain_reply.ts';
import { expressionScope } from './expression_scope.ts';
import { ForeignCollections, pipelineSettings } from './foreign_collections.ts';
import { wrongType } from '../fields.ts';
import { readNamespace } from '../namespace.ts';
import { checkOutput, runOutput, writesItsDocuments } from './pipeline_output.ts';
import { openPipelineOn } from './pipeline_query.ts';
import { stageMemory } from './stage_memory.ts';

export const aggregateCommand: Command = {
  name: 'aggregate',
  secondary: 'optIn',
  writesIn: writesItsDocuments,
  readConcerns: ['available', 'majority', 'linearizable'],
  isApiVersion1: true,
  help: 'runs documents through the stages of a pipeline',
  run(request, context, reply) {
    const { data } = context;
    const aggregate = parseAggregate(request);
    if (aggregate.isExplained) {
      return explainAggregate(request, { context, reply, verbosity: 'queryPlanner', command: request.body });
    }
    const isAboutCollection = checkTarget(request, aggregate);
    const ns = isAboutCollection ? readNamespace(request, data) : `${request.db}.$cmd.aggregate`;
    const readAt = readPoint(request, context, ns);
    const turn = new Turn(context.env.clock);
    const settled: Settled = { aggregate, ns, isAboutCollection, readAt, turn };
    const { query, subjects, write } = openAggregate(settled, request, context);
    const cursor = {
      ns,
      query,
      subjects,
      batchSize: aggregate.batchSize,
      isSingleBatch: false,
      isTailable: false,
      isAwaitData: false,
      hasTimeout: true,
      readAt: ns.startsWith('local.') ? () => TIMESTAMP_MAX : readAt,
    };
    try {
      const running =
        write === undefined
          ? openCursor(cursor, request, context, reply)
          : runOutput({ ...cursor, write, bypassesValidation: aggregate.bypassesValidation }, context, reply);
      return running?.catch(failRun);
    } catch (error) {
      return failRun(error);
    }
  },
};

/** The command is explained whether or not it says so itself. */
export function explainAggregate(request: CommandRequest, target: ExplainTarget): Promise<void> | undefined {
  const { context } = target;
  const aggregate = parseAggregate(request, true);
  const isAboutCollection = checkTarget(request, aggregate);
  const ns = isAboutCollection ? readNamespace(request, context.data) : `${request.db}.$cmd.aggregate`;
  return explainParsed({ aggregate, ns, isAboutCollection }, request, target);
}

/** What another command comes to on a view. */
export function explainOnView(
  ns: string,
  read: Pick<Aggregate, 'pipeline' | 'hint' | 'variables' | 'collation'>,
  request: CommandRequest,
  target: ExplainTarget,
): Promise<void> | undefined {
  const rest = { batchSize: 0, isExplained: true, allowDiskUse: undefined, bypassesValidation: false };
  return explainParsed({ aggregate: { ...read, ...rest }, ns, isAboutCollection: true }, request, target);
}

function explainParsed(
  parsed: Pick<Settled, 'aggregate' | 'ns' | 'isAboutCollection'>,
  request: CommandRequest,
  target: ExplainTarget,
): Promise<void> | undefined {
  const { context } = target;
  const { aggregate, ns, isAboutCollection } = parsed;
  const readAt = readPoint(request, context, ns);
  const settled: Settled = { ...parsed, readAt, turn: new Turn(context.env.clock) };
  const { target: opened, stages, settings } = compileAggregate(settled, request, context);
  const { foreign, hint } = opened;
  const isSource = !isAboutCollection || VIRTUAL_STAGES.has(firstStageName(aggregate));
  const explainedOver = (over: string, list: readonly Uint8Array[], ownSource: boolean): ExplainedPipeline => {
    const view = ownSource ? undefined : resolveView(context.data.catalog, over);
    const below = view?.ns ?? over;
    return {
      ns: below,
      collection: ownSource ? undefined : context.data.catalog.find(below),
      isSource: ownSource,
      stages: view === undefined ? list : [...view.pipeline, ...list],
      settings: { ...settings, ns: below, collections: foreign },
      hint: over === opened.ns ? hint : undefined,
      at: readAt(),
      over: (other, inner) => explainedOver(other, inner, false),
    };
  };
  return explainPipeline(explainedOver(opened.ns, stages, isSource), target);
}

/** First stages that make documents about the collection. */
const VIRTUAL_STAGES = new Set(['$collStats', '$indexStats', '$planCacheStats']);

interface Settled {
  readonly aggregate: Aggregate;
  /** What the cursor is called. */
  readonly ns: string;
  readonly isAboutCollection: boolean;
  readonly readAt: () => Timestamp;
  readonly turn: Turn;
}

function openAggregate(settled: Settled, request: CommandRequest, context: CommandContext) {
  const { target, write } = compileAggregate(settled, request, context);
  return { ...openPipelineOn(target, context.data), write };
}

/** Whether latencies of a view itself are asked for: its pipeline does not run then. It has no other statistics. */
function isAboutItself(ns: string, { pipeline }: Aggregate, { catalog }: MemberData): boolean {
  const stage = new ElementReader(pipeline[0] ?? EMPTY_DOCUMENT);
  if (!stage.next() || stage.name() !== '$collStats') return false;
  if (stage.type !== BSON_TYPE.object) return true;
  const fields = new ElementReader(stage.bytes, stage.start);
  while (fields.next()) if (fields.name() !== 'latencyStats') refuseView(catalog, ns);
  return true;
}

/** Compiles the pipeline, after those of the view it is about. */
function compileAggregate(settled: Settled, request: CommandRequest, context: CommandContext) {
  const { aggregate, ns, isAboutCollection, readAt, turn } = settled;
  const { data } = context;
  if (request.apiStrict === true) checkStrictStages(aggregate.pipeline);
  const resolved = isAboutCollection ? resolveView(data.catalog, ns) : undefined;
  const view = resolved !== undefined && isAboutItself(ns, aggregate, data) ? undefined : resolved;
  const { collation, variables } = aggregate;
  const order = view === undefined ? valueOrderFor(collation, data.catalog.find(ns)) : viewOrderFor(collation, view);
  const scope = expressionScope(context, { variables, order, turn });
  const memory = stageMemory(context, aggregate.allowDiskUse);
  const settings = pipelineSettings(view?.ns ?? ns, scope, context, memory);
  const foreign = new ForeignCollections({ data, turn, readAt, settings });
  const stages = view === undefined ? aggregate.pipeline : [...view.pipeline, ...aggregate.pipeline];
  const pipeline = compilePipeline(stages, { ...settings, collections: foreign });
  foreign.checkViews(stages);
  if (isAboutCollection && pipeline.isSource) {
    throw new CommandError(
      'InvalidNamespace',
      "{aggregate: 'collection'} is not valid for '$documents'; {aggregate: 1} is required.",
    );
  }
  const { write } = pipeline;
  if (write !== undefined) checkOutput(write, request, context);
  const target = { ns: view?.ns ?? ns, pipeline, foreign, hint: aggregate.hint, memory, readAt, turn };
  return { target, stages, write, settings };
}

function failRun(error: unknown): never {
  throw inContext(error, 'PlanExecutor error during aggregation');
}

interface Aggregate {
  readonly pipeline: readonly Uint8Array[];
  readonly batchSize: number;
  readonly isExplained: boolean;
  readonly hint: RawValue | undefined;
  readonly variables: Uint8Array | undefined;
  readonly collation: Uint8Array | undefined;
  readonly allowDiskUse: boolean | undefined;
  readonly bypassesValidation: boolean;
}

const IGNORED_FLAGS = new Set(['fromMongos', 'needsMerge']);

/** `isExplained`: it is explained from outside. */
function parseAggregate(request: CommandRequest, isExplained = false): Aggregate {
  let pipeline: readonly Uint8Array[] | undefined;
  let batchSize: number | undefined;
  const flags: Flags = { allowDiskUse: undefined, bypassesValidation: false, isExplained: false };
  let hint: RawValue | undefined;
  let variables: Uint8Array | undefined;
  let collation: Uint8Array | undefined;
  const args = Arguments.ofCommand('aggregate', request.body);
  while (args.next()) {
    if (args.name === 'pipeline') pipeline = parsePipeline(args);
    else if (args.name === 'cursor') batchSize = parseCursor(args);
    else if (args.name === 'hint') hint = args.hint();
    else if (args.name === 'collation') collation = args.document();
    else if (args.name === 'let') variables = args.document();
    else takeFlag(flags, args);
  }
  if (pipeline === undefined) throw noPipeline();
  if (batchSize === undefined && !flags.isExplained && !isExplained) {
    const text = "The 'cursor' option is required, except for aggregate with the explain argument";
    throw new CommandError('FailedToParse', text);
  }
  return { pipeline, batchSize: batchSize ?? 0, hint, variables, collation, ...flags };
}

interface Flags {
  allowDiskUse: boolean | undefined;
  bypassesValidation: boolean;
  isExplained: boolean;
}

function takeFlag(flags: Flags, args: Arguments): void {
  if (args.name === 'allowDiskUse') flags.allowDiskUse = diskUse(args);
  else if (args.name === 'bypassDocumentValidation') flags.bypassesValidation = args.flag();
  else if (args.name === 'explain') flags.isExplained = explainFlag(args);
  else if (IGNORED_FLAGS.has(args.name)) args.flag();
  else refuseUnknown(args);
}

function explainFlag(args: Arguments): boolean {
  if (args.value.type === BSON_TYPE.bool) return args.bool();
  throw new CommandError('TypeMismatch', `explain must be a boolean, not a ${typeAlias(args.value.type)}`);
}

/** Aggregate has its own words for it. */
function refuseUnknown(args: Arguments): void {
  try {
    args.refuseUnknown();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError('FailedToParse', `unrecognized field '${args.name}'`, {}, { cause: error });
  }
}

function noPipeline(): CommandError {
  return new CommandError('TypeMismatch', "'pipeline' option must be specified as an array");
}

function parsePipeline(args: Arguments): Uint8Array[] {
  if (args.value.type !== BSON_TYPE.array) {
    throw noPipeline();
  }
  const stages: Uint8Array[] = [];
  const items = new ElementReader(args.value.bytes, args.value.start);
  while (items.next()) {
    if (items.type !== BSON_TYPE.object) {
      throw new CommandError('TypeMismatch', "Each element of the 'pipeline' array must be an object");
    }
    stages.push(items.bytes.subarray(items.start, items.end));
  }
  return stages;
}

function parseCursor(args: Arguments): number {
  const { value } = args;
  if (value.type !== BSON_TYPE.object) {
    throw new CommandError('TypeMismatch', 'cursor field must be missing or an object');
  }
  return batchSizeOf(value.bytes, value.start);
}

function diskUse(args: Arguments): boolean {
  if (args.value.type === BSON_TYPE.bool) return args.bool();
  const type = typeAlias(args.value.type);
  throw new CommandError('TypeMismatch', `allowDiskUse must be a boolean, not a ${type}`);
}

/** The `batchSize` of a `cursor` document, as aggregate and the commands that list things take it. */
export function batchSizeOf(bytes: Uint8Array, at: number, byDefault = FIRST_BATCH_DOCUMENTS): number {
  const inner = Arguments.ofDocument('parseCommandCursorOptions', bytes, at);
  let batchSize = byDefault;
  while (inner.next()) {
    if (inner.name === 'batchSize') batchSize = batchSizeValue(inner.value);
    else inner.refuseUnknown();
  }
  return batchSize;
}

function batchSizeValue(value: ValueSpan): number {
  if (!isNumericType(value.type)) {
    throw wrongType('parseCommandCursorOptions.batchSize', value, 'long', 'int', 'decimal', 'double');
  }
  const batchSize = Math.trunc(numberOf(value));
  if (batchSize >= 0) return batchSize;
  throw new CommandError(51_024, `BSON field 'batchSize' value must be >= 0, actual value '${batchSize}'`);
}

const DATABASE_STAGES = new Set(['$currentOp', '$documents', '$listLocalSessions']);

/** Whether the pipeline is about a collection; else its first stage must bring its own documents. */
function checkTarget(request: CommandRequest, aggregate: Aggregate): boolean {
  const reader = new ElementReader(request.body);
  reader.next();
  if (reader.type === BSON_TYPE.string || reader.type === BSON_TYPE.binData) return true;
  if (!isNumericType(reader.type) || numberOf(reader) !== 1) {
    const text = "Invalid command format: the 'aggregate' field must specify a collection name or 1";
    throw new CommandError('FailedToParse', text);
  }
  const name = firstStageName(aggregate);
  if (DATABASE_STAGES.has(name) || (name !== '' && !isStageName(name))) return false;
  const text =
    name === ''
      ? '{aggregate: 1} is not valid for an empty pipeline.'
      : `{aggregate: 1} is not valid for '${name}'; a collection is required.`;
  throw new CommandError('InvalidNamespace', text);
}

function firstStageName({ pipeline }: Aggregate): string {
  const stage = new ElementReader(pipeline[0] ?? EMPTY_DOCUMENT);
  return stage.next() ? stage.name() : '';
}
