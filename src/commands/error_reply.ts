/** Error replies: {writeConcernError?, errorLabels?, topologyVersion?, ok: 0, errmsg, code, codeName, …details}. */
import type { CommandError, ErrorDetails } from '../base/command_error.ts';
import { isNotPrimaryError, isRetriableError, isShutdownError } from '../base/error_codes.ts';
import { encodeDocument } from '../bson/codec.ts';
import { RawValue } from '../bson/value.ts';
import type { BsonWriter } from '../bson/writer.ts';
import type { Exchange } from './exchange.ts';
import { writeWriteConcernError } from './concern/write_concern.ts';

/** Codes after which a transaction may be run again from its start. Source: the transactions specification. */
const TRANSIENT = new Set([112, 24, 267, 239, 246, 250, 272]);
const NO_SUCH_TRANSACTION = 251;

/** Writes the reply up to where the times follow. The document is open and empty. */
export function writeErrorReply(reply: BsonWriter, exchange: Exchange, error: CommandError): void {
  const failure = exchange.writeConcernFailure;
  if (failure !== undefined) writeWriteConcernError(reply, failure.concern, failure.outcome);
  writeErrorLabels(reply, exchange, error);
  maybeWriteTopologyVersion(reply, exchange, error.code);
  reply.double('ok', 0).string('errmsg', error.message).int32('code', error.code).string('codeName', error.codeName);
  writeDetails(reply, error.details);
}

/** What a good reply gets when only its write concern failed; goes after `ok`. */
export function writeWriteConcernFailure(reply: BsonWriter, exchange: Exchange): void {
  const failure = exchange.writeConcernFailure;
  if (failure === undefined) return;
  const { code } = failure.outcome;
  writeWriteConcernError(reply, failure.concern, failure.outcome);
  if (isRetryableWrite(exchange) && isRetriableError(code)) writeLabels(reply, ['RetryableWriteError']);
  maybeWriteTopologyVersion(reply, exchange, code);
}

/** Drivers tell by it whether they have heard of this change already. Source: the SDAM specification. */
function maybeWriteTopologyVersion(reply: BsonWriter, { replication, server }: Exchange, code: number): void {
  if (!replication.isReplicaSet) return;
  const isQuiescing = isShutdownError(code) && replication.remainingQuiesceMs !== undefined;
  if (!isNotPrimaryError(code) && !isQuiescing) return;
  writeTopologyVersion(reply, server.processId, replication.core.topologyCounter);
}

export function writeTopologyVersion(reply: BsonWriter, processId: Uint8Array, counter: number): void {
  reply.startSubdocument('topologyVersion').objectId('processId', processId).int64('counter', counter).end();
}

function isRetryableWrite({ request, connection }: Exchange): boolean {
  return request.txnNumber !== undefined && request.autocommit === undefined && !connection.isInternal;
}

/** Source: the retryable writes and transactions specifications. */
function writeErrorLabels(reply: BsonWriter, exchange: Exchange, error: CommandError): void {
  // A fail point's labels replace all others.
  const given = error.details['errorLabels'];
  if (Array.isArray(given)) return given.length > 0 ? writeLabels(reply, given.map(String)) : undefined;
  const labels: string[] = [];
  const { request, connection, command } = exchange;
  const endsTransaction = command.name === 'commitTransaction' || command.name === 'abortTransaction';
  const concernCode = exchange.writeConcernFailure?.outcome.code;
  if (request.autocommit !== undefined && isTransient(error.code, endsTransaction)) {
    labels.push('TransientTransactionError');
  }
  const isRetriable = isRetriableError(error.code) || (concernCode !== undefined && isRetriableError(concernCode));
  const mayRetry = isRetryableWrite(exchange) || (endsTransaction && !connection.isInternal);
  if (isRetriable && mayRetry) labels.push('RetryableWriteError');
  if (labels.length > 0) writeLabels(reply, labels);
}

function isTransient(code: number, endsTransaction: boolean): boolean {
  if (TRANSIENT.has(code) || code === NO_SUCH_TRANSACTION) return true;
  return !endsTransaction && isRetriableError(code);
}

function writeLabels(reply: BsonWriter, labels: readonly string[]): void {
  reply.startArray('errorLabels');
  labels.forEach((label, index) => reply.string(index, label));
  reply.end();
}

/** Raw values and documents as bytes are copied, everything else is encoded. */
export function writeDetails(reply: BsonWriter, details: ErrorDetails): void {
  for (const [name, value] of Object.entries(details)) {
    if (name === 'errorLabels') continue;
    if (value instanceof RawValue) reply.value(name, value);
    else if (value instanceof Uint8Array) reply.document(name, value);
    else reply.fieldsOf(encodeDocument({ [name]: value }));
  }
}
