/**
 * Retryable writes: which statements of a session's current transaction number were executed, so that a repeated one is
 * answered and not executed again, on this member or on the one that takes over from it.
 *
 * Every entry of a retryable write carries session, number, statement and the optime of the session's entry before it.
 * A versioned table keeps, per session, the number and the last of those optimes; from there the chain of entries tells
 * the rest. It is what `config.transactions` shows. Source: the specification "Retryable Writes".
 */
import { CommandError } from '../base/command_error.ts';
import { OPTIME_NULL, type OpTime, type Timestamp } from '../base/optime.ts';
import type { UnixMs } from '../base/units.ts';
import { fieldName, int32At, int64AsNumberAt, int64At } from '../bson/bytes.ts';
import { ElementReader, findField } from '../bson/elements.ts';
import { optimeOfFields, readOpTime, writeOpTime } from '../bson/optime.ts';
import { BSON_TYPE, type ValueSpan } from '../bson/types.ts';
import { BsonWriter } from '../bson/writer.ts';
import type { Table } from '../storage/table.ts';
import { uuidText } from './uuid.ts';

/** SHA-256 of the empty user name: the owner of every session while there are no users. */
const NO_USER_UID = Uint8Array.from(atob('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='), (character) =>
  character.charCodeAt(0),
);

/** Sessions whose statements are kept in memory; others are read again from the oplog when they come back. */
const SESSIONS_IN_MEMORY_MAX = 20_000;

const ID = fieldName('id');
const UID = fieldName('uid');
const OWNER = fieldName('_id');
const TXN_NUM = fieldName('txnNum');
const LAST_WRITE_OPTIME = fieldName('lastWriteOpTime');
const LAST_WRITE_DATE = fieldName('lastWriteDate');
const STMT_ID = fieldName('stmtId');
const PREV_OPTIME = fieldName('prevOpTime');

/** A session's identity. */
export interface SessionId {
  /** {id, uid}: as entries carry it. */
  readonly document: Uint8Array;
  /** id and uid, 48 bytes: its key in the table. */
  readonly key: Uint8Array;
  /** The key as a string, one character per byte: for maps and comparisons. */
  readonly text: string;
}

const NO_USER_TEXT = textOfBytes(NO_USER_UID, 0, NO_USER_UID.length);

/** What identifies the session of an `lsid` document, as {@link SessionId.text}. The caller has checked its shape. */
export function sessionTextOf(lsid: ValueSpan): string {
  const id = findField(lsid.bytes, ID, lsid.start);
  if (id === undefined || id.type !== BSON_TYPE.binData || id.end - id.start !== 21) {
    throw new CommandError('BadValue', 'the id of an lsid must be a UUID');
  }
  const text = textOfBytes(id.bytes, id.start + 5, id.end);
  const uid = findField(lsid.bytes, UID, lsid.start);
  if (uid === undefined || uid.type !== BSON_TYPE.binData || uid.end - uid.start !== 37) return text + NO_USER_TEXT;
  return text + textOfBytes(uid.bytes, uid.start + 5, uid.end);
}

