/** Many sorted runs as one: a heap of the runs by their next entry. */
import { sharedByAll } from './entry_chunk.ts';
import type { EntrySource, SortedRun } from './entry_source.ts';
import { KEY_HEAD_BYTES, keyHead } from './key_head.ts';
import { compareRanges } from '../bson/byte_order.ts';

const NO_BYTES = new Uint8Array(0);

export class EntryMerge implements EntrySource {
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  keyEnd = 0;
  end = 0;
  /** The run whose entry was handed out last is on top; it moves on with the next call. */
  readonly #heap: SortedRun[];
  readonly #heads: Float64Array;
  readonly #shared: number;
  #size: number;
  #isStarted = false;

  /** Reads the runs from where they are: at their beginnings. */
  constructor(runs: readonly SortedRun[]) {
    this.#heap = [...runs];
    this.#size = runs.length;
    this.#heads = new Float64Array(runs.length);
    this.#shared = runs.length === 0 ? 0 : sharedByAll(runs);
  }

  next(): boolean {
    if (!this.#isStarted) this.#start();
    else this.#moveTop();
    if (this.#size === 0) return false;
    const top = this.#heap[0];
    this.bytes = top.bytes;
    this.start = top.start;
    this.keyEnd = top.keyEnd;
    this.end = top.end;
    return true;
  }

  #start(): void {
    this.#isStarted = true;
    for (let i = 0; i < this.#size; i++) {
      const run = this.#heap[i];
      run.next();
      this.#heads[i] = this.#headOf(run);
    }
    for (let i = (this.#size >> 1) - 1; i >= 0; i--) this.#siftDown(i);
  }

  #moveTop(): void {
    if (this.#size === 0) return;
    const top = this.#heap[0];
    if (top.next()) {
      this.#heads[0] = this.#headOf(top);
    } else {
      this.#size -= 1;
      this.#heap[0] = this.#heap[this.#size];
      this.#heads[0] = this.#heads[this.#size];
      this.#heap.pop();
    }
    this.#siftDown(0);
  }

  #headOf(run: SortedRun): number {
    return keyHead(run.bytes, run.start + this.#shared, run.keyEnd);
  }

  #siftDown(from: number): void {
    const heap = this.#heap;
    const heads = this.#heads;
    const size = this.#size;
    if (from >= size) return;
    const run = heap[from];
    const head = heads[from];
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#comesFirst(heads[child + 1], heap[child + 1], heads[child], heap[child])) child++;
      if (!this.#comesFirst(heads[child], heap[child], head, run)) break;
      heap[at] = heap[child];
      heads[at] = heads[child];
      at = child;
    }
    heap[at] = run;
    heads[at] = head;
  }

  #comesFirst(aHead: number, a: SortedRun, bHead: number, b: SortedRun): boolean {
    if (aHead !== bHead) return aHead < bHead;
    const decided = this.#shared + KEY_HEAD_BYTES;
    const aStart = a.start + decided;
    const bStart = b.start + decided;
    // A key that ends within its head: zeros were taken for what is not there, so the lengths decide.
    if (aStart > a.keyEnd || bStart > b.keyEnd) return a.keyEnd - a.start < b.keyEnd - b.start;
    return compareRanges(a.bytes, aStart, a.keyEnd, b.bytes, bStart, b.keyEnd) < 0;
  }
}
