/** A request's write concern. Source: the manual, "Write Concern"; error texts are MongoDB's. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { isTruthy, numberOf, stringOf } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { hadWrongType, unknownField, wrongType } from '../fields.ts';
import { checkProvenance } from './read_concern.ts';

export interface WriteConcern {
  /** A number of members, 'majority', or the name of a mode of the configuration. */
  readonly w: number | string;
  /** Undefined: as the configuration says for 'majority', otherwise not. */
  readonly j: boolean | undefined;
  /** 0: no limit. */
  readonly wtimeoutMs: number;
  readonly provenance: 'clientSupplied' | 'implicitDefault' | 'customDefault' | 'internalWriteDefault';
}

export type WriteConcernOutcome =
  | { readonly kind: 'satisfied' }
  | {
      readonly kind: 'failed';
      readonly code: number;
      readonly codeName: string;
      readonly errmsg: string;
      /** The wait took longer than the write concern allows: `errInfo.wtimeout: true`. */
      readonly isTimeout: boolean;
    };

/** What one member waits for when it writes at another: nothing beyond the write. */
export const WRITE_CONCERN_INTERNAL: WriteConcern = {
  w: 1,
  j: undefined,
  wtimeoutMs: 0,
  provenance: 'internalWriteDefault',
};

/** Most members a write concern may name. Source: MongoDB's ReplSetConfig::kMaxMembers. */
const W_MAX = 50;

const W = fieldName('w');
const J = fieldName('j');
const FSYNC = fieldName('fsync');
const WTIMEOUT = fieldName('wtimeout');
const PROVENANCE = fieldName('provenance');
const LEGACY = ['wElectionId', 'wOpTime', 'getLastError'].map(fieldName);

/** Undefined for `{}`, which means the default. Throws CommandError 9, 14 or 40415. */
export function parseWriteConcern(value: ValueSpan): WriteConcern | undefined {
  if (value.type !== BSON_TYPE.object) throw hadWrongType('writeConcern', value, 'object');
  if (isEmptyDocument(value.bytes, value.start)) return undefined;
  let w: number | string = 1;
  let j: boolean | undefined;
  let fsync = false;
  let wtimeoutMs = 0;
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    if (reader.nameEquals(W)) w = parseW(reader);
    else if (reader.nameEquals(J)) j = parseFlag('writeConcern.j', reader);
    else if (reader.nameEquals(FSYNC)) fsync = parseFlag('writeConcern.fsync', reader);
    else if (reader.nameEquals(WTIMEOUT)) wtimeoutMs = parseTimeout(reader);
    else if (reader.nameEquals(PROVENANCE)) checkProvenance('writeConcern.provenance', reader);
    else if (!LEGACY.some((name) => reader.nameEquals(name))) throw unknownField(`writeConcern.${reader.name()}`);
  }
  if (j === true && fsync) throw new CommandError('FailedToParse', 'fsync and j options cannot be used together');
  return { w, j: fsync ? true : j, wtimeoutMs, provenance: 'clientSupplied' };
}

function parseW(value: ValueSpan): number | string {
  if (value.type === BSON_TYPE.string) return stringOf(value);
  if (value.type === BSON_TYPE.null) return 1;
  if (!isNumericType(value.type)) {
    throw wrongType('writeConcern.w', value, 'string', 'int', 'decimal', 'double', 'long');
  }
  const number = numberOf(value);
  const w = Number.isNaN(number) ? 0 : Math.trunc(number);
  if (w >= 0 && w <= W_MAX) return w;
  throw new CommandError('FailedToParse', `w has to be a non-negative number and not greater than ${W_MAX}`);
}

function parseFlag(path: string, value: ValueSpan): boolean {
  if (value.type !== BSON_TYPE.bool && !isNumericType(value.type)) {
    throw wrongType(path, value, 'bool', 'long', 'int', 'decimal', 'double');
  }
  return isTruthy(value);
}

function parseTimeout(value: ValueSpan): number {
  if (!isNumericType(value.type)) throw wrongType('writeConcern.wtimeout', value, 'long', 'int', 'decimal', 'double');
  return Math.max(0, Math.trunc(numberOf(value)));
}

/** Writes `writeConcernError` for a concern that was not satisfied. */
export function writeWriteConcernError(
  reply: BsonWriter,
  concern: WriteConcern,
  outcome: Extract<WriteConcernOutcome, { kind: 'failed' }>,
): void {
  reply
    .startSubdocument('writeConcernError')
    .int32('code', outcome.code)
    .string('codeName', outcome.codeName)
    .string('errmsg', outcome.errmsg)
    .startSubdocument('errInfo');
  if (outcome.isTimeout) reply.bool('wtimeout', true);
  reply.startSubdocument('writeConcern');
  if (typeof concern.w === 'number') reply.int32('w', concern.w);
  else reply.string('w', concern.w);
  if (concern.j !== undefined) reply.bool('j', concern.j);
  reply.int32('wtimeout', Math.min(concern.wtimeoutMs, 2 ** 31 - 1)).string('provenance', concern.provenance);
  reply.end().end().end();
}
