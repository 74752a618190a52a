/**
 * Heartbeats as MongoDB's documents, and back: every member sends one to every other all the time, so they are written and
 * read as bytes. What is malformed throws a CommandError.
 */
import { CommandError } from '../base/command_error.ts';
import { TERM_UNINITIALIZED } from '../base/optime.ts';
import { fieldName } from '../bson/bytes.ts';
import { decodeDocument, encodeDocument } from '../bson/codec.ts';
import { rawTimestamp } from '../bson/optime.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { RawValue } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { configToDocument } from './config_document.ts';
import { parseConfig } from './config_parse.ts';
import { memberStateOf } from './member_state.ts';
import { Fields } from './message_fields.ts';
import type { HeartbeatReply, HeartbeatRequest } from './messages.ts';
import { readReplDataBytes, writePosition, writeReplData } from './position_documents.ts';
import { POSITION_NULL, type Progress } from './progress.ts';

/** The only heartbeat format there is. */
const HEARTBEAT_VERSION = 1;

const N = {
  replSetHeartbeat: fieldName('replSetHeartbeat'),
  checkEmpty: fieldName('checkEmpty'),
  configVersion: fieldName('configVersion'),
  configTerm: fieldName('configTerm'),
  heartbeatVersion: fieldName('hbv'),
  from: fieldName('from'),
  fromId: fieldName('fromId'),
  term: fieldName('term'),
  primaryId: fieldName('primaryId'),
  db: fieldName('$db'),
  electionTime: fieldName('electionTime'),
  state: fieldName('state'),
  version: fieldName('v'),
  set: fieldName('set'),
  syncingTo: fieldName('syncingTo'),
  durable: fieldName('durableOpTime'),
  durableWall: fieldName('durableWallTime'),
  applied: fieldName('opTime'),
  appliedWall: fieldName('wallTime'),
  written: fieldName('writtenOpTime'),
  writtenWall: fieldName('writtenWallTime'),
  electable: fieldName('electable'),
  config: fieldName('config'),
  replData: fieldName('$replData'),
} as const;

/** Where messages are put together; each leaves as a copy. */
const SCRATCH = new BsonWriter();

/** The whole command. */
export function encodeHeartbeatRequest(request: HeartbeatRequest): Uint8Array {
  const writer = SCRATCH.reset().startDocument().string(N.replSetHeartbeat, request.setName);
  if (request.checkEmpty) writer.bool(N.checkEmpty, true);
  writer.int64(N.configVersion, request.configVersion).int64(N.configTerm, request.configTerm);
  writer.int32(N.heartbeatVersion, HEARTBEAT_VERSION).string(N.from, request.from).int32(N.fromId, request.fromId);
  writer.int64(N.term, request.term).int32(N.primaryId, request.primaryId).string(N.db, 'admin');
  return writer.endDocument().finish();
}

export function decodeHeartbeatRequest(bytes: Uint8Array): HeartbeatRequest {
  const fields = new Fields({ bytes, start: 0 }, '');
  const version = fields.optionalNumber(N.heartbeatVersion) ?? HEARTBEAT_VERSION;
  if (version !== HEARTBEAT_VERSION) {
    throw new CommandError(40666, `Found invalid value for field hbv: ${version}`);
  }
  return {
    setName: fields.requiredText(N.replSetHeartbeat),
    checkEmpty: fields.flag(N.checkEmpty),
    configVersion: fields.number(N.configVersion),
    configTerm: fields.term(N.configTerm) ?? TERM_UNINITIALIZED,
    from: fields.optionalText(N.from) ?? '',
    fromId: fields.optionalNumber(N.fromId) ?? -1,
    term: fields.requiredTerm(N.term),
    primaryId: fields.optionalNumber(N.primaryId) ?? -1,
  };
}

/** The fields of the reply, without `ok`. `electionTime` is a date whose 64 bits are those of a timestamp. */
export function encodeHeartbeatReply(reply: HeartbeatReply): Uint8Array {
  const writer = SCRATCH.reset().startDocument();
  if (reply.electionTime !== undefined) {
    const { bytes, start, end } = rawTimestamp(reply.electionTime);
    writer.value(N.electionTime, new RawValue(BSON_TYPE.date, bytes, start, end));
  }
  if (reply.state !== undefined) writer.int32(N.state, reply.state);
  writer.int64(N.version, reply.configVersion).int64(N.configTerm, reply.configTerm).string(N.set, reply.setName);
  if (reply.syncingTo !== undefined) writer.string(N.syncingTo, reply.syncingTo);
  writer.int64(N.term, reply.term).int64(N.primaryId, reply.primaryId);
  const { durable, applied, written } = reply.progress;
  writePosition(writer, durable, N.durable, N.durableWall);
  writePosition(writer, applied, N.applied, N.appliedWall);
  writePosition(writer, written, N.written, N.writtenWall);
  writer.bool(N.electable, reply.electable);
  const { config, replData } = reply;
  if (config !== undefined) writer.document(N.config, encodeDocument(configToDocument(config, { isInternal: true })));
  if (replData !== undefined) writeReplData(writer, replData);
  return writer.endDocument().finish();
}

export function decodeHeartbeatReply(bytes: Uint8Array): HeartbeatReply {
  const fields = new Fields({ bytes, start: 0 }, '');
  const state = fields.optionalNumber(N.state);
  const config = fields.document(N.config);
  const parsedConfig = config === undefined ? undefined : parseConfig(decodeDocument(config.bytes, config.start));
  const replData = fields.document(N.replData);
  return {
    replData: replData === undefined ? undefined : readReplDataBytes(replData),
    setName: fields.requiredText(N.set),
    state: state === undefined ? undefined : memberStateOf(state),
    configVersion: fields.number(N.version),
    configTerm: fields.term(N.configTerm) ?? TERM_UNINITIALIZED,
    config: parsedConfig,
    term: fields.term(N.term) ?? TERM_UNINITIALIZED,
    primaryId: fields.optionalNumber(N.primaryId) ?? -1,
    syncingTo: fields.optionalText(N.syncingTo),
    progress: progressOf(fields),
    electable: fields.flag(N.electable),
    electionTime: fields.timestampInDate(N.electionTime),
  };
}

/** Members without a config send no positions; those before MongoDB 8.0 do not tell written from applied. */
function progressOf(fields: Fields): Progress {
  const applied = fields.optionalPosition(N.applied, N.appliedWall) ?? POSITION_NULL;
  return {
    applied,
    durable: fields.optionalPosition(N.durable, N.durableWall) ?? POSITION_NULL,
    written: fields.optionalPosition(N.written, N.writtenWall) ?? applied,
  };
}
