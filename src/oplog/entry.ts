/**
 * Oplog entries as documents: building them from raw parts, and reading their heads without decoding.
 *
 * The order of fields is MongoDB's: the session's part, the operation's part, the times, then the chain of a session.
 * A builder is reused: one per member, so that no entry allocates more than its own bytes.
 */
import { invariant } from '../base/invariant.ts';
import type { OpTime, Timestamp } from '../base/optime.ts';
import { TERM_UNINITIALIZED, TIMESTAMP_NULL, termOf } from '../base/optime.ts';
import { unixMs, type UnixMs } from '../base/units.ts';
import { fieldName, int32At, int64AsNumberAt, textOf } from '../bson/bytes.ts';
import { ElementReader } from '../bson/elements.ts';
import { timestampFromRaw, writeOpTime } from '../bson/optime.ts';
import { Slab } from '../bson/slab.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { BsonWriter } from '../bson/writer.ts';

/** insert, update, delete, command, no-op. */
export type OperationKind = 'i' | 'u' | 'd' | 'c' | 'n';

const NAMES = {
  lsid: fieldName('lsid'),
  txnNumber: fieldName('txnNumber'),
  op: fieldName('op'),
  ns: fieldName('ns'),
  ui: fieldName('ui'),
  o: fieldName('o'),
  o2: fieldName('o2'),
  b: fieldName('b'),
  stmtId: fieldName('stmtId'),
  fromMigrate: fieldName('fromMigrate'),
  needsRetryImage: fieldName('needsRetryImage'),
  preImageOpTime: fieldName('preImageOpTime'),
  postImageOpTime: fieldName('postImageOpTime'),
  ts: fieldName('ts'),
  t: fieldName('t'),
  v: fieldName('v'),
  wall: fieldName('wall'),
  prevOpTime: fieldName('prevOpTime'),
  multiOpType: fieldName('multiOpType'),
} as const;

/** The version of the entry format. Source: replicated entries of every server since protocol version 1. */
const ENTRY_VERSION = 2;

const UUID_SUBTYPE = 4;

/** What a retryable write or a transaction adds to its entries. */
export interface SessionPart {
  /** The whole document {id, uid}. */
  readonly lsid: Uint8Array;
  readonly txnNumber: number | bigint;
  /** Numbers of the statements of the command that this entry is about; an array when there are several. */
  readonly stmtId?: number | readonly number[];
  /** The session's entry before this one; {@link OPTIME_NULL} for the first. */
  readonly prevOpTime?: OpTime;
}

/** What an entry says happened. Documents are whole, from their first byte. */
export interface Operation {
  readonly op: OperationKind;
  /** 'db.coll', 'db.$cmd' for commands, '' for no-ops. */
  readonly ns: string;
  /** UUID of the collection, 16 bytes. */
  readonly ui?: Uint8Array | undefined;
  readonly o: Uint8Array;
  readonly o2?: Uint8Array | undefined;
  /** An update that inserts when nothing matches. */
  readonly upsert?: boolean | undefined;
  readonly fromMigrate?: boolean | undefined;
  /** Which image a findAndModify needs to be answered again. */
  readonly needsRetryImage?: 'preImage' | 'postImage' | undefined;
  readonly preImageOpTime?: OpTime | undefined;
  readonly postImageOpTime?: OpTime | undefined;
}

/** When and in which session an entry is written. */
export interface EntryStamp {
  readonly optime: OpTime;
  readonly wall: UnixMs;
  readonly session?: SessionPart | undefined;
  /** 1 for a batch of inserts that several entries carry. */
  readonly multiOpType?: number | undefined;
}

/** Builds entries and the operations inside `applyOps`. Not to be used again inside one of its own calls. */
export class EntryBuilder {
  readonly #writer = new BsonWriter();
  readonly #slab = new Slab();
  #entry: Uint8Array = new Uint8Array(0);
  #oStart = 0;
  #oEnd = 0;

  /** The `o` of the entry that was built last: a view into that entry. */
  get lastDocument(): Uint8Array {
    return this.#entry.subarray(this.#oStart, this.#oEnd);
  }

  /** Returns bytes that stay as they are, in an array shared with entries before and after. The entry that initiates a set carries the term -1. */
  build(operation: Operation, stamp: EntryStamp): Uint8Array {
    invariant(stamp.optime.ts > TIMESTAMP_NULL, 'an entry has a timestamp');
    const writer = this.#writer;
    const { session } = stamp;
    writer.reset().startDocument();
    if (session !== undefined) {
      writer.document(NAMES.lsid, session.lsid).int64(NAMES.txnNumber, session.txnNumber);
    }
    this.#oEnd = writeOperation(writer, operation, session?.stmtId);
    this.#oStart = this.#oEnd - operation.o.length;
    writer.timestamp(NAMES.ts, stamp.optime.ts);
    writer.int64(NAMES.t, stamp.optime.t).int64(NAMES.v, ENTRY_VERSION).date(NAMES.wall, stamp.wall);
    if (session?.prevOpTime !== undefined) writeOpTime(writer, NAMES.prevOpTime, session.prevOpTime);
    if (stamp.multiOpType !== undefined) writer.int32(NAMES.multiOpType, stamp.multiOpType);
    this.#entry = this.#slab.copy(writer.endDocument().view());
    return this.#entry;
  }

