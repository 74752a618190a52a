import { CommandError, inContext } from '../../base/command_error.ts';
import { ERROR_CODES, isInterruption, isNotPrimaryError, isShutdownError } from '../../base/error_codes.ts';
import { isEmptyDocument, ElementReader } from '../../bson/elements.ts';
import { readOpTime } from '../../bson/optime.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { DeleteRun } from '../../database/run/delete_run.ts';
import { idOf } from '../../database/insertable.ts';
import type { MemberData } from '../../database/member_data.ts';
import { resolveHint, type Hint } from '../../database/planner/plan.ts';
import { shapedFilter } from '../../database/prepared/shaped_filter.ts';
import type { RetryableSession } from '../../database/sessions.ts';
import { Turn } from '../../database/turn.ts';
import { UpdateRun } from '../../database/run/update_run.ts';
import { EntryView } from '../../oplog/entry.ts';
import { describeDocument } from '../../query/describe.ts';
import { compileFilter, type CompiledFilter } from '../../query/matcher.ts';
import { compileProjection, type Projection } from '../../query/projection.ts';
import { compileSort, type SortSpec } from '../../query/sort.ts';
import { compileUpdate, type CompiledUpdate } from '../../query/update.ts';
import { BINARY_ORDER } from '../../query/value_order.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { valueOrderFor } from '../query/collation_argument.ts';
import { expressionScope } from '../query/expression_scope.ts';
import { checkWritable, writeNamespace } from '../namespace.ts';
import { isUpdateValue } from './update.ts';
import { lostHistory, retryableSession, runBatch, statementOf, type BatchRun } from './write_batch.ts';

export const findAndModifyCommand: Command = {
  name: 'findAndModify',
  aliases: ['findandmodify'],
  secondary: 'never',
  isWrite: true,
  isRetryableWrite: true,
  isApiVersion1: true,
  help: 'changes or removes one document and returns it as it was before or is after',
  run(request, context, reply) {
    const { data } = context;
    const ns = writeNamespace(request);
    const args = parseFindAndModify(request);
    checkArguments(args);
    checkWritable(ns, data);
    const compiled = compile(args, ns, context);
    const session = retryableSession(request, data);
    const executed = session?.executed(args.stmtId);
    if (executed !== undefined) {
      writeOutcome(reply, repeated(args, data.oplog.find(executed), data), compiled.projection);
      return undefined;
    }
    const run = new FindAndModifyRun(data, compiled, session, new Turn(context.env.clock));
    const waiting = runBatch(run, context, run.turn);
    if (waiting === undefined) writeOutcome(reply, run.outcome(), compiled.projection);
    return waiting?.then(() => writeOutcome(reply, run.outcome(), compiled.projection));
  },
};

interface FindAndModify {
  query: Uint8Array;
  update: RawValue | undefined;
  remove: boolean;
  returnNew: boolean;
  upsert: boolean;
  sort: Uint8Array | undefined;
  fields: Uint8Array | undefined;
  arrayFilters: RawValue | undefined;
  hint: RawValue | undefined;
  stmtId: number;
  collation: Uint8Array | undefined;
  /** The `let`. */
  variables: Uint8Array | undefined;
  readonly body: Uint8Array;
  bypassesValidation: boolean;
  keepsEmptyTimestamps: boolean;
}

/** What may be null, as if it were not given. */
const OPTIONAL = new Set([
  ...['query', 'sort', 'fields', 'collation', 'let', 'remove', 'new', 'upsert', 'stmtId'],
  ...['bypassDocumentValidation', 'bypassEmptyTsReplacement'],
]);

/** Throws CommandError for bad arguments. */
export function parseFindAndModify(request: CommandRequest): FindAndModify {
  const parsed: FindAndModify = {
    query: EMPTY_DOCUMENT,
    update: undefined,
    remove: false,
    returnNew: false,
    bypassesValidation: false,
    keepsEmptyTimestamps: false,
    upsert: false,
    sort: undefined,
    fields: undefined,
    arrayFilters: undefined,
    hint: undefined,
    stmtId: 0,
    collation: undefined,
    variables: undefined,
    body: request.body,
  };
  const args = Arguments.ofCommand('findAndModify', request.body, OPTIONAL);
  while (args.next()) if (!takeDocument(parsed, args)) takeFlag(parsed, args);
  return parsed;
}

