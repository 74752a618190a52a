/**
 * The messages between members as MongoDB's documents, and back (those that go along with every write are in
 * position_documents.ts). Everything decoded here came from another process:
 * what is malformed throws a CommandError, which the caller answers or treats as a failed request.
 */
import { ObjectId, Timestamp as BsonTimestamp } from 'bson';
import { CommandError } from '../base/command_error.ts';
import { incrementOf, secondsOf, timestampOf, type OpTime, type Timestamp } from '../base/optime.ts';
import { unixMs, type UnixMs } from '../base/units.ts';
import { fieldName, int64At } from '../bson/bytes.ts';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import { findField } from '../bson/elements.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { configToDocument } from './config_document.ts';
import { parseConfig } from './config_parse.ts';
import {
  flag,
  isSubdocument,
  optionalNumber,
  optionalString,
  optionalTerm,
  requiredDocument,
  requiredNumber,
  requiredString,
  requiredTerm,
  type PlainDocument,
} from './document.ts';
import type { Reply } from './effect.ts';
import { memberStateOf } from './member_state.ts';
import type { HeartbeatReply, HeartbeatRequest, ReplData, VoteReply, VoteRequest } from './messages.ts';
import { POSITION_NULL, type Position, type Progress } from './progress.ts';

/** The only heartbeat format there is. */
const HEARTBEAT_VERSION = 1;

/** The fields of a reply, without `ok`. Throws the error of an error reply. */
export function encodeReply(reply: Reply): Uint8Array {
  switch (reply.kind) {
    case 'heartbeat':
      return encodeHeartbeatReply(reply.reply);
    case 'vote':
      return encodeDocument({
        term: BigInt(reply.reply.term),
        voteGranted: reply.reply.voteGranted,
        reason: reply.reply.reason,
      });
    case 'document':
      return encodeDocument(reply.document);
    case 'error':
      throw reply.error;
  }
}

export function encodeHeartbeatRequest(request: HeartbeatRequest): Uint8Array {
  return encodeDocument({
    replSetHeartbeat: request.setName,
    ...(request.checkEmpty && { checkEmpty: true }),
    configVersion: BigInt(request.configVersion),
    configTerm: BigInt(request.configTerm),
    hbv: HEARTBEAT_VERSION,
    from: request.from,
    fromId: request.fromId,
    term: BigInt(request.term),
    primaryId: request.primaryId,
    $db: 'admin',
  });
}

export function decodeHeartbeatRequest(bytes: Uint8Array): HeartbeatRequest {
  const document = decodeDocument(bytes);
  const version = optionalNumber(document, 'hbv') ?? HEARTBEAT_VERSION;
  if (version !== HEARTBEAT_VERSION) {
    throw new CommandError(40666, `Found invalid value for field hbv: ${version}`);
  }
  return {
    setName: requiredString(document, 'replSetHeartbeat'),
    checkEmpty: flag(document, 'checkEmpty'),
    configVersion: requiredNumber(document, 'configVersion'),
    configTerm: optionalTerm(document, 'configTerm'),
    from: optionalString(document, 'from') ?? '',
    fromId: optionalNumber(document, 'fromId') ?? -1,
    term: requiredTerm(document, 'term'),
    primaryId: optionalNumber(document, 'primaryId') ?? -1,
  };
}

/** `electionTime` is a date whose 64 bits are those of a timestamp: encoded as a long, then marked as a date. */
function encodeHeartbeatReply(reply: HeartbeatReply): Uint8Array {
  const bytes = encodeDocument({
    ...(reply.electionTime !== undefined && { electionTime: timestampBits(reply.electionTime) }),
    ...(reply.state !== undefined && { state: reply.state }),
    v: BigInt(reply.configVersion),
    configTerm: BigInt(reply.configTerm),
    set: reply.setName,
    ...(reply.syncingTo !== undefined && { syncingTo: reply.syncingTo }),
    term: BigInt(reply.term),
    primaryId: BigInt(reply.primaryId),
    ...progressDocument(reply.progress, 'opTime', 'wallTime'),
    electable: reply.electable,
    ...(reply.config !== undefined && { config: configToDocument(reply.config, { isInternal: true }) }),
    ...(reply.replData !== undefined && { $replData: replDataDocument(reply.replData) }),
  });
  if (reply.electionTime !== undefined) bytes[4] = BSON_TYPE.date;
  return bytes;
}

const ELECTION_TIME = fieldName('electionTime');

export function decodeHeartbeatReply(bytes: Uint8Array): HeartbeatReply {
  const document = decodeDocument(bytes);
  const state = optionalNumber(document, 'state');
  const config = document['config'];
  const electionTime = findField(bytes, ELECTION_TIME);
  return {
    setName: requiredString(document, 'set'),
    state: state === undefined ? undefined : memberStateOf(state),
    configVersion: requiredNumber(document, 'v'),
    configTerm: optionalTerm(document, 'configTerm'),
    config: isSubdocument(config) ? parseConfig(config) : undefined,
    term: optionalTerm(document, 'term'),
    primaryId: optionalNumber(document, 'primaryId') ?? -1,
    syncingTo: optionalString(document, 'syncingTo'),
    progress: readProgress(document, 'opTime', 'wallTime'),
    electable: flag(document, 'electable'),
    electionTime:
      electionTime === undefined ? undefined : timestampOfBits(int64At(electionTime.bytes, electionTime.start)),
    replData: readReplData(document['$replData']),
  };
}

