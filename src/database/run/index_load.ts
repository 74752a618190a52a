/**
 * The keys of all documents of a collection on their way into a new index: gathered, sorted, and put under what running
 * writes put into the index meanwhile.
 *
 * Keys gather in chunks that are sorted as they become full. When the chunks take more memory than a build may, they are
 * merged into one sorted run in a temporary file. In the end all chunks and files are merged into the blocks of the
 * index. Nothing in here knows of the collection: a document that changes after its keys were taken is put right by the
 * versions above.
 */
import { isCommandError } from '../../base/command_error.ts';
import type { Store } from '../../storage/store.ts';
import { EntryChunk } from '../../storage/entry_chunk.ts';
import { EntryMerge } from '../../storage/entry_merge.ts';
import type { SortedRun } from '../../storage/entry_source.ts';
import type { TableCursor } from '../../storage/table.ts';
import type { SpillFolder } from '../../query/spill/spill_file.ts';
import { entryValueOf, type Index, LOSSY, NO_VALUE } from '../index/index.ts';
import { SpilledRun } from './spilled_run.ts';

/** Entries that go to a file between two pauses. */
const SPILLED_AT_ONCE = 2048;

export interface LoadParts {
  readonly store: Store;
  readonly spill: SpillFolder;
}

export interface LoadOptions {
  /** Memory for keys; more go to a file. */
  readonly bytesMax: number;
  /** No more entries than this are written as any other change. */
  readonly smallEntriesMax: number;
  /** Whether a full disk is waited for: an index that an entry of the oplog tells of has to be built. */
  readonly mustSucceed: boolean;
}

export class IndexLoad {
  readonly index: Index;
  readonly #parts: LoadParts;
  readonly #options: LoadOptions;
  #chunk = new EntryChunk();
  readonly #chunks: SortedRun[] = [];
  #chunkBytes = 0;
  readonly #files: SpilledRun[] = [];
  #bytesMax: number;
  #entries = 0;

  /** From now on what is written to the index stays above what is loaded. */
  constructor(parts: LoadParts, index: Index, options: LoadOptions) {
    this.index = index;
    this.#parts = parts;
    this.#options = options;
    this.#bytesMax = options.bytesMax;
    parts.store.hold(index.table.id);
  }

  /** Whether the keys take more memory than they should: `spill` is due. */
  get isFull(): boolean {
    return this.#chunkBytes >= this.#bytesMax;
  }

  /** Takes the keys of the document that the cursor is at. Throws for one that cannot be indexed. */
  add(cursor: TableCursor): void {
    const { index } = this;
    const single = index.singleKey(cursor.valueBytes, cursor.valueStart);
    if (single !== undefined) {
      const value = single.isLossy ? LOSSY : NO_VALUE;
      this.#take(single.bytes, single.length, cursor.keyBytes, cursor.keyEnd, value);
      return;
    }
    const found = index.entriesOf(cursor.value, cursor.key);
    const value = entryValueOf(found);
    for (const entry of found.keys) this.#take(entry, entry.length, NO_VALUE, 0, value);
    if (found.multikey) index.multikey.add(found);
  }

  /** Moves the keys out of memory. `pause` gives the loop back. */
  async spill(pause: () => Promise<void>): Promise<void> {
    const run = new SpilledRun(this.#parts.spill.open());
    try {
      const merge = new EntryMerge(this.#chunks);
      for (let i = 1; merge.next(); i++) {
        run.append(merge);
        if (i % SPILLED_AT_ONCE === 0) await pause();
      }
    } catch (error) {
      run.close();
      if (!this.#mayStay(error)) throw error;
      for (const chunk of this.#chunks) chunk.rewind();
      this.#bytesMax = Infinity;
      return;
    }
    this.#files.push(run);
    this.#chunks.length = 0;
    this.#chunkBytes = 0;
  }

  /** Without room for files a build that must succeed takes the memory it needs. */
  #mayStay(error: unknown): boolean {
    return this.#options.mustSucceed && isCommandError(error, 'OutOfDiskSpace');
  }

  /** Fills the index and lets it go. False when its table was dropped meanwhile. */
  async finish(pause: () => Promise<void>): Promise<boolean> {
    const { store } = this.#parts;
    const { table } = this.index;
    this.#closeChunk();
    for (const file of this.#files) file.rewind();
    const merge = new EntryMerge([...this.#files, ...this.#chunks]);
    if (this.#entries > this.#options.smallEntriesMax) {
      return store.load(table.id, merge, { pause, waitsForRoom: this.#options.mustSucceed });
    }
    while (merge.next()) {
      const { bytes, start, keyEnd, end } = merge;
      table.fill(bytes.slice(start, keyEnd), keyEnd === end ? NO_VALUE : bytes.slice(keyEnd, end));
    }
    store.letGo(table.id);
    return true;
  }

  /** Removes the files. Belongs behind every other call. */
  close(): void {
    for (const file of this.#files) file.close();
  }

  // oxlint-disable-next-line max-params -- called for every key of every index that is built
  #take(head: Uint8Array, headLength: number, tail: Uint8Array, tailLength: number, value: Uint8Array): void {
    this.#chunk.add(head, headLength, tail, tailLength, value);
    this.#entries += 1;
    if (this.#chunk.isFull) this.#closeChunk();
  }

  #closeChunk(): void {
    if (this.#chunk.count === 0) return;
    this.#chunkBytes += this.#chunk.sizeBytes;
    this.#chunks.push(this.#chunk.sort());
    this.#chunk = new EntryChunk();
  }
}