  /** The operation alone, as an element of `applyOps`. `stmtId` for retryable batches. Returns bytes of its own. */
  buildInner(operation: Operation, stmtId?: number): Uint8Array {
    const writer = this.#writer.reset().startDocument();
    writeOperation(writer, operation, stmtId);
    return writer.endDocument().finish();
  }
}

/** Returns where `o` ends. */
function writeOperation(writer: BsonWriter, operation: Operation, stmtId: SessionPart['stmtId']): number {
  writer.string(NAMES.op, operation.op).string(NAMES.ns, operation.ns);
  if (operation.ui !== undefined) {
    invariant(operation.ui.length === 16, 'a UUID has 16 bytes');
    writer.binData(NAMES.ui, UUID_SUBTYPE, operation.ui);
  }
  const oEnd = writer.document(NAMES.o, operation.o).length;
  if (operation.o2 !== undefined) writer.document(NAMES.o2, operation.o2);
  if (operation.upsert !== undefined) writer.bool(NAMES.b, operation.upsert);
  if (stmtId !== undefined) writeStatementIds(writer, stmtId);
  if (operation.fromMigrate !== undefined) writer.bool(NAMES.fromMigrate, operation.fromMigrate);
  if (operation.needsRetryImage !== undefined) writer.string(NAMES.needsRetryImage, operation.needsRetryImage);
  if (operation.preImageOpTime !== undefined) writeOpTime(writer, NAMES.preImageOpTime, operation.preImageOpTime);
  if (operation.postImageOpTime !== undefined) writeOpTime(writer, NAMES.postImageOpTime, operation.postImageOpTime);
  return oEnd;
}

function writeStatementIds(writer: BsonWriter, stmtId: number | readonly number[]): void {
  if (typeof stmtId === 'number') {
    writer.int32(NAMES.stmtId, stmtId);
    return;
  }
  writer.startArray(NAMES.stmtId);
  stmtId.forEach((id, index) => writer.int32(index, id));
  writer.end();
}

/** What every consumer of an entry needs first. */
export interface EntryHead {
  readonly ts: Timestamp;
  /** {@link TERM_UNINITIALIZED} where the entry has none. */
  readonly t: OpTime['t'];
  readonly op: OperationKind;
  readonly ns: string;
  readonly wall: UnixMs;
}

/** Allocates the head and the namespace only. For a hot loop use {@link EntryView}. */
export function readEntryHead(entry: Uint8Array): EntryHead {
  const view = new EntryView().reset(entry);
  return { ts: view.ts, t: view.t, op: view.op, ns: view.ns(), wall: view.wall };
}

/** The optime of an entry. */
export function entryOpTime(entry: Uint8Array): OpTime {
  const view = new EntryView().reset(entry);
  return { ts: view.ts, t: view.t };
}

/** The wall clock of the member that wrote the entry. */
export function entryWall(entry: Uint8Array): UnixMs {
  return new EntryView().reset(entry).wall;
}

const ABSENT = -1;

/**
 * An entry, or an operation inside `applyOps`, seen in place: one walk notes where everything is, nothing is decoded.
 * Reuse it by `reset`. Offsets are those of values within `bytes`, -1 for fields that are absent; `bytes` may hold the
 * document at any offset.
 */
