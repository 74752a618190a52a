/** Open cursors: queries whose results did not fit one reply. */
import { CommandError } from '../../base/command_error.ts';
import type { CancelTimer, Env } from '../../base/env.ts';
import { invariant } from '../../base/invariant.ts';
import { BSON_OBJECT_SIZE_BYTES_MAX } from '../../base/limits.ts';
import type { Timestamp } from '../../base/optime.ts';
import { ms, type Ms } from '../../base/units.ts';
import { documentTooLarge, MESSAGE_DOCUMENT_LIMITS } from '../../bson/validate.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { PAUSE } from '../../query/pipeline/source.ts';
import type { RunningQuery } from './running_query.ts';

/** A cursor nobody asks for this long is closed. Source: cursorTimeoutMillis. */
export const CURSOR_TIMEOUT_MS: Ms = ms(10 * 60 * 1000);

/** How often idle cursors are looked for. Source: clientCursorMonitorFrequencySecs is 4; idle ones cost little. */
const REAP_INTERVAL_MS = ms(30_000);

/** Most open cursors. */
export const CURSORS_MAX = 100_000;

/** What a cursor reads besides the oplog: it dies with it. */
export interface CursorSubject {
  /** Why it is not there any more; undefined while it is. */
  readonly gone: string | undefined;
}

export interface CursorOptions {
  readonly ns: string;
  readonly query: RunningQuery;
  /** The collection and the index the cursor depends on. */
  readonly subjects: readonly CursorSubject[];
  readonly isTailable: boolean;
  readonly isAwaitData: boolean;
  readonly hasTimeout: boolean;
  /** Where the cursor reads when it goes on. */
  readonly readAt: () => Timestamp;
}

/** How a batch ended: by its size, with the last document, or only for this turn. */
export type BatchEnd = 'full' | 'end' | 'pause';

export class ServerCursor {
  readonly options: CursorOptions;
  /** 0 until it is registered. */
  id = 0n;
  lastUsed: Ms = ms(0);
  /** The session it was opened in, as `sessionTextOf` tells it; set when it is registered. */
  session: string | undefined = undefined;
  /** When it was registered. */
  openedAt: Ms = ms(0);
  /** The command that opened it, and its session's id: set when it is registered. */
  origin: Uint8Array | undefined = undefined;
  lsid: Uint8Array | undefined = undefined;
  /** In all batches so far. */
  documentsReturned = 0;
  batches = 0;
  /** A request is reading from it. */
  isInUse = false;
  #killed: CommandError | undefined;
  /** Read from the query, but it did not fit the batch. */
  #ahead: Uint8Array | undefined;
  #batchCount = 0;
  #batchBytes = 0;
  #batchLimit = 0;

  constructor(options: CursorOptions) {
    this.options = options;
  }

  /** Documents in the batch that is being written. */
  get batchCount(): number {
    return this.#batchCount;
  }

  kill(reason: CommandError): void {
    this.#killed ??= reason;
  }

