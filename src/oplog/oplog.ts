/**
 * The oplog: every change to replicated data, in order, and the write-ahead journal of this member at the same time.
 *
 * Entries are BSON documents, the records of the journal. The concepts:
 *
 * - *Written* is what was appended; *durable* is what a crash of the machine does not lose. Both are told as optimes.
 * - The *tail* keeps the newest entries in memory: members and change streams that follow the log never touch the disk.
 * - Older entries are found by a sparse index of timestamps, one for about 64 KiB of log, and read from the files.
 * - Entries go, in whole files, when the log is over its size, the checkpoint has passed them and they are old enough.
 *
 * Life of an entry: built by `entry.ts`, appended here within the turn that changes the data, handed to the operating
 * system at the end of that turn, synced in a group, read by other members from the tail, read after a crash from the
 * checkpoint on, dropped with its file.
 *
 * Not done here: what entries mean and how they are applied (`database/`), and who may see how much of the log: readers
 * are given their bound.
 */
import type { Env } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { OPLOG_SIZE_BYTES, OPLOG_TAIL_BYTES_MAX, TURN_MS_MAX } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import {
  OPTIME_NULL,
  TIMESTAMP_NULL,
  isNullOpTime,
  timestampAfter,
  type OpTime,
  type Timestamp,
} from '../base/optime.ts';
import { ms, unixMs, type Ms, type UnixMs } from '../base/units.ts';
import type { Journal } from '../storage/journal.ts';
import { EntryView, entryOpTime, entryWall } from './entry.ts';
import {
  BackwardOplogReader,
  ForwardOplogReader,
  type EntrySource,
  type OplogReader,
  type OplogReaderOptions,
} from './oplog_reader.ts';
import { Tail } from './tail.ts';
import { TimestampIndex } from './timestamp_index.ts';

/** Bytes of entries between two timestamps of the index. */
const INDEX_DISTANCE_BYTES = 64 * 1024;

export interface OplogOptions {
  readonly env: Env;
  readonly log: Log;
  readonly journal: Journal;
  /** Older entries may go once the log is larger and the checkpoint has passed them. */
  readonly sizeBytesMax?: number;
  /** Entries younger than this stay, whatever the size. */
  readonly minRetention?: Ms;
  /** Memory for the newest entries. */
  readonly tailBytesMax?: number;
}

/** Invariants: timestamps and terms of entries ascend; `lastDurable` is at or before `lastWritten`. */
export class Oplog {
  readonly #env: Env;
  readonly #log: Log;
  readonly #journal: Journal;
  readonly #index = new TimestampIndex();
  readonly #tail: Tail;
  readonly #source: EntrySource;
  readonly #cutLog: number[] = [];
  readonly #appendCallbacks = new Set<() => void>();
  readonly #durableCallbacks = new Set<(optime: OpTime) => void>();
  #sizeBytesMax: number;
  #minRetention: Ms;
  #bytesSinceIndexed = INDEX_DISTANCE_BYTES;
  #isAppendDue = false;
  #appended: number;
  #lastWritten: OpTime = OPTIME_NULL;
  #lastWrittenWall: UnixMs = unixMs(0);
  #lastDurable: OpTime = OPTIME_NULL;
  #lastDurableWall: UnixMs = unixMs(0);
  #oldest: OpTime | undefined;
  #checkpoint: Timestamp = TIMESTAMP_NULL;

  /** Reads one entry for each stretch of the log. Yields. */
  static async open(options: OplogOptions): Promise<Oplog> {
    const oplog = new Oplog(options);
    await oplog.#load();
    return oplog;
  }

