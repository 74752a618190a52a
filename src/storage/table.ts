/**
 * Ordered tables with versions, as the layers above see them. `Store` (store.ts) makes them.
 *
 * Keys are ordered by their bytes. Every write carries the timestamp of its oplog entry, and a reader at a timestamp
 * sees, for each key, the newest version at or below it.
 */
import { invariant } from '../base/invariant.ts';
import type { Timestamp } from '../base/optime.ts';

/** Handed out by the store from 1 up; never used twice for tables that both reached a checkpoint. */
export type TableId = number & { readonly kind: 'tableId' };

/** For ids that come back from a stored document. */
export function tableIdOf(value: number): TableId {
  invariant(Number.isInteger(value) && value >= 1 && value <= 0xffff_fffe, () => `${value} is not a table id`);
  return value as TableId;
}

/** Documents fill their blocks to 95 % when appended to, indexes to 85 %; counters of indexes are worked out on demand. */
export type TableKind = 'documents' | 'index';

export interface TableOptions {
  readonly kind: TableKind;
  /** Unreplicated tables are written at TIMESTAMP_NULL: seen by every reader, checkpointed at once, kept by rollback. */
  readonly replicated: boolean;
  /**
   * The timestamp of the entry that creates the table: no checkpoint below it knows the table, and a rollback to below
   * it removes the table. TIMESTAMP_NULL (the default): from now on.
   */
  readonly at?: Timestamp;
}

/** Keys that are looked up together. */
export const GET_MANY_MAX = 32;

export interface CursorOptions {
  /** Default TIMESTAMP_MAX: the newest. A timestamp that the cursor is kept at over turns needs `store.pin`. */
  readonly at?: Timestamp;
  /** Default false: ascending. */
  readonly reverse?: boolean;
  /** Where to begin (the upper end when `reverse`); default: the table's end. */
  readonly from?: Uint8Array | undefined;
  /** Default true. */
  readonly fromInclusive?: boolean;
  /** Where to end (the lower end when `reverse`); default: the table's end. */
  readonly to?: Uint8Array | undefined;
  /** Default true. */
  readonly toInclusive?: boolean;
}

export interface Table {
  readonly id: TableId;
  readonly options: TableOptions;
  /**
   * The value at `at` (default: the newest). The bytes stay valid and must not be changed. They may be a view into an
   * 8-KB block: copy what is kept for long.
   */
  get(key: Uint8Array, at?: Timestamp): Uint8Array | undefined;
  /**
   * As `get` for the first `count` of `keys`, at most {@link GET_MANY_MAX}, into `values`; undefined for those that are not
   * there. For keys in random places several times as fast: it waits for all of these places together.
   */
  getMany(keys: readonly Uint8Array[], count: number, at: Timestamp, values: (Uint8Array | undefined)[]): void;
  /** Whether the key has a value at `at`; cheaper than `get`. */
  has(key: Uint8Array, at?: Timestamp): boolean;
  /**
   * `at` never falls for one key and is above everything checkpointed, or is TIMESTAMP_NULL. The table keeps `key` and
   * `value` (small views into large buffers are copied); the caller must not change them afterwards.
   */
  put(key: Uint8Array, value: Uint8Array, at: Timestamp): void;
  /**
   * As `put`, for a key that has no value in the newest state: nobody looks for one. Keeps both as they are, also when they
   * are views: what else lies in their buffers has to be worth keeping for about as long.
   */
  add(key: Uint8Array, value: Uint8Array, at: Timestamp): void;
  /**
   * Puts at TIMESTAMP_NULL, for filling an index beside running writes: a key that was written since the last checkpoint
   * stays as it is. Keeps both as they are.
   */
  fill(key: Uint8Array, value: Uint8Array): void;
  /** As `put`; a key that is not there is fine. */
  remove(key: Uint8Array, at: Timestamp): void;
  cursor(options?: CursorOptions): TableCursor;
  /** Entries and bytes of keys and values in the newest state. */
  readonly count: number;
  readonly sizeBytes: number;
  /** `sizeBytes` without looking at blocks: takes it that what an index was given since was not there, what it lost was. */
  readonly sizeBytesEstimate: number;
  /** The largest key of the newest state. */
  lastKey(): Uint8Array | undefined;
}

/**
 * Synchronous, and may be kept over turns: it goes on after its last key whatever was written or checkpointed between
 * two `next()`. The fields are valid after `next()` returned true. Nothing to close.
 */
export interface TableCursor {
  /** Moves to the next entry; false at the end, and again true when entries were added behind the last one since. */
  next(): boolean;
  /** A fresh copy. */
  readonly key: Uint8Array;
  /** A view that stays valid. */
  readonly value: Uint8Array;
  /** The same as `key`, at [0, keyEnd) of a buffer of the cursor's own that the next call overwrites. */
  readonly keyBytes: Uint8Array;
  readonly keyEnd: number;
  /** The same as `value`, without making a view: [valueStart, valueEnd) of bytes that never change. */
  readonly valueBytes: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** Goes on with the first entry at or after `key` (at or before it when reverse); stays within the bounds. */
  seek(key: Uint8Array): void;
}
