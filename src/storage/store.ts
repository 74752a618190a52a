/**
 * Tables of ordered keys and values that keep versions by timestamp and survive crashes.
 *
 * Concepts
 * - A *table* (table.ts) is a sorted map from bytes to bytes. Each write has the timestamp of its oplog entry.
 * - *Versions* (versions.ts) are what was written since the last checkpoint, in memory, newest first for each key.
 * - *Blocks* (block.ts) are what was checkpointed: sorted runs of entries in a base store (base_store.ts), which replaces
 *   them in atomic batches. A directory in memory (directory.ts) tells which block holds a key; a cache keeps blocks.
 * - The *stable* optime is what may go to disk for good: committed by a majority and in our own journal. A *checkpoint*
 *   (checkpoint.ts) moves the versions at or below it into blocks.
 * - The *horizon* is the timestamp of the newest checkpoint: nobody reads below it. A *pin* keeps it from passing.
 *
 * A write's life: the layer above logs an oplog entry and calls `put` with its timestamp; the version joins its key's
 * chain. Readers at or above the timestamp see it at once. The journal makes the entry durable; the majority commits
 * it; `setStable` says so. Within a second a checkpoint builds new blocks and commits them with the optime; the version
 * is cut off its chain. After a crash the store is as of its checkpoint and the oplog after it is applied again; a
 * rollback is `dropVersionsAfter`. Nothing here undoes anything.
 *
 * Tables come and go with timestamps too: a table created above a checkpoint is not in it, and one dropped above it
 * still is.
 *
 * An index over documents that are there already is filled past all this (table_load.ts): sorted entries become blocks at
 * once, under the versions that running writes put meanwhile.
 *
 * Not done: versions spilling to disk while the commit point stalls (writers wait instead), uncommitted versions of
 * transactions, building blocks in a worker thread.
 */
import type { CommandError } from '../base/command_error.ts';
import type { Env, IoError } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import {
  BLOCK_ARENA_BYTES,
  BLOCK_CACHE_BYTES,
  CHECKPOINT_BACKLOG_CHANGES_MAX,
  CHECKPOINT_CHANGES,
  CHECKPOINT_CHANGES_MAX,
  CHECKPOINT_INTERVAL_MS,
  CHECKPOINT_RETRY_MS,
  VERSION_BYTES_MAX,
} from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { formatOpTime, type OpTime, TIMESTAMP_NULL, type Timestamp } from '../base/optime.ts';
import type { BaseStore, TableRecord } from './base_store.ts';
import { BlockCache } from './block_cache.ts';
import { BlockArena } from './block_writer.ts';
import { takeCheckpoint } from './checkpoint.ts';
import { CommitQueue } from './commit_queue.ts';
import type { EntrySource } from './entry_source.ts';
import { StablePoints } from './stable_points.ts';
import { diskFullError, shutdownError } from './store_errors.ts';
import type { StoreOptions, StoreStats } from './store_options.ts';
import { type Table, type TableId, tableIdOf, type TableOptions } from './table.ts';
import { type LoadOptions, loadTable } from './table_load.ts';
import { TableState } from './table_state.ts';
import { VersionedTable } from './versioned_table.ts';

/** Holds back checkpoints so that reads at its timestamp stay possible. */
export interface Pin {
  /** May be called more than once. */
  release(): void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: CommandError) => void;
}

export class Store {
  readonly #base: BaseStore;
  readonly #commits: CommitQueue;
  readonly #env: Env;
  readonly #log: Log;
  readonly #onFailure: (error: unknown) => void;
  readonly #versionBytesMax: number;
  readonly #state: TableState;
  readonly #arena = new BlockArena(BLOCK_ARENA_BYTES);
  readonly #tables = new Map<TableId, VersionedTable>();
  readonly #pins = new Set<{ readonly at: Timestamp }>();
  readonly #points: StablePoints;
  readonly #callbacks: ((optime: OpTime) => void)[] = [];
  readonly #dropping = new Map<TableId, VersionedTable | TableRecord>();
  #waiters: Waiter[] = [];
  #nextId = 1;
  #checkpointed: OpTime;

  #started = false;
  #closed = false;
  #failure: { readonly error: unknown } | undefined = undefined;
  #diskFull = false;
  #cancelTimer: () => void = () => {};
  /** The checkpoint under way; never rejects. */
  #underWay: Promise<void> | undefined = undefined;

  #checkpoints = 0;
  #msLast = 0;
  #changesLast = 0;
  #blocksLast = 0;

  static async open(options: StoreOptions): Promise<Store> {
    // Opening is quick today; callers await it so that it may become slow.
    await Promise.resolve();
    return new Store(options);
  }