  private constructor(options: OplogOptions) {
    const { journal } = options;
    this.#env = options.env;
    this.#log = options.log;
    this.#journal = journal;
    this.#sizeBytesMax = options.sizeBytesMax ?? OPLOG_SIZE_BYTES;
    this.#minRetention = options.minRetention ?? ms(0);
    this.#appended = journal.appended;
    this.#tail = new Tail(options.tailBytesMax ?? OPLOG_TAIL_BYTES_MAX, journal.appended + 1);
    this.#source = {
      tail: this.#tail,
      first: () => journal.first,
      appended: () => this.#appended,
      cuts: () => this.#cutLog.length,
      lowestCutSince: (seen) => Math.min(...this.#cutLog.slice(seen)),
      read: (sequence) => journal.read(sequence),
      readBackward: (sequence) => journal.readBackward(sequence),
    };
    journal.onDurable((sequence) => this.#noteDurable(sequence));
  }

  /** Of the newest entry; {@link OPTIME_NULL} while there is none. */
  get lastWritten(): OpTime {
    return this.#lastWritten;
  }

  get lastWrittenWall(): UnixMs {
    return this.#lastWrittenWall;
  }

  /** Of the newest entry that a crash of the machine does not lose. */
  get lastDurable(): OpTime {
    return this.#lastDurable;
  }

  get lastDurableWall(): UnixMs {
    return this.#lastDurableWall;
  }

  get oldest(): OpTime | undefined {
    return this.#oldest;
  }

  /** Number of entries. */
  get count(): number {
    return this.#appended - this.#journal.first + 1;
  }

  /** What the entries take on disk. */
  get sizeBytes(): number {
    return this.#journal.sizeBytes;
  }

  get sizeBytesMax(): number {
    return this.#sizeBytesMax;
  }

  get minRetention(): Ms {
    return this.#minRetention;
  }

  /** Takes effect with the next checkpoint. */
  resize(sizeBytesMax: number, minRetention: Ms): void {
    this.#sizeBytesMax = sizeBytesMax;
    this.#minRetention = minRetention;
    this.#recycle();
  }

  /**
   * Adds an entry, later than all before. Keeps `entry` and `optime`: they must not change afterwards.
   * Throws CommandError 'OutOfDiskSpace' when there is no room; nothing has changed then.
   */
  append(entry: Uint8Array, optime: OpTime, wall: UnixMs): void {
    const last = this.#lastWritten;
    invariant(optime.ts > last.ts, 'timestamps in the oplog ascend');
    invariant(optime.t >= last.t, 'terms in the oplog do not fall');
    const sequence = this.#journal.append(entry);
    this.#appended = sequence;
    this.#tail.push(entry, optime, wall);
    invariant(this.#tail.last === sequence, 'the tail ends with the newest entry');
    this.#bytesSinceIndexed += entry.length;
    if (this.#bytesSinceIndexed >= INDEX_DISTANCE_BYTES) this.#indexEntry(optime, sequence);
    this.#tail.trim(this.#journal.durable);
    this.#lastWritten = optime;
    this.#lastWrittenWall = wall;
    this.#oldest ??= optime;
    if (!this.#isAppendDue) this.#awaitTurnEnd();
  }

  /** Hands all entries to the operating system before it returns: from then on the death of the process loses none. */
  flush(): void {
    this.#journal.flush();
  }

  /** Resolves when that entry, which was appended, is durable; asks for a sync now. Cheap for many waiters. */
  durableAt(optime: OpTime): Promise<void> {
    if (optime.ts <= this.#lastDurable.ts) return DONE;
    invariant(optime.ts <= this.#lastWritten.ts, 'what is waited for was written');
    const isLast = optime.ts === this.#lastWritten.ts;
    return this.#journal.durableAt(isLast ? this.#appended : this.#tail.lowerBound(optime.ts));
  }

  /** Calls back with {@link lastDurable} after each sync, before those who wait for it go on. Returns what ends it. */
  onDurable(callback: (optime: OpTime) => void): () => void {
    this.#durableCallbacks.add(callback);
    return () => this.#durableCallbacks.delete(callback);
  }

  /** Calls back soon after entries were appended, at the end of a turn. Returns what ends it. */
  onAppend(callback: () => void): () => void {
    this.#appendCallbacks.add(callback);
    return () => this.#appendCallbacks.delete(callback);
  }

  /** Without bounds from the oldest entry on. A bound before the oldest entry begins with that. */
  reader(options: OplogReaderOptions = {}): OplogReader {
    const from = options.after === undefined ? (options.from ?? TIMESTAMP_NULL) : timestampAfter(options.after);
    const { upTo } = options;
    if (options.reverse) return new BackwardOplogReader({ source: this.#source, next: this.#appended, from, upTo });
    return new ForwardOplogReader({ source: this.#source, next: this.#lowerBound(from), from, upTo });
  }

  /** The entry with exactly that timestamp. */
  find(ts: Timestamp): Uint8Array | undefined {
    if (ts > this.#lastWritten.ts || this.#oldest === undefined || ts < this.#oldest.ts) return undefined;
    const sequence = this.#lowerBound(ts);
    const entry = this.#entry(sequence);
    return entryOpTime(entry).ts === ts ? entry : undefined;
  }

  /**
   * Removes the entries after `optime`, durably; {@link OPTIME_NULL} removes all. Nothing may be appended, and nobody
   * may wait for durability, until it resolves. Readers beyond the cut end with CappedPositionLost.
   */
  async truncateAfter(optime: OpTime): Promise<void> {
    await this.#journal.durableAt(this.#appended);
    const kept = isNullOpTime(optime) ? this.#journal.first - 1 : this.#lowerBound(timestampAfter(optime.ts)) - 1;
    invariant(kept <= this.#appended, 'a cut makes the oplog shorter');
    this.#log.write({
      severity: 'I',
      component: 'ROLLBACK',
      id: 8_000_111,
      context: 'oplog',
      message: 'Cutting the oplog',
      attributes: { entriesRemoved: this.#appended - kept, entriesKept: kept - this.#journal.first + 1 },
    });
    if (kept === this.#appended) return;
    const last = kept >= this.#journal.first ? this.#entry(kept) : undefined;
    this.#appended = kept;
    this.#cutLog.push(kept);
    this.#tail.cutAfter(kept);
    this.#index.cutAfter(kept);
    this.#bytesSinceIndexed = INDEX_DISTANCE_BYTES;
    this.#setLast(last);
    await this.#journal.truncateAfter(kept);
    invariant(compareToBound(this.#lastWritten, optime), 'nothing is left after the cut');
  }

  /** A checkpoint holds all changes up to `ts`: entries before it may be let go of, size and age permitting. */
  checkpointPassed(ts: Timestamp): void {
    invariant(ts >= this.#checkpoint, 'checkpoints do not go back');
    this.#checkpoint = ts;
    this.#recycle();
  }

  /** Makes all entries durable and closes the journal. */
  close(): Promise<void> {
    return this.#journal.close();
  }

  async #load(): Promise<void> {
    let turnBegan = this.#env.clock.monotonic();
    const view = new EntryView();
    for (const sequence of this.#journal.startingPoints()) {
      this.#index.add(view.reset(this.#entry(sequence)).ts, sequence);
      if (this.#env.clock.monotonic() - turnBegan < TURN_MS_MAX) continue;
      await this.#env.breathe();
      turnBegan = this.#env.clock.monotonic();
    }
    this.#setLast(this.count === 0 ? undefined : this.#entry(this.#appended));
    this.#noteOldest();
  }

  #setLast(entry: Uint8Array | undefined): void {
    this.#lastWritten = entry === undefined ? OPTIME_NULL : entryOpTime(entry);
    this.#lastWrittenWall = entry === undefined ? unixMs(0) : entryWall(entry);
    this.#lastDurable = this.#lastWritten;
    this.#lastDurableWall = this.#lastWrittenWall;
    if (entry === undefined) this.#oldest = undefined;
  }

  #noteOldest(): void {
    this.#oldest = this.count === 0 ? undefined : entryOpTime(this.#entry(this.#journal.first));
  }

  #entry(sequence: number): Uint8Array {
    if (this.#tail.has(sequence)) return this.#tail.entry(sequence);
    const entry = this.#journal.read(sequence).next();
    invariant(entry !== undefined, 'entries that were appended can be read');
    return entry;
  }

  /** The sequence of the first entry with that timestamp or a later one; after the last entry when there is none. */
  #lowerBound(ts: Timestamp): number {
    if (ts > this.#lastWritten.ts) return this.#appended + 1;
    const tail = this.#tail;
    const isInTail = tail.last >= tail.first && tail.optime(tail.first).ts <= ts;
    if (isInTail) return tail.lowerBound(ts);
    const { first } = this.#journal;
    let sequence = Math.max(first, this.#index.before(ts));
    const view = new EntryView();
    const reader = this.#journal.read(sequence);
    for (let entry = reader.next(); entry !== undefined; entry = reader.next()) {
      if (view.reset(entry).ts >= ts) return sequence;
      sequence += 1;
    }
    return sequence;
  }

  #indexEntry(optime: OpTime, sequence: number): void {
    this.#index.add(optime.ts, sequence);
    this.#bytesSinceIndexed = 0;
  }

  #noteDurable(sequence: number): void {
    if (!this.#tail.has(sequence)) return;
    const optime = this.#tail.optime(sequence);
    invariant(optime.ts >= this.#lastDurable.ts, 'the durable end does not go back');
    this.#lastDurable = optime;
    this.#lastDurableWall = this.#tail.wall(sequence);
    for (const callback of this.#durableCallbacks) callback(optime);
  }

  /**
   * Readers are woken at the end of the next turn, when the journal has long handed the entries over: what other writers
   * append until then goes out with them, and a batch costs its followers much more than another entry in it.
   */
  #awaitTurnEnd(): void {
    this.#isAppendDue = true;
    void this.#env.breathe().then(this.#awaitNextTurnEnd);
  }

  readonly #awaitNextTurnEnd = (): void => this.#env.endOfTurn(this.#tellAppended);

  readonly #tellAppended = (): void => {
    this.#isAppendDue = false;
    for (const callback of this.#appendCallbacks) callback();
  };

  #recycle(): void {
    const stretches = this.#journal.stretches();
    let size = stretches.reduce((sum, stretch) => sum + stretch.sizeBytes, 0);
    let keptFrom = 0;
    for (let i = 0; i + 1 < stretches.length; i++) {
      size -= stretches[i].sizeBytes;
      if (size < this.#sizeBytesMax || !this.#mayDropBefore(stretches[i + 1].first)) break;
      keptFrom = stretches[i + 1].first;
    }
    if (keptFrom === 0) return;
    this.#journal.dropBefore(keptFrom);
    this.#index.dropBefore(this.#journal.first);
    this.#noteOldest();
    invariant((this.#oldest?.ts ?? TIMESTAMP_NULL) <= this.#checkpoint, 'recovery finds all it needs');
  }

  #mayDropBefore(sequence: number): boolean {
    if (sequence > this.#journal.durable) return false;
    const entry = this.#entry(sequence);
    if (entryOpTime(entry).ts > this.#checkpoint) return false;
    return this.#minRetention === 0 || this.#env.clock.wall() - entryWall(entry) >= this.#minRetention;
  }
}

const DONE = Promise.resolve();

function compareToBound(last: OpTime, bound: OpTime): boolean {
  return isNullOpTime(bound) ? isNullOpTime(last) : last.ts <= bound.ts;
}
