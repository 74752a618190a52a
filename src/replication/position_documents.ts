/**
 * The messages that go along with every write, written and read as bytes: replSetUpdatePosition, and the metadata of oplog
 * batches. What is malformed throws a CommandError. The rarer messages are in message_documents.ts.
 */
import { CommandError } from '../base/command_error.ts';
import { OPTIME_NULL, TERM_UNINITIALIZED } from '../base/optime.ts';
import { fieldName } from '../bson/bytes.ts';
import { ElementReader, findField } from '../bson/elements.ts';
import { writeOpTime } from '../bson/optime.ts';
import { BSON_TYPE, type ValueSpan } from '../bson/types.ts';
import { BsonWriter } from '../bson/writer.ts';
import { Fields, wrongType } from './message_fields.ts';
import type { MemberPosition, OplogQueryData, ReplData, UpdatePosition } from './messages.ts';
import type { Position, Progress } from './progress.ts';

/** Names as bytes, made once. Their order below is that of the fields in the documents. */
const N = {
  optimes: fieldName('optimes'),
  durable: fieldName('durableOpTime'),
  durableWall: fieldName('durableWallTime'),
  applied: fieldName('appliedOpTime'),
  appliedWall: fieldName('appliedWallTime'),
  written: fieldName('writtenOpTime'),
  writtenWall: fieldName('writtenWallTime'),
  memberId: fieldName('memberId'),
  configVersionOfMember: fieldName('cfgver'),
  replData: fieldName('$replData'),
  db: fieldName('$db'),
  term: fieldName('term'),
  lastOpCommitted: fieldName('lastOpCommitted'),
  lastCommittedWall: fieldName('lastCommittedWall'),
  lastOpVisible: fieldName('lastOpVisible'),
  lastOpApplied: fieldName('lastOpApplied'),
  lastOpWritten: fieldName('lastOpWritten'),
  configVersion: fieldName('configVersion'),
  configTerm: fieldName('configTerm'),
  replicaSetId: fieldName('replicaSetId'),
  rollbackId: fieldName('rbid'),
  primaryIndex: fieldName('primaryIndex'),
  syncSourceIndex: fieldName('syncSourceIndex'),
  syncSourceHost: fieldName('syncSourceHost'),
  isPrimary: fieldName('isPrimary'),
} as const;

/** Where messages are put together; each leaves as a copy. */
const SCRATCH = new BsonWriter();

/** The whole command. */
export function encodeUpdatePosition(update: UpdatePosition): Uint8Array {
  const writer = SCRATCH.reset().startDocument().int32('replSetUpdatePosition', 1).startArray(N.optimes);
  update.positions.forEach(({ progress, memberId, configVersion }, index) => {
    writer.startSubdocument(index);
    writePosition(writer, progress.durable, N.durable, N.durableWall);
    writePosition(writer, progress.applied, N.applied, N.appliedWall);
    writePosition(writer, progress.written, N.written, N.writtenWall);
    writer.int32(N.memberId, memberId).int64(N.configVersionOfMember, configVersion).end();
  });
  writer.end();
  if (update.replData !== undefined) writeReplData(writer, update.replData);
  return writer.string(N.db, 'admin').endDocument().finish();
}

/** `bytes` is the whole command. */
export function decodeUpdatePosition(bytes: Uint8Array): UpdatePosition {
  const optimes = findField(bytes, N.optimes);
  if (optimes === undefined) throw new CommandError('NoSuchKey', 'Missing expected field "optimes"');
  if (optimes.type !== BSON_TYPE.array) throw wrongType('optimes', 'array');
  const positions: MemberPosition[] = [];
  const reader = new ElementReader(optimes.bytes, optimes.start);
  while (reader.next()) if (reader.type === BSON_TYPE.object) positions.push(memberPositionOf(reader));
  const replData = findField(bytes, N.replData);
  return { positions, replData: replData === undefined ? undefined : readReplDataBytes(replData) };
}