function textOfBytes(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

function sessionIdOf(text: string): SessionId {
  const key = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const writer = new BsonWriter(80).startDocument();
  writer.binData(ID, 4, key.subarray(0, 16)).binData(UID, 0, key.subarray(16));
  return { document: writer.endDocument().finish(), key, text };
}

/** How messages name a session: its UUID and the base64 of its owner. */
export function describeSession(text: string): string {
  const uuid = Uint8Array.from(text.slice(0, 16), (character) => character.charCodeAt(0));
  return `${uuidText(uuid)} - ${btoa(text.slice(16))}`;
}

/** One session's current retryable write. */
export class RetryableSession {
  readonly id: SessionId;
  readonly txnNumber: bigint;
  /** The session's last entry with this number; null before the first. Goes into the next entry as `prevOpTime`. */
  lastWrite: OpTime = OPTIME_NULL;
  /** Executed statements and the timestamps of their entries. */
  readonly statements = new Map<number, Timestamp>();
  /** False when the chain reaches back behind the oldest entry: what is not in `statements` is then unknown. */
  isComplete = true;

  constructor(id: SessionId, txnNumber: bigint) {
    this.id = id;
    this.txnNumber = txnNumber;
  }

  /** The timestamp of the entry of an executed statement. Throws IncompleteTransactionHistory when that is unknown. */
  executed(statement: number): Timestamp | undefined {
    const at = this.statements.get(statement);
    if (at === undefined && !this.isComplete) {
      throw new CommandError(
        'IncompleteTransactionHistory',
        `Incomplete history detected for transaction ${this.txnNumber} on session ${describeSession(this.id.text)}`,
      );
    }
    return at;
  }
}

export interface EntryFinder {
  find(ts: Timestamp): Uint8Array | undefined;
}

export class SessionStore {
  readonly #table: () => Table;
  readonly #oplog: EntryFinder;
  readonly #active = new Map<string, RetryableSession>();
  readonly #known = new Map<string, SessionId>();
  readonly #writer = new BsonWriter(256);

  constructor(table: () => Table, oplog: EntryFinder) {
    this.#table = table;
    this.#oplog = oplog;
  }

  /** Sessions with retryable writes that are in memory. */
  get count(): number {
    return this.#active.size;
  }

  /** The session of an `lsid` at `txnNumber`. Throws TransactionTooOld when it has gone on to a higher one. */
  begin(lsid: ValueSpan, txnNumber: bigint): RetryableSession {
    const text = sessionTextOf(lsid);
    const active = this.#active.get(text) ?? this.#load(this.#identify(text));
    if (active !== undefined) {
      if (active.txnNumber === txnNumber) return active;
      if (active.txnNumber > txnNumber) throw tooOld(active.id, txnNumber, active.txnNumber);
    }
    const session = new RetryableSession(active?.id ?? this.#identify(text), txnNumber);
    this.#remember(session);
    return session;
  }

  /** Called by the write itself, with the timestamp of its entry. */
  record(session: RetryableSession, statement: number, optime: OpTime, wall: UnixMs): void {
    session.statements.set(statement, optime.ts);
    session.lastWrite = optime;
    this.#table().put(session.id.key, this.#build(session.id, session.txnNumber, optime, wall), optime.ts);
  }

  /** For an entry that was applied rather than written here. */
  apply(lsid: ValueSpan, txnNumber: bigint, optime: OpTime, wall: UnixMs): void {
    const id = this.#identify(sessionTextOf(lsid));
    this.#active.delete(id.text);
    this.#table().put(id.key, this.#build(id, txnNumber, optime, wall), optime.ts);
  }

  /** A record as another member had it, taken over by an initial sync. */
  copy(record: Uint8Array, at: Timestamp): void {
    const owner = findField(record, OWNER);
    if (owner === undefined || owner.type !== BSON_TYPE.object) return;
    this.#table().put(this.#identify(sessionTextOf(owner)).key, record, at);
  }

  /** Forgets what is in memory; the table and the oplog have it. */
  forget(): void {
    this.#active.clear();
  }

  /** The sessions with retryable writes that are in memory, as {id, uid}. */
  *active(): Iterable<Uint8Array> {
    for (const { id } of this.#active.values()) yield id.document;
  }

  /** The records as `config.transactions` shows them. */
  *records(at: Timestamp): Iterable<Uint8Array> {
    const cursor = this.#table().cursor({ at });
    while (cursor.next()) yield cursor.value;
  }

  #identify(text: string): SessionId {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= SESSIONS_IN_MEMORY_MAX) this.#known.clear();
    const id = sessionIdOf(text);
    this.#known.set(text, id);
    return id;
  }

  #remember(session: RetryableSession): void {
    this.#active.delete(session.id.text);
    this.#active.set(session.id.text, session);
    if (this.#active.size <= SESSIONS_IN_MEMORY_MAX) return;
    const [oldest] = this.#active.keys();
    this.#active.delete(oldest);
  }

  #load(id: SessionId): RetryableSession | undefined {
    const record = this.#table().get(id.key);
    if (record === undefined) return undefined;
    const txnNum = findField(record, TXN_NUM);
    const last = findField(record, LAST_WRITE_OPTIME);
    if (txnNum === undefined || last === undefined) return undefined;
    const session = new RetryableSession(id, int64At(txnNum.bytes, txnNum.start));
    session.lastWrite = readOpTime(last) ?? OPTIME_NULL;
    this.#followChain(session);
    this.#remember(session);
    return session;
  }

  #followChain(session: RetryableSession): void {
    let at = session.lastWrite;
    while (at.ts > 0) {
      const entry = this.#oplog.find(at.ts);
      const optime = entry === undefined ? undefined : optimeOfFields(entry);
      if (entry === undefined || optime?.t !== at.t) {
        session.isComplete = false;
        return;
      }
      for (const statement of statementsOf(entry)) session.statements.set(statement, at.ts);
      const previous = findField(entry, PREV_OPTIME);
      at = (previous === undefined ? undefined : readOpTime(previous)) ?? OPTIME_NULL;
    }
  }

  #build(id: SessionId, txnNumber: bigint, optime: OpTime, wall: UnixMs): Uint8Array {
    const writer = this.#writer.reset().startDocument().document(OWNER, id.document).int64(TXN_NUM, txnNumber);
    writeOpTime(writer, LAST_WRITE_OPTIME, optime);
    return writer.date(LAST_WRITE_DATE, wall).endDocument().finish();
  }
}

/** The statement ids of an entry: one, or several in an array. */
function statementsOf(entry: Uint8Array): number[] {
  const value = findField(entry, STMT_ID);
  if (value === undefined) return [];
  if (value.type === BSON_TYPE.int32) return [int32At(value.bytes, value.start)];
  const ids: number[] = [];
  if (value.type !== BSON_TYPE.array) return [int64AsNumberAt(value.bytes, value.start)];
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) ids.push(int32At(reader.bytes, reader.start));
  return ids;
}

function tooOld(id: SessionId, wanted: bigint, active: bigint): CommandError {
  const text = `Retryable write with txnNumber ${wanted} is prohibited on session ${describeSession(id.text)}`;
  const because = `because a newer retryable write with txnNumber ${active} has already started on this session.`;
  return new CommandError('TransactionTooOld', `${text} ${because}`);
}
