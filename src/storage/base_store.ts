/**
 * What the versioned tables need from the disk: named blocks of bytes, grouped by table, replaced by atomic and durable
 * batches. `host/lmdb_base_store.ts` implements it over LMDB, `storage/memory_base_store.ts` in memory.
 *
 * A base store knows nothing of keys, values or versions. Its byte layout is in docs/base-store.md.
 */
import type { OpTime } from '../base/optime.ts';
import type { TableId, TableKind } from './table.ts';

/** What is persisted about a table besides its blocks; counters are as of the checkpoint that wrote them. */
export interface TableRecord {
  readonly id: TableId;
  readonly kind: TableKind;
  readonly replicated: boolean;
  /** Entries in the table's blocks. */
  readonly count: number;
  /** Keys and values in the table's blocks, in bytes. */
  readonly sizeBytes: number;
  /** No longer in use; its blocks are being removed by and by. */
  readonly dropped: boolean;
}

/** Puts a block under a name, or removes it when `bytes` is undefined. */
export interface BlockWrite {
  readonly table: TableId;
  readonly name: Uint8Array;
  readonly bytes: Uint8Array | undefined;
}

/** One checkpoint, or a part of a bulk load. All of it becomes durable, or nothing does. */
export interface BaseBatch {
  /** The state the store is in afterwards; undefined: as before. */
  readonly optime: OpTime | undefined;
  /** Records of tables that are new or changed. */
  readonly tables: readonly TableRecord[];
  /** Tables whose record goes away; their blocks are gone already, or are removed in this batch. */
  readonly forgotten: readonly TableId[];
  /** Applied in order; no name appears twice. */
  readonly blocks: readonly BlockWrite[];
}

export interface BaseStore {
  /** As of the last commit, ascending by id. */
  tables(): TableRecord[];
  /** Names of a table's blocks in byte order. Nothing may be committed while the iteration runs. */
  keys(table: TableId): Iterable<Uint8Array>;
  /**
   * The block's bytes. The receiver may keep them and must not change them; the store never changes them either.
   * A name that is not there is an invariant violation.
   */
  read(table: TableId, name: Uint8Array): Uint8Array;
  /** As `read`, but the bytes are the caller's only until the next call of any method. */
  view(table: TableId, name: Uint8Array): Uint8Array;
  /**
   * Resolves when the batch is durable. The bytes handed in must not change before that. Rejects with
   * `IoError('noSpace')` when nothing was written for want of room; after any other rejection nothing is known and
   * the member must stop. One commit at a time.
   */
  commit(batch: BaseBatch): Promise<void>;
  /** The optime of the last commit; OPTIME_NULL when there was none. */
  checkpoint(): OpTime;
  /** Bytes taken on disk (or in memory), roughly. */
  sizeBytes(): number;
  close(): Promise<void>;
}
