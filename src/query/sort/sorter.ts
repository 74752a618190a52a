/** Sorting documents by their keys: in runs that are merged while they are read, or keeping only the first few. */
import type { SortSpec } from '../sort.ts';

/** Runs are sorted when they are this long, so that no single step takes long. */
const RUN_LENGTH = 4096;

interface Entry {
  readonly key: Uint8Array;
  /** Place in the input: equal keys keep their order. */
  readonly sequence: number;
  readonly document: Uint8Array;
}

type CompareEntries = (a: Entry, b: Entry) => number;

function entriesBy({ compare }: SortSpec): CompareEntries {
  return (a, b) => {
    const comparison = compare(a.key, b.key);
    return comparison === 0 ? a.sequence - b.sequence : comparison;
  };
}

/** Takes documents as they come, then gives them in order; with a `limit` it keeps no more than that many. */
export class Sorter {
  readonly #spec: SortSpec;
  readonly #limit: number;
  readonly #compare: CompareEntries;
  readonly #isAfter: Precedes<Entry>;
  /** Without a limit: the run being filled. With one: a heap whose root is the last entry kept. */
  #current: Entry[] = [];
  readonly #runs: Entry[][] = [];
  #sequence = 0;
  #sizeBytes = 0;
  #merge: Merge | undefined;

  constructor(spec: SortSpec, limit = Infinity) {
    this.#spec = spec;
    this.#limit = limit;
    const compare = entriesBy(spec);
    this.#compare = compare;
    this.#isAfter = (a, b) => compare(a, b) > 0;
  }

  /** Bytes of the documents and keys that are held. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Adds a whole document; it must not change until the sorter is done. */
  add(document: Uint8Array): void {
    const entry = { key: this.#spec.key(document, 0), sequence: this.#sequence++, document };
    if (this.#limit < Infinity) this.#keep(entry);
    else {
      this.#sizeBytes += sizeOf(entry);
      this.#current.push(entry);
      if (this.#current.length === RUN_LENGTH) this.#endRun();
    }
  }

  /** The next document in order; undefined at the end. No `add` after the first call. */
  next(): Uint8Array | undefined {
    if (this.#merge === undefined) {
      this.#endRun();
      this.#merge = new Merge(this.#runs, this.#compare);
    }
    return this.#merge.next()?.document;
  }

  #endRun(): void {
    this.#runs.push(this.#current.toSorted(this.#compare));
    this.#current = [];
  }

  #keep(entry: Entry): void {
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
}

function sizeOf(entry: Entry): number {
  return entry.key.length + entry.document.length;
}

/** Whether the first belongs nearer to the root of a heap. */
type Precedes<T> = (a: T, b: T) => boolean;

/** One run with the place up to which it was read. */
interface Cursor {
  readonly run: readonly Entry[];
  at: number;
}

class Merge {
  readonly #heap: Cursor[] = [];

  readonly #comesFirst: Precedes<Cursor>;

  constructor(runs: readonly (readonly Entry[])[], compare: CompareEntries) {
    this.#comesFirst = (a, b) => compare(a.run[a.at], b.run[b.at]) < 0;
    for (const run of runs) {
      if (run.length === 0) continue;
      this.#heap.push({ run, at: 0 });
      siftUp(this.#heap, this.#heap.length - 1, this.#comesFirst);
    }
  }

  next(): Entry | undefined {
    const [first] = this.#heap;
    if (first === undefined) return undefined;
    const entry = first.run[first.at++];
    if (first.at === first.run.length) {
      const last = this.#heap.pop();
      if (last === undefined || this.#heap.length === 0) return entry;
      this.#heap[0] = last;
    }
    siftDown(this.#heap, 0, this.#comesFirst);
    return entry;
  }
}

function siftUp<T>(heap: T[], from: number, precedes: Precedes<T>): void {
  let at = from;
  const item = heap[at];
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!precedes(item, heap[parent])) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = item;
}

function siftDown<T>(heap: T[], from: number, precedes: Precedes<T>): void {
  let at = from;
  const item = heap[at];
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && precedes(heap[child + 1], heap[child])) child++;
    if (!precedes(heap[child], item)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = item;
}
