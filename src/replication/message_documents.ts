/**
 * The messages between members as MongoDB's documents, and back (heartbeats are in heartbeat_documents.ts, those that go
 * along with every write in position_documents.ts). Everything decoded here came from another process: what is malformed
 * throws a CommandError, which the caller answers or treats as a failed request.
 */
import { Timestamp as BsonTimestamp } from 'bson';
import { CommandError } from '../base/command_error.ts';
import { incrementOf, secondsOf, timestampOf, type OpTime, type Timestamp } from '../base/optime.ts';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import {
  flag,
  optionalString,
  optionalTerm,
  requiredDocument,
  requiredNumber,
  requiredString,
  requiredTerm,
  type PlainDocument,
} from './document.ts';
import type { Reply } from './effect.ts';
import { NO_FIELDS } from './turn.ts';
import { encodeHeartbeatReply } from './heartbeat_documents.ts';
import type { VoteReply, VoteRequest } from './messages.ts';

const NO_FIELDS_BYTES = encodeDocument(NO_FIELDS);

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
      return reply.document === NO_FIELDS ? NO_FIELDS_BYTES : encodeDocument(reply.document);
    case 'error':
      throw reply.error;
  }
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

/** {ts, t} as documents have it: t is int64. */
export function opTimeDocument(optime: OpTime): PlainDocument {
  return { ts: bsonTimestamp(optime.ts), t: BigInt(optime.t) };
}

export function bsonTimestamp(timestamp: Timestamp): BsonTimestamp {
  return new BsonTimestamp({ t: secondsOf(timestamp), i: incrementOf(timestamp) });
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
