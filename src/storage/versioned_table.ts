/**
 * One table: the versions that are newer than the checkpoint over the blocks of the checkpoint.
 *
 * Invariant: the newest state is the blocks with every chain's head put over them, and so is, at any timestamp from the
 * horizon up, the state at that timestamp with each chain's version at or below it. A checkpoint exchanges the blocks
 * first and cuts the versions that went into them later: both say the same until then.
 */
import { invariant } from '../base/invariant.ts';
import { TIMESTAMP_MAX, TIMESTAMP_NULL, type Timestamp } from '../base/optime.ts';
import type { BaseStore } from './base_store.ts';
import { BlockBatch } from './block_batch.ts';
import { BlockReader } from './block_reader.ts';
import { type BlockNames, type BlockRef, Directory, loadDirectory } from './directory.ts';
import type { CursorOptions, Table, TableCursor, TableId, TableOptions } from './table.ts';
import { type CursorSource, VersionedCursor } from './table_cursor.ts';
import type { TableState } from './table_state.ts';
import { BASE_ABSENT, BASE_UNKNOWN, VersionChain, type VersionNode, Versions } from './versions.ts';

/** Of all tables: nothing is kept in it between two calls. */
const BATCH = new BlockBatch();

const NO_BLOCKS = new Directory([]);

/** Views into larger buffers than this many times their own size are copied when they are kept. */
const SHARE_MAX = 4;

/** Arrays up to this size have no buffer of their own unless it is asked for: copying them costs less than to ask. */
const SMALL_BYTES = 64;

export class VersionedTable implements Table, CursorSource {
  readonly id: TableId;
  readonly options: TableOptions;
  readonly state: TableState;
  readonly versions = new Versions();
  /** Rises when the blocks are exchanged. */
  blockGeneration = 0;
  /** Entries of the blocks, and their bytes of keys and values. */
  blockCount: number;
  blockBytes: number;
  /** Whether the base store has a record of the table. */
  persisted: boolean;
  /** Writes at TIMESTAMP_NULL that no checkpoint has collected: they may move although the horizon does not. */
  nullWrites = 0;
  /** Its versions stay in memory: no checkpoint includes the table. */
  isHeld = false;
  /** Blocks are being written past the checkpoints: what is on disk of the table is not known until that ends. */
  isLoading = false;
  /** The drop that is on its way; undefined: none. */
  dropAt: Timestamp | undefined = undefined;
  /** Set when the table is gone: its memory is given back, nobody may use it. */
  dropped = false;

  readonly #base: BaseStore;
  readonly #reader = new BlockReader();
  #directory: Directory | undefined;
  #names: BlockNames | undefined;
  /** The newest state without the chains whose base is unknown; those are `#unknown` many. */
  #count: number;
  #sizeBytes: number;
  #unknown = 0;
  /** What those chains add, if what they put was not there and what they remove was. */
  #guessedBytes = 0;

  constructor(setup: {
    readonly id: TableId;
    readonly options: TableOptions;
    readonly state: TableState;
    readonly base: BaseStore;
    readonly count: number;
    readonly sizeBytes: number;
    readonly persisted: boolean;
  }) {
    this.id = setup.id;
    this.options = setup.options;
    this.state = setup.state;
    this.#base = setup.base;
    this.persisted = setup.persisted;
    this.blockCount = setup.count;
    this.blockBytes = setup.sizeBytes;
    this.#count = setup.count;
    this.#sizeBytes = setup.sizeBytes;
  }

  get(key: Uint8Array, at: Timestamp = TIMESTAMP_MAX): Uint8Array | undefined {
    if (at < this.state.horizon) this.checkReadable(at);
    const chain = this.versions.get(key);
    if (chain !== undefined) {
      const node = chain.visible(at);
      if (node !== undefined) return node.value;
    }
    return this.#valueIn(this.#blockOf(key), key);
  }

  getMany(keys: readonly Uint8Array[], count: number, at: Timestamp, values: (Uint8Array | undefined)[]): void {
    if (at < this.state.horizon) this.checkReadable(at);
    BATCH.find(this.directory, keys, count);
    for (let i = 0; i < count; i++) {
      const node = this.versions.get(keys[i])?.visible(at);
      values[i] = node === undefined ? this.#valueIn(BATCH.refs[i], keys[i]) : node.value;
    }
    BATCH.clear(count);
  }

  has(key: Uint8Array, at: Timestamp = TIMESTAMP_MAX): boolean {
    if (at < this.state.horizon) this.checkReadable(at);
    const chain = this.versions.get(key);
    if (chain !== undefined) {
      const node = chain.visible(at);
      if (node !== undefined) return node.value !== undefined;
    }
    return this.#findInBlocks(key);
  }

  put(key: Uint8Array, value: Uint8Array, at: Timestamp): void {
    this.#write(key, ownBytes(value), at);
  }

  add(key: Uint8Array, value: Uint8Array, at: Timestamp): void {
    const { versions } = this;
    const bytesBefore = versions.bytes;
    const chain = versions.get(key) ?? this.#addChain(key, BASE_ABSENT);
    invariant(chain.head?.value === undefined, 'what is added was not there');
    this.#push(chain, value, at, bytesBefore);
  }