export class EntryView {
  readonly #reader = new ElementReader();
  #bytes: Uint8Array = this.#reader.bytes;
  #nsStart = ABSENT;
  #nsEnd = ABSENT;
  #op = 0;
  /** TIMESTAMP_NULL for an operation inside `applyOps`. */
  ts: Timestamp = TIMESTAMP_NULL;
  t: OpTime['t'] = TERM_UNINITIALIZED;
  wall: UnixMs = unixMs(0);
  /** The 16 bytes of the collection's UUID start here. */
  uiAt: number = ABSENT;
  /** Documents start here. */
  oAt: number = ABSENT;
  o2At: number = ABSENT;
  lsidAt: number = ABSENT;
  /** An int64. */
  txnNumberAt: number = ABSENT;
  prevOpTimeAt: number = ABSENT;
  preImageOpTimeAt: number = ABSENT;
  postImageOpTimeAt: number = ABSENT;
  /** An int32, or an array of them: see {@link stmtIds}. */
  #stmtIdAt = ABSENT;
  #stmtIdType = 0;
  upsert = false;
  needsRetryImage: 'preImage' | 'postImage' | undefined = undefined;

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get op(): OperationKind {
    const op = String.fromCharCode(this.#op);
    invariant(op === 'i' || op === 'u' || op === 'd' || op === 'c' || op === 'n', `'${op}' is no kind of operation`);
    return op;
  }

  /** Of an insert, update or delete: nothing needs to be made to ask. */
  get isCrud(): boolean {
    return this.#op === 0x69 || this.#op === 0x75 || this.#op === 0x64;
  }

  ns(): string {
    return textOf(this.#bytes, this.#nsStart, this.#nsEnd);
  }

  /** 0 when the entry belongs to no session. */
  get txnNumber(): number {
    return this.txnNumberAt === ABSENT ? 0 : int64AsNumberAt(this.#bytes, this.txnNumberAt);
  }

  /** Empty when the entry carries none. */
  stmtIds(): number[] {
    if (this.#stmtIdAt === ABSENT) return [];
    if (this.#stmtIdType !== BSON_TYPE.array) return [int32At(this.#bytes, this.#stmtIdAt)];
    const ids: number[] = [];
    const reader = new ElementReader(this.#bytes, this.#stmtIdAt);
    while (reader.next()) ids.push(int32At(this.#bytes, reader.start));
    return ids;
  }

  /** The 16 bytes of the UUID as a view, undefined when absent. */
  ui(): Uint8Array | undefined {
    return this.uiAt === ABSENT ? undefined : this.#bytes.subarray(this.uiAt, this.uiAt + 16);
  }

  /** A document field as a view from its first to its last byte; undefined for offset -1. */
  documentAt(at: number): Uint8Array | undefined {
    return at === ABSENT ? undefined : this.#bytes.subarray(at, at + int32At(this.#bytes, at));
  }

  reset(bytes: Uint8Array, at = 0): this {
    this.#clear(bytes);
    const reader = this.#reader.reset(bytes, at);
    while (reader.next()) this.#take(reader);
    invariant(this.#op !== 0, 'an oplog entry has an op');
    invariant(this.oAt !== ABSENT, 'an oplog entry has an o');
    return this;
  }

  #clear(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#op = 0;
    this.#nsStart = this.#nsEnd = 0;
    this.ts = TIMESTAMP_NULL;
    this.t = TERM_UNINITIALIZED;
    this.wall = unixMs(0);
    this.uiAt = this.oAt = this.o2At = this.lsidAt = this.txnNumberAt = ABSENT;
    this.prevOpTimeAt = this.preImageOpTimeAt = this.postImageOpTimeAt = this.#stmtIdAt = ABSENT;
    this.upsert = false;
    this.needsRetryImage = undefined;
  }

  /** Short names first, by their length: those are on every entry. */
  #take(reader: ElementReader): void {
    const length = reader.nameEnd - reader.nameStart;
    if (length === 1) this.#takeOne(reader);
    else if (length === 2) this.#takeTwo(reader);
    else this.#takeLong(reader);
  }

  #takeOne(reader: ElementReader): void {
    if (reader.nameEquals(NAMES.o)) this.oAt = documentStart(reader);
    else if (reader.nameEquals(NAMES.t)) this.t = termOf(int64AsNumberAt(reader.bytes, reader.start));
    else if (reader.nameEquals(NAMES.b)) this.upsert = reader.bytes[reader.start] !== 0;
  }

  #takeTwo(reader: ElementReader): void {
    if (reader.nameEquals(NAMES.ts)) {
      invariant(reader.type === BSON_TYPE.timestamp, 'ts of an oplog entry is a timestamp');
      this.ts = timestampFromRaw(reader);
    } else if (reader.nameEquals(NAMES.op)) {
      this.#op = reader.bytes[reader.start + 4];
    } else if (reader.nameEquals(NAMES.ns)) {
      this.#nsStart = reader.start + 4;
      this.#nsEnd = reader.end - 1;
    } else if (reader.nameEquals(NAMES.ui)) {
      this.uiAt = reader.start + 5;
    } else if (reader.nameEquals(NAMES.o2)) {
      this.o2At = documentStart(reader);
    }
  }

  #takeLong(reader: ElementReader): void {
    if (reader.nameEquals(NAMES.wall)) this.wall = unixMs(int64AsNumberAt(reader.bytes, reader.start));
    else if (reader.nameEquals(NAMES.lsid)) this.lsidAt = documentStart(reader);
    else if (reader.nameEquals(NAMES.txnNumber)) this.txnNumberAt = reader.start;
    else if (reader.nameEquals(NAMES.stmtId)) {
      this.#stmtIdAt = reader.start;
      this.#stmtIdType = reader.type;
    } else this.#takeImages(reader);
  }

  #takeImages(reader: ElementReader): void {
    if (reader.nameEquals(NAMES.prevOpTime)) this.prevOpTimeAt = documentStart(reader);
    else if (reader.nameEquals(NAMES.preImageOpTime)) this.preImageOpTimeAt = documentStart(reader);
    else if (reader.nameEquals(NAMES.postImageOpTime)) this.postImageOpTimeAt = documentStart(reader);
    else if (reader.nameEquals(NAMES.needsRetryImage)) {
      const isPre = textOf(reader.bytes, reader.start + 4, reader.end - 1) === 'preImage';
      this.needsRetryImage = isPre ? 'preImage' : 'postImage';
    }
  }
}

function documentStart(reader: ElementReader): number {
  invariant(reader.type === BSON_TYPE.object, () => `${reader.name()} of an oplog entry is a document`);
  return reader.start;
}
