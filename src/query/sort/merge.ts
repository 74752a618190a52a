/** Merging sorted runs, in memory and in files, into one order. */
import type { SpillReader } from '../spill/spill_file.ts';
import { siftDown, siftUp, type Precedes } from './heap.ts';

export interface Entry {
  readonly key: Uint8Array;
  readonly document: Uint8Array;
}

export type CompareKeys = (a: Uint8Array, b: Uint8Array) => number;

/** Entries in order. */
export interface Run {
  /** Undefined at the end. */
  next(): Entry | undefined;
}

export class MemoryRun implements Run {
  readonly #entries: readonly Entry[];
  #at = 0;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  next(): Entry | undefined {
    return this.#at < this.#entries.length ? this.#entries[this.#at++] : undefined;
  }
}

export class FileRun implements Run {
  readonly #reader: SpillReader;

  constructor(reader: SpillReader) {
    this.#reader = reader;
  }

  next(): Entry | undefined {
    const reader = this.#reader;
    return reader.next() ? { key: reader.head, document: reader.body } : undefined;
  }
}

interface Cursor {
  readonly run: Run;
  /** Of equal keys, those of the run that was given first come first. */
  readonly rank: number;
  entry: Entry;
}

export class Merge implements Run {
  readonly #heap: Cursor[] = [];
  readonly #comesFirst: Precedes<Cursor>;

  constructor(runs: readonly Run[], compare: CompareKeys) {
    this.#comesFirst = (a, b) => {
      const comparison = compare(a.entry.key, b.entry.key);
      return comparison === 0 ? a.rank < b.rank : comparison < 0;
    };
    for (const [rank, run] of runs.entries()) {
      const entry = run.next();
      if (entry === undefined) continue;
      this.#heap.push({ run, rank, entry });
      siftUp(this.#heap, this.#heap.length - 1, this.#comesFirst);
    }
  }

  next(): Entry | undefined {
    const [first] = this.#heap;
    if (first === undefined) return undefined;
    const { entry } = first;
    const following = first.run.next();
    if (following !== undefined) {
      first.entry = following;
    } else {
      const last = this.#heap.pop();
      if (last === undefined || this.#heap.length === 0) return entry;
      this.#heap[0] = last;
    }
    siftDown(this.#heap, 0, this.#comesFirst);
    return entry;
  }
}
