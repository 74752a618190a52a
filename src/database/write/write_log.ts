/**
 * Where a primary's writes are logged: each under a fresh timestamp and the current term.
 *
 * A write has three steps, all in one turn: what may fail (checks, evaluating); its entry here; the tables. Whoever logs
 * a write calls `applied` when it is in all its tables. What fails in between leaves the member's data unlike its
 * oplog, and must stop it; what fails before has changed nothing.
 */
import { CommandError } from '../../base/command_error.ts';
import type { Clock } from '../../base/env.ts';
import { invariant } from '../../base/invariant.ts';
import {
  OPTIME_NULL,
  TERM_UNINITIALIZED,
  TIMESTAMP_NULL,
  type OpTime,
  type Term,
  type Timestamp,
} from '../../base/optime.ts';
import { EntryBuilder, type Operation, type SessionPart } from '../../oplog/entry.ts';
import type { Oplog } from '../../oplog/oplog.ts';
import type { ClusterClock } from '../cluster_clock.ts';
import type { Collection } from '../catalog/collection.ts';
import { documentKeyOf } from '../insertable.ts';
import type { RetryableSession, SessionStore } from '../sessions.ts';

/** A statement of a retryable write: its entry names it, so that a repetition is recognised. */
export interface Statement {
  readonly session: RetryableSession;
  readonly id: number;
  /** The document a findAndModify returns; logged beside the change so that a repetition returns it again. */
  readonly image?: { readonly kind: 'pre' | 'post'; readonly document: Uint8Array } | undefined;
}

interface WriteLogParts {
  readonly clock: Clock;
  readonly clusterClock: ClusterClock;
  readonly oplog: Oplog;
  readonly sessions: SessionStore;
}

export class WriteLog {
  readonly #parts: WriteLogParts;
  readonly #builder = new EntryBuilder();
  /** The term of new entries. */
  term: Term = TERM_UNINITIALIZED;
  /** How many documents were written here since the process began. */
  readonly documents = { inserted: 0, updated: 0, deleted: 0 };
  /** Whether clients' writes to replicated collections are taken. */
  acceptsWrites = false;
  #isUnderWay = false;

  constructor(parts: WriteLogParts) {
    this.#parts = parts;
  }

  /** Whether a write was begun that is not in all its tables. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** The write that was logged last is in all its tables. */
  applied(): void {
    invariant(this.#isUnderWay, 'a write was begun');
    this.#isUnderWay = false;
  }

  #begin(): void {
    invariant(!this.#isUnderWay, 'the write before this one was applied');
    this.#isUnderWay = true;
  }

  #beginUnreplicated(): Timestamp {
    this.#begin();
    return TIMESTAMP_NULL;
  }

  /** Returns the timestamp to write the tables at: TIMESTAMP_NULL for collections that are not replicated. */
  insert(collection: Collection, document: Uint8Array, statement?: Statement): Timestamp {
    this.documents.inserted += 1;
    if (!collection.isReplicated) return this.#beginUnreplicated();
    this.checkAcceptsWrites();
    return this.#write({ op: 'i', ns: collection.ns, ui: collection.uuid, o: document }, statement);
  }

  /** The document of the insert that was logged last, where it lies in its entry: that is kept anyway. */
  get inserted(): Uint8Array {
    return this.#builder.lastDocument;
  }

  /** `diff`: the whole `{$v: 2, diff}`; without it the entry carries the new document. */
  update(
    collection: Collection,
    before: Uint8Array,
    change: {
      readonly document: Uint8Array;
      readonly diff: Uint8Array | undefined;
      readonly statement?: Statement | undefined;
    },
  ): Timestamp {
    this.documents.updated += 1;
    if (!collection.isReplicated) return this.#beginUnreplicated();
    this.checkAcceptsWrites();
    const { ns, uuid } = collection;
    const o = change.diff ?? change.document;
    const operation: Operation = { op: 'u', ns, ui: uuid, o, o2: documentKeyOf(before) };
    return this.#writeWithImage(operation, change.statement);
  }

  delete(collection: Collection, documentKey: Uint8Array, statement?: Statement): Timestamp {
    this.documents.deleted += 1;
    if (!collection.isReplicated) return this.#beginUnreplicated();
    this.checkAcceptsWrites();
    const operation: Operation = { op: 'd', ns: collection.ns, ui: collection.uuid, o: documentKey };
    return this.#writeWithImage(operation, statement);
  }

  /** Logs a command on a database; `uuid` names the collection it is about. */
  command(db: string, uuid: Uint8Array | undefined, o: Uint8Array, o2?: Uint8Array): Timestamp {
    if (db === 'local') return this.#beginUnreplicated();
    this.checkAcceptsWrites();
    return this.#write({ op: 'c', ns: `${db}.$cmd`, ui: uuid, o, o2 }, undefined);
  }

  /** Unlike all others this is also done by a primary that does not take writes yet. */
  noop(o: Uint8Array): OpTime {
    const ts = this.#write({ op: 'n', ns: '', o }, undefined);
    this.applied();
    return { ts, t: this.term };
  }

  /** Refuses replicated writes on a member that is not (or no longer) a writable primary. */
  checkAcceptsWrites(): void {
    if (!this.acceptsWrites) throw new CommandError('NotWritablePrimary', 'not primary');
  }

  #write(operation: Operation, statement: Statement | undefined): Timestamp {
    const { oplog, clock, clusterClock, sessions } = this.#parts;
    const optime: OpTime = { ts: clusterClock.tick(), t: this.term };
    invariant(optime.ts > oplog.lastWritten.ts, 'timestamps of entries rise');
    const wall = clock.wall();
    const session = statement === undefined ? undefined : sessionPart(statement);
    const entry = this.#builder.build(operation, { optime, wall, session });
    // A full disk refuses an entry before anything of it is written: then no write was begun.
    oplog.append(entry, optime, wall);
    this.#begin();
    if (statement !== undefined) sessions.record(statement.session, statement.id, optime, wall);
    return optime.ts;
  }

  /** Logs the image first: the entry of the change points to it. */
  #writeWithImage(operation: Operation, statement: Statement | undefined): Timestamp {
    const image = statement?.image;
    if (statement === undefined || image === undefined) return this.#write(operation, statement);
    const { oplog, clock, clusterClock } = this.#parts;
    const optime: OpTime = { ts: clusterClock.tick(), t: this.term };
    const wall = clock.wall();
    const { ns, ui } = operation;
    const noop: Operation = { op: 'n', ns, ui, o: image.document };
    const entry = this.#builder.build(noop, { optime, wall, session: sessionPart(statement) });
    oplog.append(entry, optime, wall);
    const pointer = image.kind === 'pre' ? { preImageOpTime: optime } : { postImageOpTime: optime };
    return this.#write({ ...operation, ...pointer }, statement);
  }
}

function sessionPart(statement: Statement): SessionPart {
  const { session, id } = statement;
  return {
    lsid: session.id.document,
    txnNumber: session.txnNumber,
    stmtId: id,
    prevOpTime: session.statements.size === 0 ? OPTIME_NULL : session.lastWrite,
  };
}
