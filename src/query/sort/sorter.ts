/**
 * Sorting documents by their keys: in runs that are merged while they are read, or keeping only the first few.
 *
 * What exceeds the memory goes to disk. The runs of that moment are frozen: they are merged into a file, a few entries with
 * each document that is added, so that no single step takes long. At the end files, what is frozen and not yet
 * written, and the runs since are merged together. Equal keys keep the order in which their documents came: sources of
 * the merge are in the order of their times.
 */
import { CommandError } from '../../base/command_error.ts';
import { IN_MEMORY, type StageMemory } from '../pipeline/memory_budget.ts';
import type { SortSpec } from '../sort.ts';
import type { SpillFile } from '../spill/spill_file.ts';
import { siftDown, siftUp, type Precedes } from './heap.ts';
import { FileRun, Merge, MemoryRun, type Entry, type Run } from './merge.ts';

/** Runs are sorted when they are this long, so that no single step takes long. */
const RUN_LENGTH = 4096;

/** Bytes written of what is frozen for each byte that is added: memory stays below the limit and a quarter of it. */
const FREEZE_RATE = 4;

/** What an entry costs besides its bytes. */
const ENTRY_OVERHEAD_BYTES = 64;

/** What of a sort is needed here. */
export type SortOrder = Pick<SortSpec, 'key' | 'compare'>;

interface HeapEntry extends Entry {
  /** Place in the input: equal keys keep their order. */
  readonly sequence: number;
}

/** Takes documents as they come, then gives them in order. */
export class Sorter {
  readonly #spec: SortOrder;
  readonly #memory: StageMemory;
  readonly #compare: (a: HeapEntry, b: HeapEntry) => number;
  readonly #isAfter: Precedes<HeapEntry>;
  /** Infinity also when the first few turned out not to fit: then it is only a hint, and all are given. */
  #limit: number;
  /** Without a limit: the run being filled. With one: a heap whose root is the last entry kept. */
  #current: HeapEntry[] = [];
  #runs: MemoryRun[] = [];
  #sequence = 0;
  #sizeBytes = 0;
  #file: SpillFile | undefined;
  /** Where the runs in the file begin and end. */
  readonly #written: { readonly start: number; readonly end: number }[] = [];
  #frozen: { readonly merge: Merge; readonly start: number } | undefined;
  #merge: Merge | undefined;

  /** `limit`: how many documents will be asked for at most. */
  constructor(spec: SortOrder, limit = Infinity, memory: StageMemory = IN_MEMORY) {
    this.#spec = spec;
    this.#limit = limit;
    this.#memory = memory;
    const { compare } = spec;
    this.#compare = (a, b) => {
      const comparison = compare(a.key, b.key);
      return comparison === 0 ? a.sequence - b.sequence : comparison;
    };
    this.#isAfter = (a, b) => this.#compare(a, b) > 0;
  }

  /**
   * Adds a whole document; it must not change until the sorter is done. Throws QueryExceededMemoryLimitNoDiskUseAllowed
   * when there is more than fits, and no disk.
   */
  add(document: Uint8Array): void {
    this.addWithKey(this.#spec.key(document, 0), document);
  }

  /** As `add`, with a key of the caller's making. */
  addWithKey(key: Uint8Array, document: Uint8Array): void {
    const entry = { key, sequence: this.#sequence++, document };
    if (this.#limit < Infinity) this.#keep(entry);
    else this.#append(entry);
    if (this.#sizeBytes > this.#memory.sortBytesMax) this.#shrink();
  }

  /** The next document in order; undefined at the end. No `add` after the first call. */
  next(): Uint8Array | undefined {
    return this.nextEntry()?.document;
  }

  /** As `next`, with the key. */
  nextEntry(): Entry | undefined {
    this.#merge ??= this.#startMerge();
    return this.#merge.next();
  }

  /** Removes its file. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#merge = new Merge([], this.#spec.compare);
  }

  #append(entry: HeapEntry): void {
    const size = sizeOf(entry);
    this.#sizeBytes += size;
    this.#current.push(entry);
    if (this.#current.length === RUN_LENGTH) this.#endRun();
    if (this.#frozen !== undefined) this.#writeFrozen(size * FREEZE_RATE);
  }

  #endRun(): void {
    if (this.#current.length > 0) this.#runs.push(new MemoryRun(this.#current.toSorted(this.#compare)));
    this.#current = [];
  }

  #keep(entry: HeapEntry): void {
    const heap = this.#current;
    if (heap.length < this.#limit) {
      this.#sizeBytes += sizeOf(entry);
      heap.push(entry);
      siftUp(heap, heap.length - 1, this.#isAfter);
      return;
    }
    const [last] = heap;
    if (last === undefined || this.#compare(entry, last) >= 0) return;
    this.#sizeBytes += sizeOf(entry) - sizeOf(last);
    heap[0] = entry;
    siftDown(heap, 0, this.#isAfter);
  }

  /** Too much is in memory: it begins to move into the file. */
  #shrink(): void {
    const { spill, sortBytesMax } = this.#memory;
    if (spill === undefined) {
      const text = `Sort exceeded memory limit of ${sortBytesMax} bytes, but did not opt in to external sorting.`;
      throw new CommandError('QueryExceededMemoryLimitNoDiskUseAllowed', text);
    }
    if (this.#frozen !== undefined) return;
    this.#limit = Infinity;
    this.#endRun();
    this.#file ??= spill.open();
    this.#frozen = { merge: new Merge(this.#runs, this.#spec.compare), start: this.#file.end };
    this.#runs = [];
    this.#sizeBytes = 0;
  }

  #writeFrozen(bytes: number): void {
    const frozen = this.#frozen;
    const file = this.#file;
    if (frozen === undefined || file === undefined) return;
    for (let left = bytes; left > 0;) {
      const entry = frozen.merge.next();
      if (entry === undefined) {
        this.#written.push({ start: frozen.start, end: file.end });
        this.#frozen = undefined;
        return;
      }
      file.append(entry.key, entry.document);
      left -= sizeOf(entry);
    }
  }

  #startMerge(): Merge {
    this.#endRun();
    const runs: Run[] = [];
    const file = this.#file;
    if (file !== undefined) {
      const frozen = this.#frozen;
      if (frozen !== undefined) this.#written.push({ start: frozen.start, end: file.end });
      for (const { start, end } of this.#written) runs.push(new FileRun(file.read(start, end)));
      if (frozen !== undefined) runs.push(frozen.merge);
    }
    return new Merge([...runs, ...this.#runs], this.#spec.compare);
  }
}

function sizeOf(entry: Entry): number {
  return entry.key.length + entry.document.length + ENTRY_OVERHEAD_BYTES;
}
