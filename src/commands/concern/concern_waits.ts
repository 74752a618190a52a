/** What a request waits for before and after its command runs. Nothing of it makes a promise when nothing is to wait for. */
import { CommandError } from '../../base/command_error.ts';
import { isNotPrimaryError, isShutdownError } from '../../base/error_codes.ts';
import { incrementOf, secondsOf, TIMESTAMP_NULL, type OpTime, type Timestamp } from '../../base/optime.ts';
import { encodeDocument } from '../../bson/codec.ts';
import { ignoresReadConcern } from '../admission.ts';
import type { Exchange } from '../exchange.ts';
import { defaultWriteConcern } from './rw_concern_defaults.ts';
import { parseWriteConcern, WRITE_CONCERN_INTERNAL, type WriteConcern } from './write_concern.ts';

/** Until what the read concern asks for can be read; undefined when it can already. Throws CommandError. */
export function waitBeforeRead(exchange: Exchange): Promise<void> | undefined {
  const { readConcern } = exchange.request;
  if (!readConcern.isGiven || ignoresReadConcern(exchange.command)) return undefined;
  const { level, afterClusterTime, afterOpTime } = readConcern;
  if (afterClusterTime !== undefined) checkAfterClusterTime(exchange, afterClusterTime);
  const after = afterClusterTime ?? afterOpTime?.ts ?? TIMESTAMP_NULL;
  if (level === 'majority' || level === 'snapshot') return waitForMajority(exchange, after);
  if (level === 'linearizable') checkLinearizable(exchange);
  if (after <= visibleTimestamp(exchange)) return undefined;
  return exchange.orInterrupted(exchange.replication.awaitApplied(after, exchange.deadline));
}

function waitForMajority(exchange: Exchange, after: Timestamp): Promise<void> | undefined {
  const { replication, data, deadline } = exchange;
  const isReady = data.committedTimestamp !== TIMESTAMP_NULL && data.committedTimestamp >= after;
  if (isReady || !replication.isReplicaSet) return undefined;
  return exchange.orInterrupted(replication.awaitMajority(after, deadline));
}

function checkLinearizable({ replication }: Exchange): void {
  if (!replication.isReplicaSet || replication.core.isWritablePrimary) return;
  throw new CommandError('NotWritablePrimary', 'cannot satisfy linearizable read concern on non-primary node');
}

/** What local reads see. */
export function visibleTimestamp({ data }: Exchange): Timestamp {
  const written = data.oplog.lastWritten.ts;
  return written < data.readTimestamp ? written : data.readTimestamp;
}

function checkAfterClusterTime({ replication, data }: Exchange, wanted: Timestamp): void {
  if (!replication.isReplicaSet) {
    const message = 'Cannot specify afterClusterTime readConcern without replication enabled';
    throw new CommandError('IllegalOperation', message);
  }
  const { now } = data.clock;
  if (wanted <= now) return;
  throw new CommandError(
    'InvalidOptions',
    'readConcern afterClusterTime value must not be greater than the current clusterTime. Requested clusterTime: ' +
      `${describeTime(wanted)}; current clusterTime: ${describeTime(now)}`,
  );
}

function describeTime(time: Timestamp): string {
  return `{ ts: Timestamp(${secondsOf(time)}, ${incrementOf(time)}) }`;
}

/**
 * The write concern of a command that writes: the client's, otherwise the set's default. Throws CommandError when it is
 * malformed, so call it before the command runs.
 */
export function writeConcernOf(exchange: Exchange): WriteConcern {
  const { request, connection, replication, data } = exchange;
  const given = request.writeConcern === undefined ? undefined : parseWriteConcern(request.writeConcern);
  if (given !== undefined) return given;
  if (connection.isInternal) return WRITE_CONCERN_INTERNAL;
  return defaultWriteConcern(data) ?? replication.defaultWriteConcern;
}

/**
 * Until the write concern is satisfied. A failure is left in `exchange.writeConcernFailure`. A command that wrote nothing
 * waits for all that was written before it: what made it do nothing must not be rolled back either.
 */
export function waitAfterWrite(exchange: Exchange, concern: WriteConcern): Promise<void> | undefined {
  const { data, replication } = exchange;
  // Nothing is sent before the journal was handed to the operating system: both happen at the end of the turn.
  if ((concern.w === 0 || concern.w === 1) && concern.j !== true) return undefined;
  const optime = exchange.lastWrite ?? data.oplog.lastWritten;
  const outcome = replication.checkWriteConcern(optime, concern);
  if (outcome === undefined) return awaitConcern(exchange, optime, concern);
  if (outcome.kind === 'failed') exchange.writeConcernFailure = { concern, outcome };
  return undefined;
}

async function awaitConcern(exchange: Exchange, optime: OpTime, concern: WriteConcern): Promise<void> {
  try {
    const outcome = await exchange.orInterrupted(
      exchange.replication.awaitWriteConcern(optime, concern, exchange.deadline),
    );
    if (outcome.kind === 'failed') exchange.writeConcernFailure = { concern, outcome };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // The write is done; what failed is the wait. The reply says so beside what the command returned.
    const { code, codeName, message: errmsg } = error;
    exchange.writeConcernFailure = { concern, outcome: { kind: 'failed', code, codeName, errmsg, isTimeout: false } };
  }
}

/** Errors about the request itself: nothing was looked at, so nothing need be waited for. */
const REFUSALS = new Set([2, 9, 14, 16, 40, 72, 73, 40_413, 40_414, 40_415]);

/** Whether a failed command's write concern is still worth waiting for: not when the member itself cannot go on. */
export function isWaitUseful(error: CommandError): boolean {
  return !REFUSALS.has(error.code) && !isNotPrimaryError(error.code) && !isShutdownError(error.code);
}

const LINEARIZABLE_NOTE = encodeDocument({ msg: 'linearizable read' });
const CONFIRMATION: WriteConcern = { w: 'majority', j: undefined, wtimeoutMs: 0, provenance: 'internalWriteDefault' };

/** Proves after a linearizable read that this member was still primary: a write of its own reaches a majority. */
export async function confirmLinearizable(exchange: Exchange): Promise<void> {
  const { data, replication, deadline } = exchange;
  if (!replication.isReplicaSet) return;
  if (!replication.core.isWritablePrimary) {
    throw new CommandError('NotWritablePrimary', 'No longer primary when waiting for linearizable read concern');
  }
  const optime = data.appendNoop(LINEARIZABLE_NOTE);
  exchange.lastWrite = optime;
  try {
    const wait = replication.awaitWriteConcern(optime, CONFIRMATION, deadline);
    if ((await exchange.orInterrupted(wait)).kind === 'satisfied') return;
  } catch (cause) {
    if (!(cause instanceof CommandError) || cause.codeName !== 'MaxTimeMSExpired') throw cause;
  }
  throw new CommandError('LinearizableReadConcernError', 'Failed to confirm that read was linearizable.');
}