  /** Throws when the cursor was killed or what it reads is gone. */
  checkAlive(): void {
    if (this.#killed !== undefined) throw this.#killed;
    for (const subject of this.options.subjects) {
      if (subject.gone !== undefined) throw new CommandError('QueryPlanKilled', subject.gone);
    }
  }

  /** `limit`: most documents; 0 is a batch without any. */
  startBatch(limit: number): void {
    this.#batchCount = 0;
    this.#batchBytes = 0;
    this.#batchLimit = limit;
    this.batches += 1;
    this.options.query.turn.restart();
  }

  /** After a pause, or for another batch: looks at the newest state from now on. */
  resume(): void {
    this.checkAlive();
    this.options.query.turn.restart();
    this.options.query.moveTo(this.options.readAt());
  }

  /** Writes documents into the array that is open in `reply`. On 'pause' call it again later, after `resume`. */
  writeBatch(reply: BsonWriter): BatchEnd {
    const { query } = this.options;
    while (this.#batchCount < this.#batchLimit) {
      // What the documents come from may be sorted or grouped already, and have no reason to pause.
      if (query.turn.isOver()) return 'pause';
      const document = this.#ahead ?? query.source.next();
      this.#ahead = undefined;
      if (document === PAUSE) return 'pause';
      if (document === undefined) return 'end';
      if (!this.#write(document, reply)) {
        this.#ahead = document;
        return 'full';
      }
    }
    return this.#batchLimit > 0 && query.isEnded() ? 'end' : 'full';
  }

  /** False when the document does not fit the batch any more. */
  #write(document: Uint8Array, reply: BsonWriter): boolean {
    if (document.length > MESSAGE_DOCUMENT_LIMITS.sizeBytesMax) throw documentTooLarge(document.length);
    const { projection } = this.options.query;
    const fits = this.#batchCount === 0 || this.#batchBytes + document.length <= BSON_OBJECT_SIZE_BYTES_MAX;
    const before = reply.length;
    if (projection === undefined) {
      if (!fits) return false;
      reply.document(this.#batchCount, document);
    } else if (fits) {
      reply.startSubdocument(this.#batchCount);
      projection.write(document, 0, reply);
      reply.end();
    } else {
      const projected = projection.apply(document, 0);
      if (this.#batchBytes + projected.length > BSON_OBJECT_SIZE_BYTES_MAX) return false;
      reply.document(this.#batchCount, projected);
    }
    this.#batchCount += 1;
    this.documentsReturned += 1;
    this.#batchBytes += reply.length - before;
    return true;
  }

  close(): void {
    this.options.query.source.close();
  }
}

export class CursorRegistry {
  readonly #env: Env;
  readonly #open = new Map<bigint, ServerCursor>();
  #cancelReaper: CancelTimer | undefined;
  /** Closed because nobody asked for them. */
  timedOut = 0;
  totalOpened = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  get count(): number {
    return this.#open.size;
  }

  all(): Iterable<ServerCursor> {
    return this.#open.values();
  }

  /** Gives the cursor its id. */
  add(cursor: ServerCursor): bigint {
    invariant(cursor.id === 0n, 'a cursor is registered once');
    if (this.#open.size >= CURSORS_MAX) throw new CommandError('ExceededMemoryLimit', 'too many open cursors');
    do cursor.id = this.#randomId();
    while (this.#open.has(cursor.id));
    cursor.lastUsed = this.#env.clock.monotonic();
    cursor.openedAt = cursor.lastUsed;
    this.#open.set(cursor.id, cursor);
    this.totalOpened += 1;
    this.#cancelReaper ??= this.#env.timers.after(REAP_INTERVAL_MS, () => this.#reap());
    return cursor.id;
  }

  find(id: bigint): ServerCursor | undefined {
    return this.#open.get(id);
  }

  /** Marks the cursor as being read from; others must wait their turn. Throws CursorNotFound. */
  take(id: bigint): ServerCursor {
    const cursor = this.#open.get(id);
    if (cursor === undefined) throw new CommandError('CursorNotFound', `cursor id ${id} not found`);
    if (cursor.isInUse) throw new CommandError('CursorInUse', `cursor id ${id} is already in use`);
    cursor.isInUse = true;
    return cursor;
  }

  giveBack(cursor: ServerCursor): void {
    cursor.isInUse = false;
    cursor.lastUsed = this.#env.clock.monotonic();
  }

  remove(cursor: ServerCursor): void {
    if (!this.#open.delete(cursor.id)) return;
    cursor.close();
    if (this.#open.size > 0) return;
    this.#cancelReaper?.();
    this.#cancelReaper = undefined;
  }

  /** Whether there was such a cursor. One that is in use ends with the error when it looks next. */
  kill(id: bigint, reason: CommandError): boolean {
    const cursor = this.#open.get(id);
    if (cursor === undefined) return false;
    cursor.kill(reason);
    if (!cursor.isInUse) this.remove(cursor);
    else this.#open.delete(id);
    return true;
  }

  /** Kills every cursor that `chosen` picks. */
  killAll(reason: CommandError, chosen: (cursor: ServerCursor) => boolean = () => true): void {
    for (const cursor of [...this.#open.values()]) if (chosen(cursor)) this.kill(cursor.id, reason);
  }

  /** Ids are guessed by nobody: 63 random bits, never 0. */
  #randomId(): bigint {
    const high = BigInt(this.#env.random.uint32() >>> 1);
    return ((high << 32n) | BigInt(this.#env.random.uint32())) + 1n;
  }

  #reap(): void {
    const now = this.#env.clock.monotonic();
    for (const cursor of [...this.#open.values()]) {
      if (cursor.isInUse || !cursor.options.hasTimeout) continue;
      if (now - cursor.lastUsed < CURSOR_TIMEOUT_MS) continue;
      this.timedOut += 1;
      this.remove(cursor);
    }
    this.#cancelReaper = this.#open.size > 0 ? this.#env.timers.after(REAP_INTERVAL_MS, () => this.#reap()) : undefined;
  }
}
