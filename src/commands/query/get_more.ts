import { CommandError } from '../../base/command_error.ts';
import { compareOpTimes, type OpTime } from '../../base/optime.ts';
import { ms, type Ms } from '../../base/units.ts';
import { int64At } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { readOpTime } from '../../bson/optime.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { BatchEnd, ServerCursor } from '../../database/run/cursors.ts';
import { describeSession, sessionTextOf } from '../../database/sessions.ts';
import { describeDocument } from '../../query/describe.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { continueBatch } from './cursor_reply.ts';
import { OPLOG_NS } from '../namespace.ts';
import { noteRequesterTerm } from '../replication/oplog_term.ts';

/** How long a getMore on an awaitData cursor waits when the client does not say. Source: the manual, "awaitData". */
const AWAIT_DATA_DEFAULT_MS = ms(1000);

export const getMoreCommand: Command = {
  name: 'getMore',
  secondary: 'always',
  isApiVersion1: true,
  opcounter: 'getmore',
  waitsByDesign: true,
  help: 'returns the next batch of a cursor',
  run(request, context, reply) {
    const getMore = parseGetMore(request);
    request.ns = getMore.ns;
    if (getMore.term !== undefined) {
      const waiting = noteRequesterTerm(getMore.term, context);
      if (waiting !== undefined) return waiting;
    }
    const { cursors } = context.data;
    const cursor = cursors.take(getMore.id);
    let waiting: Promise<void> | undefined;
    try {
      checkRequest(cursor, getMore, request);
      waiting = nextBatch({ cursor, getMore, context, reply });
    } catch (error) {
      release(cursor, context, error);
    }
    return waiting?.then(
      () => cursors.giveBack(cursor),
      (error: unknown) => release(cursor, context, error),
    );
  },
};

/** A cursor that failed is closed; a request that did not fit its cursor leaves it as it was. */
function release(cursor: ServerCursor, context: CommandContext, error: unknown): never {
  const { cursors } = context.data;
  cursors.giveBack(cursor);
  if (!(error instanceof MismatchError)) cursors.remove(cursor);
  throw error;
}

/** The request is wrong for its cursor. */
class MismatchError extends CommandError {}

interface GetMore {
  readonly id: bigint;
  readonly ns: string;
  /** Infinity: as many as fit. */
  readonly batchSize: number;
  /** How long to wait for something new, on an awaitData cursor. */
  readonly awaitTime: Ms;
  readonly term: number | undefined;
  readonly lastKnownCommittedOpTime: OpTime | undefined;
}

function parseGetMore(request: CommandRequest): GetMore {
  const first = new ElementReader(request.body);
  first.next();
  const shown = () => describeDocument(request.body);
  if (first.type !== BSON_TYPE.int64) {
    throw new CommandError('TypeMismatch', `Field 'getMore' must be of type long in: ${shown()}`);
  }
  const id = int64At(first.bytes, first.start);
  let collection: string | undefined;
  let batchSize = Infinity;
  let term: number | undefined;
  let lastKnownCommittedOpTime: OpTime | undefined;
  const args = Arguments.ofCommand('getMore', request.body);
  while (args.next()) {
    if (args.name === 'collection') {
      if (args.value.type !== BSON_TYPE.string) {
        throw new CommandError('TypeMismatch', `Field 'collection' must be of type string in: ${shown()}`);
      }
      collection = args.string();
    } else if (args.name === 'batchSize') {
      if (!isNumericType(args.value.type)) {
        throw new CommandError('TypeMismatch', `Field 'batchSize' must be a number in: ${shown()}`);
      }
      batchSize = Math.trunc(numberOf(args.value));
    } else if (args.name === 'term') term = args.integer();
    else if (args.name === 'lastKnownCommittedOpTime') lastKnownCommittedOpTime = readOpTime(args.value);
    else args.refuseUnknown();
  }
  if (collection === undefined) {
    throw new CommandError('FailedToParse', `Field 'collection' missing in: ${shown()}`);
  }
  const ns = `${request.db}.${collection}`;
  if (collection === '') throw new CommandError('InvalidNamespace', `Invalid namespace for getMore: ${ns}`);
  if (id === 0n) throw new CommandError('BadValue', 'Cursor id for getMore must be non-zero');
  if (batchSize <= 0) {
    throw new CommandError('BadValue', `Batch size for getMore must be positive, but received: ${batchSize}`);
  }
  const awaitTime = request.maxTimeMS > 0 ? request.maxTimeMS : AWAIT_DATA_DEFAULT_MS;
  return { id, ns, batchSize, awaitTime, term, lastKnownCommittedOpTime };
}

