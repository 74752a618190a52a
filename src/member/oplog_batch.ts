/** Reads the replies of a sync source's oplog cursor. */
import { CommandError } from '../base/command_error.ts';
import { TERM_UNINITIALIZED, TIMESTAMP_NULL, termOf, type Timestamp } from '../base/optime.ts';
import { unixMs, type UnixMs } from '../base/units.ts';
import { copyRange, fieldName, int64AsNumberAt, int64At } from '../bson/bytes.ts';
import { documentSize, ElementReader, findField } from '../bson/elements.ts';
import { timestampFromRaw } from '../bson/optime.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { numberOf, type RawValue } from '../bson/value.ts';
import type { OplogQueryData, ReplData } from '../replication/messages.ts';
import { readOplogQueryDataBytes, readReplDataBytes } from '../replication/position_documents.ts';
import type { FetchedEntry } from './applier.ts';

const CURSOR = fieldName('cursor');
const FIRST_BATCH = fieldName('firstBatch');
const NEXT_BATCH = fieldName('nextBatch');
const ID = fieldName('id');
const TS = fieldName('ts');
const T = fieldName('t');
const WALL = fieldName('wall');
const REPL_DATA = fieldName('$replData');
const OPLOG_QUERY_DATA = fieldName('$oplogQueryData');

/** One reply of a cursor on a member's oplog. */
export interface OplogBatch {
  readonly cursorId: bigint;
  readonly entries: readonly FetchedEntry[];
  readonly replData: ReplData | undefined;
  readonly oplogQueryData: OplogQueryData | undefined;
}

/** `reply` is a whole, good reply to find or getMore, which must not change: the entries are views into it. */
export function readOplogBatch(reply: Uint8Array): OplogBatch {
  const { cursorId, documents } = readCursor(reply);
  const replData = findField(reply, REPL_DATA);
  const oplogQueryData = findField(reply, OPLOG_QUERY_DATA);
  return {
    cursorId,
    entries: documents.map(entryOf),
    replData: replData === undefined ? undefined : readReplDataBytes(replData),
    oplogQueryData: oplogQueryData === undefined ? undefined : readOplogQueryDataBytes(oplogQueryData),
  };
}

/** The cursor's id and views of its documents. Throws CommandError when the reply has no cursor. */
export function readCursor(reply: Uint8Array): { readonly cursorId: bigint; readonly documents: Uint8Array[] } {
  const cursor = findField(reply, CURSOR);
  if (cursor?.type !== BSON_TYPE.object) throw new CommandError('FailedToParse', 'a reply without a cursor');
  const documents: Uint8Array[] = [];
  let cursorId = 0n;
  const reader = new ElementReader(cursor.bytes, cursor.start);
  while (reader.next()) {
    if (reader.nameEquals(ID) && reader.type === BSON_TYPE.int64) {
      cursorId = int64At(reader.bytes, reader.start);
    } else if (reader.nameEquals(FIRST_BATCH) || reader.nameEquals(NEXT_BATCH)) {
      collectDocuments(reader.bytes, reader.start, documents);
    }
  }
  return { cursorId, documents };
}

/** Timestamp, term and wall clock time of an entry, in one walk over its fields. */
export function entryOf(bytes: Uint8Array): FetchedEntry {
  const reader = new ElementReader(bytes);
  let ts: Timestamp = TIMESTAMP_NULL;
  let t: number = TERM_UNINITIALIZED;
  let wall: UnixMs = unixMs(0);
  while (reader.next()) {
    if (reader.type === BSON_TYPE.timestamp && reader.nameEquals(TS)) ts = timestampFromRaw(reader);
    else if (reader.type === BSON_TYPE.int64 && reader.nameEquals(T)) t = int64AsNumberAt(bytes, reader.start);
    else if (reader.type === BSON_TYPE.date && reader.nameEquals(WALL))
      wall = unixMs(int64AsNumberAt(bytes, reader.start));
  }
  if (ts === TIMESTAMP_NULL) throw new CommandError('FailedToParse', 'an oplog entry without a timestamp');
  return { bytes, optime: { ts, t: termOf(t) }, wall };
}

/** A copy of an embedded document. */
export function documentOf(value: RawValue): Uint8Array {
  return copyRange(value.bytes, value.start, value.end);
}

/** The number in a reply's field; undefined when it has none. */
export function numberField(reply: Uint8Array, name: Uint8Array): number | undefined {
  const value = findField(reply, name);
  return value === undefined ? undefined : numberOf(value);
}

function collectDocuments(bytes: Uint8Array, at: number, into: Uint8Array[]): void {
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    if (reader.type !== BSON_TYPE.object) throw new CommandError('FailedToParse', 'a batch holds documents only');
    into.push(bytes.subarray(reader.start, reader.start + documentSize(bytes, reader.start)));
  }
}