/** Adds the field `$replData`. */
export function writeReplData(writer: BsonWriter, data: ReplData): void {
  writer.startSubdocument(N.replData).int64(N.term, data.term);
  writePosition(writer, data.commitPoint, N.lastOpCommitted, N.lastCommittedWall);
  writeOpTime(writer, N.lastOpVisible, data.lastVisible);
  writer.int64(N.configVersion, data.configVersion).int64(N.configTerm, data.configTerm);
  if (data.replicaSetId !== undefined) writer.objectIdOfHex(N.replicaSetId, data.replicaSetId);
  writer.int32(N.syncSourceIndex, data.syncSourceIndex).bool(N.isPrimary, data.isPrimary).end();
}

/** Adds the field `$oplogQueryData`. */
export function writeOplogQueryData(writer: BsonWriter, data: OplogQueryData): void {
  writer.startSubdocument('$oplogQueryData');
  writePosition(writer, data.commitPoint, N.lastOpCommitted, N.lastCommittedWall);
  writeOpTime(writer, N.lastOpApplied, data.lastApplied);
  writeOpTime(writer, N.lastOpWritten, data.lastWritten);
  writer.int32(N.rollbackId, data.rollbackId).int32(N.primaryIndex, data.primaryIndex);
  writer.int32(N.syncSourceIndex, data.syncSourceIndex).string(N.syncSourceHost, data.syncSourceHost).end();
}

/** The value of `$replData`; undefined when it is no document. */
export function readReplDataBytes(value: ValueSpan): ReplData | undefined {
  if (value.type !== BSON_TYPE.object) return undefined;
  const fields = new Fields(value, '$replData');
  return {
    term: fields.requiredTerm(N.term),
    commitPoint: fields.position(N.lastOpCommitted, N.lastCommittedWall),
    lastVisible: fields.optime(N.lastOpVisible) ?? OPTIME_NULL,
    configVersion: fields.number(N.configVersion),
    configTerm: fields.term(N.configTerm) ?? TERM_UNINITIALIZED,
    replicaSetId: fields.objectId(N.replicaSetId),
    syncSourceIndex: fields.optionalNumber(N.syncSourceIndex) ?? -1,
    isPrimary: fields.flag(N.isPrimary),
  };
}

/** The value of `$oplogQueryData`; undefined when it is no document. */
export function readOplogQueryDataBytes(value: ValueSpan): OplogQueryData | undefined {
  if (value.type !== BSON_TYPE.object) return undefined;
  const fields = new Fields(value, '$oplogQueryData');
  const lastApplied = fields.requiredOptime(N.lastOpApplied);
  return {
    commitPoint: fields.position(N.lastOpCommitted, N.lastCommittedWall),
    lastApplied,
    lastWritten: fields.optime(N.lastOpWritten) ?? lastApplied,
    rollbackId: fields.number(N.rollbackId),
    primaryIndex: fields.number(N.primaryIndex),
    syncSourceIndex: fields.number(N.syncSourceIndex),
    syncSourceHost: fields.text(N.syncSourceHost),
  };
}

/** Adds a position's two fields. */
export function writePosition(writer: BsonWriter, position: Position, name: Uint8Array, wall: Uint8Array): void {
  writeOpTime(writer, name, position.optime);
  writer.date(wall, position.wall);
}

function memberPositionOf(value: ValueSpan): MemberPosition {
  const fields = new Fields(value, 'optimes');
  const applied = fields.position(N.applied, N.appliedWall);
  const progress: Progress = {
    applied,
    durable: fields.position(N.durable, N.durableWall),
    // Members before 8.0 do not tell it apart.
    written: fields.optime(N.written) === undefined ? applied : fields.position(N.written, N.writtenWall),
  };
  return {
    memberId: fields.number(N.memberId),
    configVersion: fields.optionalNumber(N.configVersionOfMember) ?? -1,
    progress,
  };
}
