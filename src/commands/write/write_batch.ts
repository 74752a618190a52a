/** What insert, update and delete share: statements one after the other, their errors, and the reply. */
import { CommandError } from '../../base/command_error.ts';
import { isInterruption, isNotPrimaryError, isShutdownError } from '../../base/error_codes.ts';
import { WRITE_BATCH_SIZE_MAX } from '../../base/limits.ts';
import { writeOpTime } from '../../bson/optime.ts';
import type { RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { MemberData } from '../../database/member_data.ts';
import type { RetryableSession } from '../../database/sessions.ts';
import type { Turn } from '../../database/turn.ts';
import type { Statement } from '../../database/write/write_log.ts';
import type { StatementScopes } from '../query/collation_argument.ts';
import { answerableError } from '../answerable_error.ts';
import type { CommandContext, CommandRequest } from '../context.ts';
import { writeDetails } from '../error_reply.ts';

/** A batch of statements, or one of them, as it is worked off. */
export interface BatchRun {
  /** Goes on until all is done or the turn is over. */
  advance(): 'done' | 'pause';
}

/** The statements of one command, whatever they do. */
export interface Statements<Run extends BatchRun> {
  readonly count: number;
  /** Whether the first failure is the end. */
  readonly ordered: boolean;
  /** Begins a statement, and notes what came of it when that is known at once: then there is nothing to run. */
  start(index: number): Run | undefined;
  /** Notes what came of a statement that has run. */
  finish(index: number, run: Run): void;
  /** Notes a failure; rethrows what ends the whole command. */
  fail(index: number, error: CommandError): void;
}

/** Works off statements in order. One that changes many documents goes on over several turns: it is kept between them. */
export class StatementBatch<Run extends BatchRun> implements BatchRun {
  readonly #statements: Statements<Run>;
  readonly #context: CommandContext;
  readonly #turn: Turn;
  #position = 0;
  #running: Run | undefined;

  constructor(statements: Statements<Run>, context: CommandContext, turn: Turn) {
    this.#statements = statements;
    this.#context = context;
    this.#turn = turn;
  }

  advance(): 'done' | 'pause' {
    const { count, ordered } = this.#statements;
    while (this.#position < count) {
      try {
        if (this.#advanceOne(this.#position) === 'pause') return 'pause';
      } catch (error) {
        this.#running = undefined;
        this.#statements.fail(this.#position, answerableError(error, this.#context));
        if (ordered) return 'done';
      }
      this.#position += 1;
      if (this.#turn.isOver() && this.#position < count) return 'pause';
    }
    return 'done';
  }

  #advanceOne(index: number): 'done' | 'pause' {
    const run = this.#running ?? this.#statements.start(index);
    if (run === undefined) return 'done';
    this.#running = run;
    if (run.advance() === 'pause') return 'pause';
    this.#running = undefined;
    this.#statements.finish(index, run);
    return 'done';
  }
}

/** Arguments of commands that write which may be null, as if they were not given. */
export const WRITE_OPTIONS: ReadonlySet<string> = new Set([
  ...[
    'ordered',
    'stmtId',
    'let',
    'bypassDocumentValidation',
    'bypassEmptyTsReplacement',
    'collectionUUID',
    'errorsOnly',
  ],
]);

/** What came of a batch. */
export class BatchOutcome {
  n = 0;
  nModified = 0;
  readonly upserted: { readonly index: number; readonly id: RawValue }[] = [];
  readonly errors: { readonly index: number; readonly error: CommandError }[] = [];
  /** Ids of statements that had been executed before. */
  readonly retried: number[] = [];

  /**
   * Notes the failure of one statement. Rethrows what ends the whole command: interruptions, the loss of the primary's
   * role, and faults of the session.
   */
  fail(index: number, error: CommandError): void {
    if (endsCommand(error.code)) throw error;
    this.errors.push({ index, error });
  }
}

/** 217: history lost; 225: number too old; 14031: disk full; 40638: a repetition that is another write. */
const ENDS_COMMAND = new Set([217, 225, 14_031, 40_638]);

/** Whether an error of one statement is one of the whole command. */
export function endsCommand(code: number): boolean {
  return isInterruption(code) || isNotPrimaryError(code) || isShutdownError(code) || ENDS_COMMAND.has(code);
}

/**
 * Runs a batch; undefined when it was done at once. What was written is noted in `context.lastWrite`, also when the
 * batch ends with an error in between.
 */
export function runBatch(run: BatchRun, context: CommandContext, turn: Turn): Promise<void> | undefined {
  const waiting = context.data.store.backpressure();
  if (waiting === undefined && advance(run, context) === 'done') return undefined;
  return goOn(run, context, { turn, waiting });
}

async function goOn(
  run: BatchRun,
  context: CommandContext,
  state: { readonly turn: Turn; readonly waiting: Promise<void> | undefined },
): Promise<void> {
  await (state.waiting ?? context.env.breathe());
  for (;;) {
    context.checkInterrupt();
    state.turn.restart();
    if (advance(run, context) === 'done') return;
    await (context.data.store.backpressure() ?? context.env.breathe());
  }
}

function advance(run: BatchRun, context: CommandContext): 'done' | 'pause' {
  const { oplog } = context.data;
  const before = oplog.lastWritten;
  try {
    return run.advance();
  } finally {
    const after = oplog.lastWritten;
    if (after.ts !== before.ts) context.lastWrite = after;
  }
}

/** Throws InvalidLength (16) for batches that are empty or too long. */
export function checkBatchSize(count: number): void {
  if (count >= 1 && count <= WRITE_BATCH_SIZE_MAX) return;
  throw new CommandError(
    'InvalidLength',
    `Write batch sizes must be between 1 and ${WRITE_BATCH_SIZE_MAX}. Got ${count} operations.`,
  );
}

/** The session of a retryable write; undefined when the request is none. Throws TransactionTooOld. */
export function retryableSession(request: CommandRequest, data: MemberData): RetryableSession | undefined {
  if (request.autocommit !== undefined || request.startTransaction !== undefined) {
    throw new CommandError('NotImplemented', 'multi-document transactions are not implemented');
  }
  if (request.txnNumber === undefined || request.lsid === undefined) return undefined;
  return data.sessions.begin(request.lsid, request.txnNumber);
}

/** What the statements of one command run among. */
export interface StatementContext {
  readonly data: MemberData;
  readonly turn: Turn;
  /** Of a retryable write. */
  readonly session: RetryableSession | undefined;
  readonly scopes: StatementScopes;
  /** Validators are not asked. */
  readonly bypassesValidation: boolean;
  /** Empty timestamps in documents and replacements are not filled in. */
  readonly keepsEmptyTimestamps: boolean;
}

/** The entry of an executed statement is not in the oplog any more. */
export function lostHistory(): CommandError {
  return new CommandError('IncompleteTransactionHistory', 'the oplog entry of the executed statement is gone');
}

/** The numbers of a command's statements: given, counted from a first one, or counted from 0. */
export interface StatementIds {
  readonly first: number | undefined;
  readonly list: readonly number[] | undefined;
}

export function statementId(ids: StatementIds, index: number): number {
  return ids.list?.[index] ?? (ids.first ?? 0) + index;
}

export function statementOf(session: RetryableSession | undefined, id: number): Statement | undefined {
  return session === undefined ? undefined : { session, id };
}

/** Writes n, nModified, upserted, writeErrors and what a primary adds, in MongoDB's order. */
export function writeBatchReply(
  reply: BsonWriter,
  outcome: BatchOutcome,
  context: CommandContext,
  kind: 'insert' | 'update' | 'delete',
): void {
  reply.int32('n', outcome.n);
  if (kind === 'update') {
    reply.int32('nModified', outcome.nModified);
    if (outcome.upserted.length > 0) {
      reply.startArray('upserted');
      for (const [i, { index, id }] of outcome.upserted.entries()) {
        reply.startSubdocument(i).int32('index', index).value('_id', id).end();
      }
      reply.end();
    }
  }
  if (outcome.errors.length > 0) writeErrors(reply, outcome);
  writeRetried(reply, outcome.retried);
  writePrimaryFields(reply, context);
}

/** `retriedStmtIds`, when there are any. */
export function writeRetried(reply: BsonWriter, retried: readonly number[]): void {
  if (retried.length === 0) return;
  reply.startArray('retriedStmtIds');
  for (const [i, id] of retried.entries()) reply.int32(i, id);
  reply.end();
}

function writeErrors(reply: BsonWriter, outcome: BatchOutcome): void {
  reply.startArray('writeErrors');
  for (const [i, { index, error }] of outcome.errors.entries()) {
    reply.startSubdocument(i).int32('index', index).int32('code', error.code);
    writeDetails(reply, error.details);
    reply.string('errmsg', error.message).end();
  }
  reply.end();
}

/** `opTime` and `electionId`, by which drivers tell an old primary from the new one. */
export function writePrimaryFields(reply: BsonWriter, context: CommandContext): void {
  if (!context.replication.isReplicaSet || !context.data.acceptsWrites) return;
  writeOpTime(reply, 'opTime', context.lastWrite ?? context.data.oplog.lastWritten);
  reply.objectId('electionId', electionIdOf(context.data.term));
}

/** 7fffffff and the term in 8 bytes, big-endian, so that ids rise from election to election. */
function electionIdOf(term: number): Uint8Array {
  const id = Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0);
  let rest = term;
  for (let at = 11; at >= 4; at--) {
    id[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return id;
}