  private constructor(options: StoreOptions) {
    const { base } = options;
    this.#base = base;
    this.#commits = new CommitQueue(base);
    this.#env = options.env;
    this.#log = options.log;
    this.#onFailure = options.onFailure;
    this.#versionBytesMax = options.versionBytesMax ?? VERSION_BYTES_MAX;
    this.#checkpointed = base.checkpoint();
    this.#points = new StablePoints(this.#checkpointed);
    const cache = new BlockCache(base, options.cacheBytesMax ?? BLOCK_CACHE_BYTES);
    this.#state = new TableState(cache, this.#checkpointed.ts);
    this.#state.onManyChanges = () => this.#beginCheckpoint();
    for (const record of base.tables()) this.#addRecord(record);
  }

  /** The state on disk. */
  get checkpointed(): OpTime {
    return this.#checkpointed;
  }

  /** The id is handed out at once and persisted by the first checkpoint at or above `options.at`. */
  createTable(options: TableOptions): Table {
    const id = tableIdOf(this.#nextId);
    this.#nextId += 1;
    const table = new VersionedTable({
      id,
      options,
      state: this.#state,
      base: this.#base,
      count: 0,
      sizeBytes: 0,
      persisted: false,
    });
    this.#tables.set(id, table);
    return table;
  }

  /** An id that is not there is an invariant violation; see `hasTable`. */
  table(id: TableId): Table {
    const table = this.#tables.get(id);
    invariant(table !== undefined, () => `there is no table ${id}`);
    return table;
  }

  hasTable(id: TableId): boolean {
    return this.#tables.has(id);
  }

  /** Whether the table was dropped above the newest checkpoint, which still has it. */
  isLeaving(id: TableId): boolean {
    return this.#tables.get(id)?.dropAt !== undefined;
  }

  tables(): Iterable<Table> {
    return this.#tables.values();
  }

  /**
   * The table goes away with the first checkpoint at or above `at` and can be read until then; a rollback to below
   * `at` takes the drop back. TIMESTAMP_NULL (the default): now, for good.
   */
  dropTable(id: TableId, at: Timestamp = TIMESTAMP_NULL): void {
    const table = this.#tables.get(id);
    invariant(table !== undefined, () => `there is no table ${id} to drop`);
    if (at > this.#state.horizon) table.dropAt = at;
    else this.#removeTable(table);
  }

  /**
   * Checkpoints may include what is at or below `optime`: a majority has it, our own journal has it durably, and all
   * its writes are in the tables. A lower one than before is ignored.
   */
  setStable(optime: OpTime): void {
    this.#points.add(optime);
    const mark = this.#state.marks[0];
    if (mark !== undefined && mark.at <= optime.ts) this.#beginCheckpoint();
  }

  /** No checkpoint passes `at` until released. CommandError SnapshotTooOld when one already has. */
  pin(at: Timestamp): Pin {
    if (at < this.#state.horizon) this.#state.refuseOldRead(at);
    const entry = { at };
    this.#pins.add(entry);
    return {
      release: () => {
        this.#pins.delete(entry);
      },
    };
  }

  /** Rollback: forgets every version above `ts`, tables created above it, and drops above it. Needs ts >= checkpointed. */
  dropVersionsAfter(ts: Timestamp): void {
    invariant(ts >= this.#state.horizon, () => `a rollback to ${ts}, below the checkpoint at ${this.#state.horizon}`);
    this.#points.dropAbove(ts);
    for (const table of this.#tables.values()) {
      if (table.dropAt !== undefined && table.dropAt > ts) table.dropAt = undefined;
      if ((table.options.at ?? TIMESTAMP_NULL) > ts) this.#removeTable(table);
      else table.cutAbove(ts);
    }
    this.#state.rollBackTo(ts);
    this.#letWritersGo();
  }

  /**
   * From now on no checkpoint includes the table, which no state on disk may need: its versions stay in memory until
   * `load` or `letGo`. Writers wait when they become too many, so whoever holds a table must not wait for them.
   */
  hold(id: TableId): void {
    const table = this.#tables.get(id);
    invariant(table?.persisted === false, 'a table that is held is not on disk yet');
    table.isHeld = true;
  }

  /** Ends a hold. */
  letGo(id: TableId): void {
    this.#tables.get(id)?.letGo();
  }

  /**
   * Puts entries under all versions of a table that is held and has no blocks, straight into the base store, and ends the hold.
   * They are seen at every timestamp. False when the table was dropped meanwhile. Rejects as `pause` does, with
   * OutOfDiskSpace (unless told to wait for room) and when the store is closed; drop the table then.
   */
  async load(id: TableId, entries: EntrySource, options: LoadOptions): Promise<boolean> {
    const table = this.#tables.get(id);
    if (table === undefined) return false;
    const isStopped = (): boolean => this.#closed || this.#failure !== undefined;
    const onFailure = (error: unknown): void => this.#fail(error);
    return loadTable({ ...options, env: this.#env, table, entries, commits: this.#commits, isStopped, onFailure });
  }

  /** Moves what is stable to disk now. Rejects when the disk is full (OutOfDiskSpace) or the store has failed. */
  async checkpoint(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay;
    await this.#runCheckpoint();
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#diskFull) throw diskFullError();
  }

  /** Called after each checkpoint, with its optime. */
  onCheckpoint(callback: (optime: OpTime) => void): void {
    this.#callbacks.push(callback);
  }

  /**
   * Undefined when writers may go on; else what they await before the next write. Rejects with CommandError
   * OutOfDiskSpace when the disk is full and the memory for versions is used up.
   */
  backpressure(): Promise<void> | undefined {
    if (!this.#isBehind()) return undefined;
    if (this.#closed || this.#failure !== undefined) return Promise.reject(shutdownError());
    if (this.#diskFull) return Promise.reject(diskFullError());
    this.#beginCheckpoint();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Begins checkpointing in the background. */
  start(): void {
    invariant(!this.#closed, 'the store is open');
    this.#started = true;
    this.#state.alarmAt = this.#state.changes + CHECKPOINT_CHANGES;
    this.#setTimer(CHECKPOINT_INTERVAL_MS);
  }

  /** Checkpoints what is stable, then closes the base store. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#started = false;
    this.#cancelTimer();
    while (this.#underWay !== undefined) await this.#underWay;
    if (this.#failure === undefined) await this.#runCheckpoint();
    this.#letWritersGo();
    await this.#commits.idle();
    await this.#base.close();
  }

  stats(): StoreStats {
    let versions = 0;
    for (const table of this.#tables.values()) versions += table.versions.size;
    const { cache, versionBytes } = this.#state;
    return {
      tables: this.#tables.size,
      checkpointed: this.#checkpointed,
      stable: this.#points.newest,
      pins: this.#pins.size,
      versions,
      versionBytes,
      cacheBytes: cache.bytes,
      cacheBytesMax: cache.bytesMax,
      cacheHits: cache.hits,
      cacheMisses: cache.misses,
      checkpoints: this.#checkpoints,
      checkpointMsLast: this.#msLast,
      checkpointChangesLast: this.#changesLast,
      checkpointBlocksLast: this.#blocksLast,
      baseBytes: this.#base.sizeBytes(),
      diskFull: this.#diskFull,
    };
  }

  #addRecord(record: TableRecord): void {
    this.#nextId = Math.max(this.#nextId, record.id + 1);
    if (record.dropped) {
      this.#dropping.set(record.id, record);
      return;
    }
    const { id, kind, replicated, count, sizeBytes } = record;
    const options = { kind, replicated };
    const table = new VersionedTable({
      id,
      options,
      state: this.#state,
      base: this.#base,
      count,
      sizeBytes,
      persisted: true,
    });
    this.#tables.set(id, table);
  }

  /** Nobody sees the table any more; its record and blocks leave the base store with the coming checkpoints. */
  #removeTable(table: VersionedTable): void {
    this.#tables.delete(table.id);
    table.release();
    this.#dropping.set(table.id, table);
  }

  #isBehind(): boolean {
    const { versionBytes, marks } = this.#state;
    if (versionBytes >= this.#versionBytesMax) return true;
    const mark = marks[CHECKPOINT_BACKLOG_CHANGES_MAX / CHECKPOINT_CHANGES - 1];
    return mark !== undefined && !this.#diskFull && mark.at <= this.#limit();
  }

  #letWritersGo(): void {
    if (this.#waiters.length === 0) return;
    const behind = this.#isBehind();
    const hasEnded = this.#closed || this.#failure !== undefined;
    if (behind && !this.#diskFull && !hasEnded) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      if (!behind) waiter.resolve();
      else waiter.reject(hasEnded ? shutdownError() : diskFullError());
    }
  }

  #setTimer(delay: typeof CHECKPOINT_INTERVAL_MS): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#env.timers.after(delay, () => this.#beginCheckpoint());
  }

  /** In the background, unless one is under way or the disk was full a moment ago. */
  #beginCheckpoint(): void {
    if (!this.#started || this.#underWay !== undefined || this.#failure !== undefined) return;
    void this.#runCheckpoint();
  }

  /** Never rejects. Sets the timer for the next one. */
  #runCheckpoint(): Promise<void> {
    invariant(this.#underWay === undefined, 'one checkpoint at a time');
    const run = this.#moveVersions()
      .catch((error: unknown) => this.#fail(error))
      .then(() => {
        this.#underWay = undefined;
        this.#afterCheckpoint();
      });
    this.#underWay = run;
    return run;
  }

  #afterCheckpoint(): void {
    this.#letWritersGo();
    if (!this.#started || this.#failure !== undefined) return;
    this.#state.alarmAt = this.#diskFull ? Infinity : this.#state.changes + CHECKPOINT_CHANGES;
    this.#setTimer(this.#diskFull ? CHECKPOINT_RETRY_MS : CHECKPOINT_INTERVAL_MS);
    const mark = this.#state.marks[0];
    if (!this.#diskFull && mark !== undefined && mark.at <= this.#limit()) this.#beginCheckpoint();
  }

  /** Stable, and not above a pin. */
  #limit(): Timestamp {
    let limit: Timestamp = this.#points.newest.ts;
    for (const pin of this.#pins) if (pin.at < limit) limit = pin.at;
    return limit;
  }

  /** Where the next checkpoint is to be taken: as far as allowed, but not so far that it becomes very large. */
  #chooseTarget(): OpTime {
    const last = this.#checkpointed;
    const allowed = this.#points.newestUpTo(this.#limit()) ?? last;
    if (allowed.ts <= last.ts) return last;
    const steps = CHECKPOINT_CHANGES_MAX / CHECKPOINT_CHANGES;
    const mark = this.#state.marks.find((candidate, i) => i >= steps - 1 && candidate.at > last.ts);
    if (mark === undefined || mark.at >= allowed.ts) return allowed;
    const point = this.#points.newestUpTo(mark.at);
    if (point !== undefined && point.ts > last.ts) return point;
    // Terms do not fall along the log: between two optimes of one term every entry has that term.
    return allowed.t === last.t ? { ts: mark.at, t: last.t } : allowed;
  }

  async #moveVersions(): Promise<void> {
    // Whoever woke us may be in the middle of a change of several keys.
    await Promise.resolve();
    const begin = this.#env.clock.monotonic();
    const target = this.#chooseTarget();
    const hasMoved = target.ts > this.#checkpointed.ts;
    this.#state.horizon = Math.max(this.#state.horizon, target.ts) as Timestamp;
    const tables = this.#tablesAt(target.ts);
    const dropping = this.#droppingRecords();
    const isIdle = !hasMoved && dropping.length === 0 && tables.every((table) => table.isAtRest);
    if (isIdle) return;
    const outcome = await takeCheckpoint({
      base: this.#base,
      commits: this.#commits,
      env: this.#env,
      arena: this.#arena,
      target,
      tables: hasMoved ? tables : tables.filter((table) => !table.isAtRest),
      dropping,
    });
    if (outcome.kind === 'noSpace') {
      this.#noteDiskFull(outcome.error);
      return;
    }
    if (this.#diskFull) this.#logLine('I', 8_000_131, 'The disk has room again, checkpoints go on', {});
    this.#diskFull = false;
    for (const id of outcome.forgotten) this.#dropping.delete(id);
    this.#checkpointed = target;
    this.#points.dropBelow(target.ts);
    this.#state.dropMarks(target.ts);
    this.#checkpoints += 1;
    this.#changesLast = outcome.changes;
    this.#blocksLast = outcome.blocks;
    this.#msLast = this.#env.clock.monotonic() - begin;
    for (const callback of this.#callbacks) callback(target);
  }

  /** The tables that a checkpoint at `ts` includes; carries out the drops that it makes final. */
  #tablesAt(ts: Timestamp): VersionedTable[] {
    const tables: VersionedTable[] = [];
    for (const table of this.#tables.values()) {
      if (table.dropAt !== undefined && table.dropAt <= ts) this.#removeTable(table);
      else if (!table.isHeld && (table.options.at ?? TIMESTAMP_NULL) <= ts) tables.push(table);
    }
    return tables;
  }

  #droppingRecords(): TableRecord[] {
    const records: TableRecord[] = [];
    for (const [id, entry] of this.#dropping) {
      if (!(entry instanceof VersionedTable)) records.push(entry);
      else if (entry.isLoading) continue;
      else if (!entry.persisted) this.#dropping.delete(id);
      else records.push(droppedRecord(entry));
    }
    return records;
  }

  #noteDiskFull(error: IoError): void {
    if (this.#diskFull) return;
    this.#diskFull = true;
    this.#logLine(
      'E',
      8_000_130,
      'The disk is full: checkpoints are put off, changes stay in memory and in the journal',
      {
        error: error.message,
        checkpointed: formatOpTime(this.#checkpointed),
      },
    );
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#cancelTimer();
    this.#logLine('F', 8_000_132, 'A checkpoint failed', { error: String(error) });
    this.#onFailure(error);
  }

  #logLine(severity: 'I' | 'E' | 'F', id: number, message: string, attributes: Record<string, unknown>): void {
    this.#log.write({ severity, component: 'STORAGE', id, context: 'checkpoint', message, attributes });
  }
}

function droppedRecord({ id, options }: VersionedTable): TableRecord {
  return { id, kind: options.kind, replicated: options.replicated, count: 0, sizeBytes: 0, dropped: true };
}
