import { CommandError } from '../base/command_error.ts';
import { formatTimestamp, TIMESTAMP_NULL, type Timestamp } from '../base/optime.ts';
import type { BlockCache } from './block_cache.ts';

/** How many changes lie between two marks. */
const CHANGES_PER_MARK = 10_000;

/** After `changes` changes in all, no write was newer than `at`. */
export interface ChangeMark {
  readonly changes: number;
  readonly at: Timestamp;
}

/** What the tables of one store share: the horizon, the cache and the sums that checkpoints and backpressure go by. */
export class TableState {
  readonly cache: BlockCache;
  /**
   * Invariant: versions at or below it may be gone; nothing is written at or below it (but at TIMESTAMP_NULL). It is
   * the timestamp of the last checkpoint, or of the one under way.
   */
  horizon: Timestamp;
  /** Memory that versions take in all tables. */
  versionBytes = 0;
  /** Writes since the store was opened. */
  changes = 0;
  /** Calls `onManyChanges` once `changes` reaches it. */
  alarmAt = Infinity;
  onManyChanges: () => void = () => {};
  /** The newest write, and marks on the way to it. */
  newestAt: Timestamp = TIMESTAMP_NULL;
  readonly marks: ChangeMark[] = [];

  constructor(cache: BlockCache, horizon: Timestamp) {
    this.cache = cache;
    this.horizon = horizon;
  }

  noteWrite(at: Timestamp, bytes: number): void {
    this.versionBytes += bytes;
    if (at > this.newestAt) this.newestAt = at;
    this.changes += 1;
    if (this.changes % CHANGES_PER_MARK === 0) this.marks.push({ changes: this.changes, at: this.newestAt });
    if (this.changes >= this.alarmAt) {
      this.alarmAt = Infinity;
      this.onManyChanges();
    }
  }

  /** Forgets marks at or below `at`. */
  dropMarks(at: Timestamp): void {
    let passed = 0;
    while (passed < this.marks.length && this.marks[passed].at <= at) passed += 1;
    this.marks.splice(0, passed);
  }

  /** The writes above `ts` are gone. */
  rollBackTo(ts: Timestamp): void {
    if (this.newestAt > ts) this.newestAt = ts;
    while (this.marks.length > 0 && this.marks[this.marks.length - 1].at > ts) this.marks.pop();
  }

  /** Throws what a reader of the past gets whose past is gone. */
  refuseOldRead(at: Timestamp): never {
    throw new CommandError(
      'SnapshotTooOld',
      `Read timestamp ${formatTimestamp(at)} is older than the oldest available timestamp ${formatTimestamp(this.horizon)}`,
    );
  }
}