export function encodeVoteRequest(request: VoteRequest): Uint8Array {
  return encodeDocument({
    replSetRequestVotes: 1,
    setName: request.setName,
    dryRun: request.dryRun,
    term: BigInt(request.term),
    candidateIndex: BigInt(request.candidateIndex),
    configVersion: BigInt(request.configVersion),
    configTerm: BigInt(request.configTerm),
    lastAppliedOpTime: opTimeDocument(request.lastApplied),
    lastWrittenOpTime: opTimeDocument(request.lastWritten),
    $db: 'admin',
  });
}

export function decodeVoteRequest(bytes: Uint8Array): VoteRequest {
  const document = decodeDocument(bytes);
  const lastApplied = readOpTimeField(document, 'lastAppliedOpTime');
  return {
    setName: requiredString(document, 'setName'),
    dryRun: flag(document, 'dryRun'),
    term: requiredTerm(document, 'term'),
    candidateIndex: requiredNumber(document, 'candidateIndex'),
    configVersion: requiredNumber(document, 'configVersion'),
    configTerm: optionalTerm(document, 'configTerm'),
    lastApplied,
    // Members before MongoDB 8.0 do not tell written from applied.
    lastWritten:
      document['lastWrittenOpTime'] === undefined ? lastApplied : readOpTimeField(document, 'lastWrittenOpTime'),
  };
}

export function decodeVoteReply(bytes: Uint8Array): VoteReply {
  const document = decodeDocument(bytes);
  return {
    term: requiredTerm(document, 'term'),
    voteGranted: flag(document, 'voteGranted'),
    reason: optionalString(document, 'reason') ?? '',
  };
}

/** The value of `$replData`. */
export function replDataDocument(data: ReplData): PlainDocument {
  return {
    term: BigInt(data.term),
    lastOpCommitted: opTimeDocument(data.commitPoint.optime),
    lastCommittedWall: new Date(data.commitPoint.wall),
    lastOpVisible: opTimeDocument(data.lastVisible),
    configVersion: BigInt(data.configVersion),
    configTerm: BigInt(data.configTerm),
    ...(data.replicaSetId !== undefined && { replicaSetId: new ObjectId(data.replicaSetId) }),
    syncSourceIndex: data.syncSourceIndex,
    isPrimary: data.isPrimary,
  };
}

/** Undefined when absent; `value` is the decoded `$replData`. */
export function readReplData(value: unknown): ReplData | undefined {
  if (!isSubdocument(value)) return undefined;
  const replicaSetId = value['replicaSetId'];
  return {
    term: requiredTerm(value, 'term'),
    commitPoint: {
      optime: readOpTimeField(value, 'lastOpCommitted'),
      wall: readDate(value['lastCommittedWall']),
    },
    lastVisible: value['lastOpVisible'] === undefined ? POSITION_NULL.optime : readOpTimeField(value, 'lastOpVisible'),
    configVersion: requiredNumber(value, 'configVersion'),
    configTerm: optionalTerm(value, 'configTerm'),
    replicaSetId: replicaSetId instanceof ObjectId ? replicaSetId.toHexString() : undefined,
    syncSourceIndex: optionalNumber(value, 'syncSourceIndex') ?? -1,
    isPrimary: flag(value, 'isPrimary'),
  };
}

/** {ts, t} as documents have it: t is int64. */
export function opTimeDocument(optime: OpTime): PlainDocument {
  return { ts: bsonTimestamp(optime.ts), t: BigInt(optime.t) };
}

export function bsonTimestamp(timestamp: Timestamp): BsonTimestamp {
  return new BsonTimestamp({ t: secondsOf(timestamp), i: incrementOf(timestamp) });
}

function progressDocument(progress: Progress, applied: string, appliedWall: string): PlainDocument {
  return {
    durableOpTime: opTimeDocument(progress.durable.optime),
    durableWallTime: new Date(progress.durable.wall),
    [applied]: opTimeDocument(progress.applied.optime),
    [appliedWall]: new Date(progress.applied.wall),
    writtenOpTime: opTimeDocument(progress.written.optime),
    writtenWallTime: new Date(progress.written.wall),
  };
}

function readProgress(document: PlainDocument, applied: string, appliedWall: string): Progress {
  const appliedAt = readPosition(document, applied, appliedWall);
  return {
    applied: appliedAt,
    durable: readPosition(document, 'durableOpTime', 'durableWallTime'),
    written:
      document['writtenOpTime'] === undefined ? appliedAt : readPosition(document, 'writtenOpTime', 'writtenWallTime'),
  };
}

/** Members without a config send no positions. */
function readPosition(document: PlainDocument, name: string, wall: string): Position {
  if (document[name] === undefined) return POSITION_NULL;
  return { optime: readOpTimeField(document, name), wall: readDate(document[wall]) };
}

function readOpTimeField(document: PlainDocument, name: string): OpTime {
  const value = requiredDocument(document, name);
  const ts = value['ts'];
  if (!(ts instanceof BsonTimestamp)) {
    throw new CommandError('TypeMismatch', `Expected field "${name}.ts" to have type timestamp`);
  }
  return {
    ts: timestampOf(ts.t, ts.i),
    t: optionalTerm(value, 't'),
  };
}

function readDate(value: unknown): UnixMs {
  return unixMs(value instanceof Date ? value.getTime() : 0);
}

const BITS_32 = 32n;

function timestampBits(timestamp: Timestamp): bigint {
  return (BigInt(secondsOf(timestamp)) << BITS_32) | BigInt(incrementOf(timestamp));
}

function timestampOfBits(bits: bigint): Timestamp {
  return timestampOf(Number(BigInt.asUintN(32, bits >> BITS_32)), Number(BigInt.asUintN(32, bits)));
}
