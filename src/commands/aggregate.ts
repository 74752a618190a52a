import { CommandError, inContext } from '../base/command_error.ts';
import { TIMESTAMP_MAX, type Timestamp } from '../base/optime.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../bson/types.ts';
import { numberOf, type RawValue } from '../bson/value.ts';
import type { Collection } from '../database/collection.ts';
import { CountRun } from '../database/count_run.ts';
import { OplogSource } from '../database/oplog_query.ts';
import { resolveHint, type Hint } from '../database/plan.ts';
import { fixedQuery, ListSource, openFind, type RunningQuery } from '../database/running_query.ts';
import { Turn } from '../database/turn.ts';
import { compileFilter, type CompiledFilter } from '../query/matcher.ts';
import { compilePipeline, type CompiledPipeline } from '../query/pipeline.ts';
import { PAUSE, type Source } from '../query/pipeline/source.ts';
import { Arguments } from './arguments.ts';
import type { Command, CommandRequest } from './context.ts';
import { FIRST_BATCH_DOCUMENTS, openCursor, readPoint, virtualDocuments } from './cursor_reply.ts';
import { EMPTY_DOCUMENT } from './empty_document.ts';
import { expressionScope } from './expression_scope.ts';
import { ForeignCollections } from './foreign_collections.ts';
import { wrongType } from './fields.ts';
import { OPLOG_NS, readNamespace } from './namespace.ts';
import { checkOutput, runOutput, writesItsDocuments } from './pipeline_output.ts';
import { systemDocuments } from './system_documents.ts';
import { refuseCollation } from './update.ts';

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
    const isAboutCollection = checkTarget(request, aggregate);
    const ns = isAboutCollection ? readNamespace(request, data) : `${request.db}.$cmd.aggregate`;
    const readAt = readPoint(request, context, ns);
    const turn = new Turn(context.env.clock);
    const foreign = new ForeignCollections(data, turn, readAt);
    const pipeline = compilePipeline(aggregate.pipeline, {
      scope: expressionScope(context, aggregate.variables),
      db: request.db,
      ns,
      system: (wanted) => systemDocuments(wanted, context),
      collections: foreign,
      random: () => context.env.random.uint32() / 2 ** 32,
    });
    if (isAboutCollection && pipeline.isSource) {
      throw new CommandError(
        'InvalidNamespace',
        "{aggregate: 'collection'} is not valid for '$documents'; {aggregate: 1} is required.",
      );
    }
    const { write } = pipeline;
    if (write !== undefined) checkOutput(write, request, context);
    const collection = data.catalog.find(ns);
    const hint = aggregate.hint === undefined ? undefined : resolveHint(aggregate.hint, collection);
    let query: RunningQuery;
    if (collection !== undefined) {
      query = openPipeline({ collection, pipeline, foreign, hint, at: readAt(), turn });
    } else if (ns === OPLOG_NS) {
      const filter = pipeline.pushdown.filter ?? MATCH_ALL;
      const visible = (): Timestamp => data.readTimestamp;
      const source = new OplogSource(data.oplog, { filter, reverse: false, visible }, turn);
      query = { ...fixedQuery(pipeline.open(source, 0), turn), moveTo: (to) => foreign.moveTo(to) };
    } else {
      const documents = virtualDocuments(ns, data, readAt()) ?? [];
      query = { ...fixedQuery(pipeline.open(new ListSource(documents), 0), turn), moveTo: (to) => foreign.moveTo(to) };
    }
    const cursor = {
      ns,
      query,
      subjects: collection === undefined ? [] : [collection],
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
          : runOutput({ ...cursor, write }, context, reply);
      return running?.catch(failRun);
    } catch (error) {
      return failRun(error);
    }
  },
};

function failRun(error: unknown): never {
  throw inContext(error, 'PlanExecutor error during aggregation');
}

const MATCH_ALL: CompiledFilter = compileFilter(EMPTY_DOCUMENT);

interface Aggregate {
  readonly pipeline: readonly Uint8Array[];
  readonly batchSize: number;
  readonly hint: RawValue | undefined;
  readonly variables: Uint8Array | undefined;
}

const IGNORED_FLAGS = new Set(['allowDiskUse', 'bypassDocumentValidation', 'fromMongos', 'needsMerge']);

function parseAggregate(request: CommandRequest): Aggregate {
  let pipeline: readonly Uint8Array[] | undefined;
  let batchSize: number | undefined;
  let hint: RawValue | undefined;
  let variables: Uint8Array | undefined;
  const args = Arguments.ofCommand('aggregate', request.body);
  while (args.next()) {
    if (args.name === 'pipeline') pipeline = parsePipeline(args);
    else if (args.name === 'cursor') batchSize = parseCursor(args);
    else if (args.name === 'hint') hint = args.hint();
    else if (args.name === 'collation') refuseCollation(args);
    else if (args.name === 'let') variables = args.document();
    else if (args.name === 'explain') args.refuseUnsupported();
    else if (IGNORED_FLAGS.has(args.name)) args.flag();
    else refuseUnknown(args);
  }
  if (pipeline === undefined) throw noPipeline();
  if (batchSize === undefined) {
    const text = "The 'cursor' option is required, except for aggregate with the explain argument";
    throw new CommandError('FailedToParse', text);
  }
  return { pipeline, batchSize, hint, variables };
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

/** The `batchSize` of a `cursor` document, as aggregate and the commands that list things take it. */
export function batchSizeOf(bytes: Uint8Array, at: number, byDefault = FIRST_BATCH_DOCUMENTS): number {
  const inner = Arguments.ofDocument('cursor', bytes, at);
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
  const [first] = aggregate.pipeline;
  const stage = new ElementReader(first ?? EMPTY_DOCUMENT);
  const name = stage.next() ? stage.name() : '';
  if (DATABASE_STAGES.has(name)) return false;
  const text = `{aggregate: 1} is not valid for '${name}'; a collection is required.`;
  throw new CommandError('InvalidNamespace', text);
}

interface PipelineRequest {
  readonly collection: Collection;
  readonly pipeline: CompiledPipeline;
  readonly foreign: ForeignCollections;
  readonly hint: Hint | undefined;
  readonly at: Timestamp;
  readonly turn: Turn;
}

function openPipeline(request: PipelineRequest): RunningQuery {
  const { collection, pipeline, foreign, hint, at, turn } = request;
  const { filter = MATCH_ALL, sort, skip, limit, stages } = pipeline.pushdown;
  if (pipeline.countOnly !== undefined) return openCount(request, pipeline.countOnly);
  const below = openFind({ collection, filter, sort, skip, limit, hint, projection: undefined, at, turn });
  const source = pipeline.open(below.source, stages);
  const moveTo = (to: Timestamp): void => {
    below.moveTo(to);
    foreign.moveTo(to);
  };
  return { source, turn, projection: undefined, isEnded: () => false, moveTo };
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