  fill(key: Uint8Array, value: Uint8Array): void {
    const { versions } = this;
    const bytesBefore = versions.bytes;
    const chain = new VersionChain(key, this.#baseOf(key));
    if (!versions.addIfAbsent(chain)) return;
    this.#noteChain(chain);
    this.#push(chain, value, TIMESTAMP_NULL, bytesBefore);
  }

  remove(key: Uint8Array, at: Timestamp): void {
    this.#write(key, undefined, at);
  }

  cursor(options: CursorOptions = {}): TableCursor {
    return new VersionedCursor(this, options);
  }

  get count(): number {
    if (this.#unknown > 0) this.#learnBases();
    return this.#count;
  }

  get sizeBytes(): number {
    if (this.#unknown > 0) this.#learnBases();
    return this.#sizeBytes;
  }

  get sizeBytesEstimate(): number {
    return Math.max(0, this.#sizeBytes + this.#guessedBytes);
  }

  lastKey(): Uint8Array | undefined {
    const cursor = this.cursor({ reverse: true });
    return cursor.next() ? cursor.key : undefined;
  }

  /** Throws SnapshotTooOld when `at` is below the horizon of a table with history. */
  checkReadable(at: Timestamp): void {
    if (at < this.state.horizon && this.options.replicated) this.state.refuseOldRead(at);
  }

  /** The blocks, read from the base store on first use. */
  get directory(): Directory {
    return this.#directory ?? this.#load();
  }

  get names(): BlockNames {
    if (this.#names === undefined) this.#load();
    invariant(this.#names !== undefined, 'loading a directory gives its names');
    return this.#names;
  }

  /** Exchanges the blocks. */
  setDirectory(directory: Directory): void {
    this.#directory = directory;
    this.blockGeneration += 1;
  }

  /** The block's bytes, which stay valid. */
  loadBlock(ref: BlockRef, isScan: boolean): Uint8Array {
    const { bytes } = ref;
    const { cache } = this.state;
    if (bytes === undefined) return cache.load(this.id, ref, isScan);
    cache.hits += 1;
    if (!isScan) ref.used = true;
    return bytes;
  }

  /** Whether a checkpoint that does not move the horizon has nothing to do for the table. */
  get isAtRest(): boolean {
    return this.persisted && this.nullWrites === 0;
  }

  /** Needs a table that is held and has no blocks. */
  beginLoad(): void {
    invariant(this.isHeld && !this.isLoading, 'a table that is loaded is held');
    invariant(this.directory.refs.length === 0 && this.blockCount === 0, 'a table that is loaded has no blocks');
    this.isLoading = true;
  }

  endLoad(): void {
    this.isLoading = false;
  }

  /** The load is on disk: its blocks go under the versions, and the table takes part in checkpoints. */
  setLoaded(directory: Directory, loaded: { readonly count: number; readonly sizeBytes: number }): void {
    this.#forgetBases();
    this.setDirectory(directory);
    this.blockCount = loaded.count;
    this.blockBytes = loaded.sizeBytes;
    this.#count += loaded.count;
    this.#sizeBytes += loaded.sizeBytes;
    this.letGo();
  }

  /** Ends the hold. */
  letGo(): void {
    this.isHeld = false;
    // Versions at or below the horizon have been passed over.
    if (this.versions.size > 0) this.nullWrites += 1;
  }

  /** The blocks have `baseSize` bytes of the chain's key (-1: nothing). */
  learnBase(chain: VersionChain, baseSize: number): void {
    if (chain.baseSize !== BASE_UNKNOWN) return;
    this.#unknown -= 1;
    this.#guessedBytes -= guessedBytes(chain);
    chain.baseSize = baseSize;
    this.#account(baseSize, chain.newestSize());
  }

  /** The version `node` of `chain`, whose base is known, went into the blocks. `removeCut` follows in the same turn. */
  cutMoved(chain: VersionChain, node: VersionNode): void {
    invariant(chain.baseSize !== BASE_UNKNOWN, 'the base of what moved was learnt');
    chain.baseSize = node.value === undefined ? BASE_ABSENT : chain.key.length + node.value.length;
    this.state.versionBytes -= this.versions.cut(chain, node);
  }

  /** After `cutMoved` of chains between those keys. */
  removeCut(low: Uint8Array, high: Uint8Array): void {
    this.state.versionBytes -= this.versions.removeEmpty(low, high);
  }

  /** Rollback: forgets the versions above `ts`. */
  cutAbove(ts: Timestamp): void {
    for (const chain of this.versions.chains()) {
      if (chain.head === undefined || chain.head.at <= ts) continue;
      const before = chain.newestSize();
      const guessedBefore = guessedBytes(chain);
      this.state.versionBytes -= this.versions.cutAbove(chain, ts);
      this.#guessedBytes += guessedBytes(chain) - guessedBefore;
      if (chain.baseSize !== BASE_UNKNOWN) this.#account(before, chain.newestSize());
      else if (chain.head === undefined) this.#unknown -= 1;
    }
  }

  /** Gives the memory back. */
  release(): void {
    this.dropped = true;
    for (const ref of this.#directory?.refs ?? []) this.state.cache.forget(ref);
    this.state.versionBytes -= this.versions.bytes;
    this.versions.clear();
    this.#unknown = 0;
    this.#guessedBytes = 0;
    this.#directory = NO_BLOCKS;
    this.blockGeneration += 1;
  }

  #write(key: Uint8Array, value: Uint8Array | undefined, at: Timestamp): void {
    const { versions } = this;
    const bytesBefore = versions.bytes;
    const chain = versions.get(key) ?? this.#addChain(ownBytes(key), this.#baseOf(key));
    this.#push(chain, value, at, bytesBefore);
  }

  /** What a new chain knows of the blocks: those of an index are not looked at. */
  #baseOf(key: Uint8Array): number {
    return this.options.kind === 'index' ? BASE_UNKNOWN : this.#baseSize(key);
  }

  /** `key` is the chain's own. */
  #addChain(key: Uint8Array, base: number): VersionChain {
    const chain = new VersionChain(key, base);
    this.versions.add(chain);
    this.#noteChain(chain);
    return chain;
  }

  #noteChain(chain: VersionChain): void {
    if (chain.baseSize === BASE_UNKNOWN) this.#unknown += 1;
  }

  /** `bytesBefore`: what the versions took before the write began. */
  #push(chain: VersionChain, value: Uint8Array | undefined, at: Timestamp, bytesBefore: number): void {
    const { state, versions } = this;
    invariant(!this.dropped, () => `a write to table ${this.id}, which was dropped`);
    invariant(at > state.horizon || at === TIMESTAMP_NULL, () => `a write at ${at}, not above ${state.horizon}`);
    const before = chain.newestSize();
    const guessedBefore = guessedBytes(chain);
    versions.push(chain, at, value);
    if (chain.baseSize !== BASE_UNKNOWN) this.#account(before, chain.newestSize());
    else this.#guessedBytes += guessedBytes(chain) - guessedBefore;
    if (at === TIMESTAMP_NULL) this.nullWrites += 1;
    state.noteWrite(at, versions.bytes - bytesBefore);
  }

  /** Counts an entry of `before` bytes that becomes one of `after` bytes; -1 means none. */
  #account(before: number, after: number): void {
    if (before >= 0) {
      this.#count -= 1;
      this.#sizeBytes -= before;
    }
    if (after >= 0) {
      this.#count += 1;
      this.#sizeBytes += after;
    }
  }

  #baseSize(key: Uint8Array): number {
    if (!this.#findInBlocks(key)) return BASE_ABSENT;
    return key.length + this.#reader.valueEnd - this.#reader.valueStart;
  }

  /** Takes back what `learnBase` knew of the blocks. */
  #forgetBases(): void {
    for (const chain of this.versions.chains()) {
      if (chain.baseSize === BASE_UNKNOWN) continue;
      this.#account(chain.newestSize(), chain.baseSize);
      chain.baseSize = BASE_UNKNOWN;
      this.#unknown += 1;
      this.#guessedBytes += guessedBytes(chain);
    }
  }

