/** Replies that carry a batch of a cursor: opening one, going on with one. */
import { CommandError } from '../../base/command_error.ts';
import { TIMESTAMP_MAX, type Timestamp } from '../../base/optime.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { ServerCursor, type BatchEnd, type CursorSubject } from '../../database/run/cursors.ts';
import type { MemberData } from '../../database/member_data.ts';
import { fixedQuery, ListSource, type RunningQuery } from '../../database/run/running_query.ts';
import { sessionTextOf } from '../../database/sessions.ts';
import { Turn } from '../../database/turn.ts';
import type { CommandContext, CommandRequest } from '../context.ts';

/** Documents of a first batch that was not asked for by size. Source: the manual, "Cursor Batches". */
export const FIRST_BATCH_DOCUMENTS = 101;

/** A query to be answered by a cursor. */
export interface CursorRequest {
  readonly ns: string;
  readonly query: RunningQuery;
  readonly subjects: readonly CursorSubject[];
  readonly batchSize: number;
  readonly isSingleBatch: boolean;
  readonly isTailable: boolean;
  readonly isAwaitData: boolean;
  readonly hasTimeout: boolean;
  readonly readAt: () => Timestamp;
}

/** A list that is in memory, answered as by a cursor. */
export function listCursor(
  ns: string,
  documents: readonly Uint8Array[],
  batchSize: number,
  { env, data }: CommandContext,
): CursorRequest {
  return {
    ns,
    query: fixedQuery(new ListSource(documents), new Turn(env.clock)),
    subjects: [],
    batchSize,
    isSingleBatch: false,
    isTailable: false,
    isAwaitData: false,
    hasTimeout: true,
    readAt: () => data.readTimestamp,
  };
}

/** Where a request reads, now and whenever it goes on. Notes an older timestamp in the context. */
export function readPoint(request: CommandRequest, context: CommandContext, ns: string): () => Timestamp {
  const { data } = context;
  const { level } = request.readConcern;
  if (level === 'snapshot') throw new CommandError('NotImplemented', 'read concern snapshot is not implemented');
  if (ns.startsWith('local.')) return () => TIMESTAMP_MAX;
  if (level !== 'majority') return () => data.readTimestamp;
  context.readAt = data.majorityTimestamp();
  return () => data.majorityTimestamp();
}

/** Writes `cursor: {firstBatch, id, ns}` and keeps the cursor when there is more. */
export function openCursor(
  cursorRequest: CursorRequest,
  request: CommandRequest,
  context: CommandContext,
  reply: BsonWriter,
): Promise<void> | undefined {
  const { ns, query, subjects, isTailable, isAwaitData, hasTimeout, readAt } = cursorRequest;
  const cursor = new ServerCursor({
    ns,
    query,
    subjects,
    isTailable,
    isAwaitData,
    hasTimeout,
    readAt,
  });
  reply.startSubdocument('cursor').startArray('firstBatch');
  cursor.startBatch(cursorRequest.batchSize);
  try {
    const end = cursor.writeBatch(reply);
    if (end === 'pause') {
      return continueBatch(cursor, context, reply).then(
        (last) => finishFirst(cursor, cursorRequest, last, { request, context, reply }),
        (error: unknown) => closeFailed(cursor, error),
      );
    }
    finishFirst(cursor, cursorRequest, end, { request, context, reply });
    return undefined;
  } catch (error) {
    return closeFailed(cursor, error);
  }
}

/** A query that failed may have left temporary files. */
function closeFailed(cursor: ServerCursor, error: unknown): never {
  cursor.close();
  throw error;
}

/** Goes on over as many turns as the batch takes. */
export async function continueBatch(
  cursor: ServerCursor,
  context: CommandContext,
  reply: BsonWriter,
): Promise<Exclude<BatchEnd, 'pause'>> {
  for (;;) {
    await context.env.breathe();
    context.checkInterrupt();
    cursor.resume();
    const end = cursor.writeBatch(reply);
    if (end !== 'pause') return end;
  }
}

function finishFirst(
  cursor: ServerCursor,
  cursorRequest: CursorRequest,
  end: Exclude<BatchEnd, 'pause'>,
  target: { readonly request: CommandRequest; readonly context: CommandContext; readonly reply: BsonWriter },
): void {
  const { request, context, reply } = target;
  const stays = (end === 'full' || cursorRequest.isTailable) && !cursorRequest.isSingleBatch;
  context.server.documentsReturned += cursor.batchCount;
  if (stays) {
    const { lsid } = request;
    cursor.session = lsid === undefined ? undefined : sessionTextOf(lsid);
    cursor.lsid = lsid?.bytes.slice(lsid.start, lsid.end);
    cursor.origin = request.body.slice();
    context.data.cursors.add(cursor);
  } else cursor.close();
  reply.end().int64('id', cursor.id).string('ns', cursorRequest.ns).end();
}

/** What a query on a collection that does not exist is answered with. */
export function writeEmptyCursor(reply: BsonWriter, ns: string): void {
  reply.startSubdocument('cursor').int64('id', 0).string('ns', ns).startArray('firstBatch').end().end();
}

/** Runs something that pauses, over as many turns as it takes. Undefined when it was done at once. */
export function runToEnd(
  advance: () => 'done' | 'pause',
  context: CommandContext,
  resume: () => void,
): Promise<void> | undefined {
  return advance() === 'done' ? undefined : goOn(advance, context, resume);
}

async function goOn(advance: () => 'done' | 'pause', context: CommandContext, resume: () => void): Promise<void> {
  do {
    await context.env.breathe();
    context.checkInterrupt();
    resume();
  } while (advance() === 'pause');
}

/** The read-only collections that are made up from other state; undefined for every other name. */
export function virtualDocuments(ns: string, data: MemberData, at: Timestamp): readonly Uint8Array[] | undefined {
  if (ns === 'config.transactions') return [...data.sessions.records(at)];
  return ns.startsWith('local.') ? data.localDocuments(ns) : undefined;
}