function checkRequest(cursor: ServerCursor, getMore: GetMore, request: CommandRequest): void {
  const { ns, isAwaitData } = cursor.options;
  const { session } = cursor;
  if (getMore.ns !== ns) {
    throw new MismatchError(
      'Unauthorized',
      `Requested getMore on namespace '${getMore.ns}', but cursor belongs to a different namespace ${ns}`,
    );
  }
  const mine = request.lsid === undefined ? undefined : sessionTextOf(request.lsid);
  if (session !== mine) throw foreign(getMore.id, session, mine);
  if (request.maxTimeMS > 0 && !isAwaitData) {
    throw new MismatchError('BadValue', 'cannot set maxTimeMS on getMore command for a non-awaitData cursor');
  }
}

function foreign(id: bigint, session: string | undefined, mine: string | undefined): MismatchError {
  const what = `Cannot run getMore on cursor ${id}, which was`;
  if (session === undefined) {
    return new MismatchError(50_736, `${what} not created in a session, in session ${describeSession(mine ?? '')}`);
  }
  const owner = `${what} created in session ${describeSession(session)}`;
  if (mine === undefined) return new MismatchError(50_737, `${owner}, without an lsid`);
  return new MismatchError(50_738, `${owner}, in session ${describeSession(mine)}`);
}

interface Batch {
  readonly cursor: ServerCursor;
  readonly getMore: GetMore;
  readonly context: CommandContext;
  readonly reply: BsonWriter;
}

function nextBatch(batch: Batch): Promise<void> | undefined {
  const { cursor, getMore, context, reply } = batch;
  reply.startSubdocument('cursor').startArray('nextBatch');
  cursor.resume();
  cursor.startBatch(getMore.batchSize);
  const end = cursor.writeBatch(reply);
  if (end !== 'pause' && !mustAwait(batch)) {
    finish(batch, end);
    context.data.cursors.giveBack(cursor);
    return undefined;
  }
  return nextBatchSlowly(batch, end);
}

async function nextBatchSlowly(batch: Batch, first: BatchEnd): Promise<void> {
  const { cursor, context, reply } = batch;
  let end = first === 'pause' ? await continueBatch(cursor, context, reply) : first;
  const deadline = ms(context.env.clock.monotonic() + batch.getMore.awaitTime);
  while (mustAwait(batch) && context.env.clock.monotonic() < deadline) {
    await changeOrDeadline(context, deadline);
    context.checkInterrupt();
    cursor.resume();
    const next = cursor.writeBatch(reply);
    end = next === 'pause' ? await continueBatch(cursor, context, reply) : next;
  }
  finish(batch, end);
}

/** Whether there is nothing to tell yet: no document, and no news of the commit point for a member that follows it. */
function mustAwait(batch: Batch): boolean {
  const { cursor, context } = batch;
  if (!cursor.options.isAwaitData || cursor.batchCount > 0) return false;
  const known = lastKnownCommittedOpTime(batch);
  return known === undefined || compareOpTimes(context.data.commitPoint, known) <= 0;
}

/** Of a stream, what its last reply told counts. */
function lastKnownCommittedOpTime(batch: Batch): OpTime | undefined {
  if (batch.getMore.lastKnownCommittedOpTime === undefined) return undefined;
  return batch.context.stream?.lastKnownCommittedOpTime ?? batch.getMore.lastKnownCommittedOpTime;
}

/** Resolves when there may be something new, at the deadline, or when the operation is interrupted. */
function changeOrDeadline(context: CommandContext, deadline: Ms): Promise<void> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const end = (): void => {
      for (const stop of stops) stop();
      resolve();
    };
    stops.push(context.data.watch(end));
    stops.push(context.env.timers.after(ms(deadline - context.env.clock.monotonic()), end));
    stops.push(context.onInterrupt(end));
  });
}

function finish(batch: Batch, end: Exclude<BatchEnd, 'pause'>): void {
  const { cursor, context, reply } = batch;
  const stays = end === 'full' || cursor.options.isTailable;
  context.server.documentsReturned += cursor.batchCount;
  const id = stays ? cursor.id : 0n;
  if (!stays) context.data.cursors.remove(cursor);
  reply.end().int64('id', id).string('ns', cursor.options.ns).end();
  const { stream } = context;
  if (stream === undefined || !stays) return;
  stream.continues = true;
  if (cursor.options.ns === OPLOG_NS) stream.lastKnownCommittedOpTime = context.data.commitPoint;
}