function takeDocument(parsed: FindAndModify, args: Arguments): boolean {
  switch (args.name) {
    case 'query':
      parsed.query = args.document();
      return true;
    case 'update':
      parsed.update = args.raw();
      return true;
    case 'sort':
      parsed.sort = args.document();
      return true;
    case 'fields':
      parsed.fields = args.document();
      return true;
    case 'arrayFilters':
      args.documents();
      parsed.arrayFilters = args.raw();
      return true;
    case 'hint':
      parsed.hint = args.hint();
      return true;
    case 'collation':
      parsed.collation = args.document();
      return true;
    case 'let':
      parsed.variables = args.document();
      return true;
    default:
      return false;
  }
}

function takeFlag(parsed: FindAndModify, args: Arguments): void {
  switch (args.name) {
    case 'remove':
      parsed.remove = args.flag();
      return;
    case 'new':
      parsed.returnNew = args.flag();
      return;
    case 'upsert':
      parsed.upsert = args.flag();
      return;
    case 'stmtId':
      parsed.stmtId = args.int32();
      return;
    case 'bypassDocumentValidation':
      parsed.bypassesValidation = args.flag();
      return;
    case 'bypassEmptyTsReplacement':
      parsed.keepsEmptyTimestamps = args.flag();
      return;
    case 'runtimeConstants':
      args.refuseUnsupported();
      return;
    default:
      args.refuseUnknown();
  }
}

export function checkArguments(args: FindAndModify): void {
  const { update, remove, returnNew, upsert, arrayFilters } = args;
  if (update === undefined && !remove) throw bad('Either an update or remove=true must be specified');
  if (update !== undefined) {
    if (remove) throw bad('Cannot specify both an update and remove=true');
    if (!isUpdateValue(update)) throw bad('Update argument must be either an object or an array');
    if (arrayFilters !== undefined && update.type === BSON_TYPE.array) {
      throw bad('Cannot specify arrayFilters and a pipeline update');
    }
    return;
  }
  if (arrayFilters !== undefined) throw bad('Cannot specify arrayFilters and remove=true');
  if (upsert) throw bad('Cannot specify both upsert=true and remove=true ');
  if (returnNew) {
    throw bad("Cannot specify both new=true and remove=true; 'remove' always returns the deleted document");
  }
}

function bad(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}

interface Compiled {
  readonly ns: string;
  readonly args: FindAndModify;
  readonly filter: CompiledFilter;
  readonly filterBytes: Uint8Array | undefined;
  /** Undefined: the document is removed. */
  readonly update: CompiledUpdate | undefined;
  readonly sort: SortSpec | undefined;
  readonly projection: Projection | undefined;
  readonly hint: Hint | undefined;
}

function compile(args: FindAndModify, ns: string, context: CommandContext): Compiled {
  const collection = context.data.catalog.find(ns);
  const order = valueOrderFor(args.collation, collection);
  const scope = expressionScope(context, { variables: args.variables, order });
  const queries = collection && order === BINARY_ORDER ? context.data.prepared.of(collection) : undefined;
  const isUpsert = args.upsert;
  const filter = shapedFilter(queries, args.query, () => compileFilter(args.query, scope, { isUpsert }));
  const { update, arrayFilters, sort, fields, hint } = args;
  if (fields !== undefined && args.returnNew && hasPositional(fields)) {
    throw new CommandError('BadValue', 'cannot use a positional projection and return the new document');
  }
  return {
    ns,
    args,
    filter,
    filterBytes: queries && args.query,
    update: update === undefined ? undefined : compileUpdate(update, { arrayFilters, scope }),
    sort: sort === undefined || isEmptyDocument(sort) ? undefined : compileSort(sort, order, scope),
    projection: fields === undefined ? undefined : compileProjection(fields, filter, scope),
    hint: hint === undefined ? undefined : resolveHint(hint, collection),
  };
}

function hasPositional(fields: Uint8Array): boolean {
  const reader = new ElementReader(fields);
  while (reader.next()) if (reader.name().endsWith('.$')) return true;
  return false;
}

/** What is told: `lastErrorObject` and `value`. */
interface Outcome {
  readonly n: number;
  /** Undefined for a removal. */
  readonly updatedExisting: boolean | undefined;
  readonly upserted: RawValue | undefined;
  readonly value: Uint8Array | undefined;
}

class FindAndModifyRun implements BatchRun {
  readonly turn: Turn;
  readonly #compiled: Compiled;
  readonly #update: UpdateRun | undefined;
  readonly #delete: DeleteRun | undefined;

  constructor(data: MemberData, compiled: Compiled, session: RetryableSession | undefined, turn: Turn) {
    this.turn = turn;
    this.#compiled = compiled;
    const { ns, args, filter, filterBytes, update, sort, hint } = compiled;
    const statement = statementOf(session, args.stmtId);
    const { bypassesValidation, keepsEmptyTimestamps } = args;
    const options = { bypassesValidation, keepsEmptyTimestamps };
    const common = { filter, filterBytes, sort, hint, statement, isMulti: false, ...options };
    if (update === undefined) {
      this.#delete = new DeleteRun(data, ns, { ...common, image: statement === undefined ? undefined : 'pre' }, turn);
    } else {
      const image = statement === undefined ? undefined : args.returnNew ? 'post' : 'pre';
      this.#update = new UpdateRun(data, ns, { ...common, update, isUpsert: args.upsert, image }, turn);
    }
  }