  #learnBases(): void {
    for (const chain of this.versions.chains()) {
      if (chain.baseSize === BASE_UNKNOWN) this.learnBase(chain, this.#baseSize(chain.key));
    }
    invariant(this.#unknown === 0, 'all bases are known');
  }

  #valueIn(block: BlockRef | undefined, key: Uint8Array): Uint8Array | undefined {
    return block !== undefined && this.#findIn(block, key) ? this.#reader.value(block.buffer) : undefined;
  }

  /** The block that has the key if any has; undefined in a table without blocks. */
  #blockOf(key: Uint8Array): BlockRef | undefined {
    const { directory } = this;
    const block = directory.indexOf(key);
    return block < 0 ? undefined : directory.refs[block];
  }

  /** Leaves the entry located in `#reader` when it is there. */
  #findInBlocks(key: Uint8Array): boolean {
    const block = this.#blockOf(key);
    return block !== undefined && this.#findIn(block, key);
  }

  #findIn(block: BlockRef, key: Uint8Array): boolean {
    const reader = this.#reader;
    reader.open(this.loadBlock(block, false));
    const index = reader.find(key);
    if (index < 0) return false;
    reader.locate(index);
    return true;
  }

  #load(): Directory {
    const { directory, names } = loadDirectory(this.#base, this.id);
    this.#directory = directory;
    this.#names = names;
    return directory;
  }
}

/** What the newest version of a chain adds to the table if it changes anything; nothing once its base is known. */
function guessedBytes({ baseSize, head, key }: VersionChain): number {
  if (baseSize !== BASE_UNKNOWN || head === undefined) return 0;
  return head.value === undefined ? -key.length : key.length + head.value.length;
}

/** `bytes`, or a copy when keeping them would keep a much larger buffer alive. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > SMALL_BYTES) return length * SHARE_MAX >= bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  if (length === 0) return bytes;
  const copy = new Uint8Array(length);
  for (let i = 0; i < length; i++) copy[i] = bytes[i];
  return copy;
}
