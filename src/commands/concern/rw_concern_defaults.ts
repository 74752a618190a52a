/**
 * The read and write concern of requests that bring none, as setDefaultRWConcern sets them: one document of
 * `config.settings`, read where it lies, so that it is the same on all members.
 */
import { fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawString, type RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { MemberData } from '../../database/member_data.ts';
import { findById, type FoundRecord } from '../../database/write/write_documents.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { parseReadConcern, type ReadConcern } from './read_concern.ts';
import { parseWriteConcern, type WriteConcern } from './write_concern.ts';

export const SETTINGS_NS = 'config.settings';
export const DEFAULTS_ID = 'ReadWriteConcernDefaults';

const READ = fieldName('defaultReadConcern');
const WRITE = fieldName('defaultWriteConcern');
const OP_TIME = fieldName('updateOpTime');
const WALL = fieldName('updateWallClockTime');

export interface StoredDefaults {
  readonly readConcern: RawValue | undefined;
  readonly writeConcern: RawValue | undefined;
  readonly updateOpTime: RawValue | undefined;
  readonly updateWallClockTime: RawValue | undefined;
}

/** The record of the defaults, for who changes it. */
export function defaultsRecord(
  data: MemberData,
): { readonly collection: Collection; readonly found: FoundRecord } | undefined {
  const collection = data.catalog.find(SETTINGS_NS);
  if (collection === undefined) return undefined;
  const found = findById(collection, collection.idKey(rawString(DEFAULTS_ID)));
  return found === undefined ? undefined : { collection, found };
}

export function storedDefaults(data: MemberData): StoredDefaults | undefined {
  const document = defaultsRecord(data)?.found.document;
  if (document === undefined) return undefined;
  return {
    readConcern: findField(document, READ),
    writeConcern: findField(document, WRITE),
    updateOpTime: findField(document, OP_TIME),
    updateWallClockTime: findField(document, WALL),
  };
}

/** Undefined: the implicit one holds. */
export function defaultWriteConcern(data: MemberData): WriteConcern | undefined {
  const stored = storedDefaults(data)?.writeConcern;
  if (stored?.type !== BSON_TYPE.object) return undefined;
  const concern = parseWriteConcern(stored);
  return concern === undefined ? undefined : { ...concern, provenance: 'customDefault' };
}

/** Undefined: reads are local. */
export function defaultReadConcern(data: MemberData): ReadConcern | undefined {
  const stored = storedDefaults(data)?.readConcern;
  return stored?.type === BSON_TYPE.object ? parseReadConcern(stored) : undefined;
}

/** What the commands about the defaults answer. `implicit`: the write concern that holds when none is set. */
export function writeDefaults(
  reply: BsonWriter,
  stored: StoredDefaults | undefined,
  implicit: WriteConcern,
  now: number,
): void {
  const { readConcern, writeConcern, updateOpTime, updateWallClockTime } = stored ?? {};
  if (readConcern === undefined) reply.startSubdocument(READ).string('level', 'local').end();
  else reply.value(READ, readConcern);
  if (writeConcern === undefined) {
    reply.startSubdocument(WRITE);
    if (typeof implicit.w === 'number') reply.int32('w', implicit.w);
    else reply.string('w', implicit.w);
    reply.int32('wtimeout', 0).end();
  } else {
    reply.value(WRITE, writeConcern);
  }
  if (updateOpTime !== undefined) reply.value(OP_TIME, updateOpTime);
  if (updateWallClockTime !== undefined) reply.value(WALL, updateWallClockTime);
  reply.string('defaultWriteConcernSource', writeConcern === undefined ? 'implicit' : 'global');
  reply.string('defaultReadConcernSource', readConcern === undefined ? 'implicit' : 'global');
  reply.date('localUpdateWallClockTime', now);
}