  advance(): 'done' | 'pause' {
    try {
      return (this.#update ?? this.#delete)?.advance() ?? 'done';
    } catch (error) {
      throw isOfStatement(error) ? inContext(error, 'Plan executor error during findAndModify') : error;
    }
  }

  outcome(): Outcome {
    const update = this.#update;
    if (update === undefined) {
      const value = this.#delete?.removed;
      return { n: value === undefined ? 0 : 1, updatedExisting: undefined, upserted: undefined, value };
    }
    const { upserted } = update;
    const updatedExisting = update.matched > 0 && upserted === undefined;
    const value = this.#compiled.args.returnNew ? update.after : update.before;
    return { n: update.matched, updatedExisting, upserted, value };
  }
}

/** No plan was found: nothing ran yet. */
const UNPLANNED: ReadonlySet<number> = new Set([ERROR_CODES.IndexNotFound, ERROR_CODES.NoQueryExecutionPlans]);

/** Whether the statement itself failed as it ran, not the server that runs it. */
function isOfStatement(error: unknown): boolean {
  if (!(error instanceof CommandError) || UNPLANNED.has(error.code)) return false;
  return !isInterruption(error.code) && !isNotPrimaryError(error.code) && !isShutdownError(error.code);
}

function writeOutcome(reply: BsonWriter, outcome: Outcome, projection: Projection | undefined): void {
  reply.startSubdocument('lastErrorObject').int32('n', outcome.n);
  if (outcome.updatedExisting !== undefined) reply.bool('updatedExisting', outcome.updatedExisting);
  if (outcome.upserted !== undefined) reply.value('upserted', outcome.upserted);
  reply.end();
  const { value } = outcome;
  if (value === undefined) reply.null('value');
  else reply.document('value', projection === undefined ? value : projection.apply(value, 0));
}

/** The answer of an executed statement, from its entry and the image logged beside it. */
function repeated(args: FindAndModify, entry: Uint8Array | undefined, data: MemberData): Outcome {
  if (entry === undefined) throw lostHistory();
  const view = new EntryView().reset(entry);
  checkCompatible(args, view, entry);
  if (view.op === 'i') {
    const document = view.documentAt(view.oAt) ?? EMPTY_DOCUMENT;
    const value = args.returnNew ? document : undefined;
    return { n: 1, updatedExisting: false, upserted: idOf(document), value };
  }
  const value = imageOf(view, data);
  return { n: 1, updatedExisting: view.op === 'u' ? true : undefined, upserted: undefined, value };
}

function checkCompatible(args: FindAndModify, view: EntryView, entry: Uint8Array): void {
  const wrong = (code: number, text: string): CommandError => {
    const shown = `findAndModify retry request: ${describeDocument(args.body)} ${text}`;
    return new CommandError(code, `${shown}, oplogTs: ${view.ts}, oplog: { oplogEntry: ${describeDocument(entry)} }`);
  };
  const another = `is not compatible with previous write in the transaction of type: ${view.op}`;
  switch (view.op) {
    case 'd':
      if (!args.remove) throw wrong(40_606, another);
      return;
    case 'i':
      if (args.remove || !args.upsert) throw wrong(40_608, another);
      return;
    case 'u':
      if (args.remove) throw wrong(40_606, another);
      if (args.returnNew && view.postImageOpTimeAt < 0) {
        throw wrong(40_611, 'wants the document after update returned, but only before update document is stored');
      }
      if (!args.returnNew && view.preImageOpTimeAt < 0) {
        throw wrong(40_612, 'wants the document before update returned, but only after update document is stored');
      }
      return;
    default:
      throw wrong(40_606, another);
  }
}

function imageOf(view: EntryView, data: MemberData): Uint8Array {
  const at = view.preImageOpTimeAt >= 0 ? view.preImageOpTimeAt : view.postImageOpTimeAt;
  const optime = at < 0 ? undefined : readOpTime(new RawValue(BSON_TYPE.object, view.bytes, at, at));
  const image = optime === undefined ? undefined : data.oplog.find(optime.ts);
  if (image === undefined) throw lostHistory();
  const imageView = new EntryView().reset(image);
  return imageView.documentAt(imageView.oAt) ?? EMPTY_DOCUMENT;
}
