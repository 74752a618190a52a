/** Sorting in steps: short runs first, then pairs of neighbouring runs are merged until there is one. Stable. */

const RUN_LENGTH = 512;
const MERGED_PER_STEP = 512;

export class SteppedSort<T> {
  readonly #compare: (a: T, b: T) => number;
  #items: readonly T[];
  #merged: T[] = [];
  /** Length of the runs that are being merged; 0 while the first ones are made. */
  #runLength = 0;
  /** The pair that is being merged: where it begins, and the next of each run. */
  #begin = 0;
  #left = 0;
  #right = 0;

  constructor(items: readonly T[], compare: (a: T, b: T) => number) {
    this.#items = items;
    this.#compare = compare;
  }

  /** False when all is in order. */
  step(): boolean {
    if (this.#runLength === 0) return this.#makeRun();
    if (this.#runLength >= this.#items.length) return false;
    this.#merge(MERGED_PER_STEP);
    return true;
  }

  /** In order, once `step` has said so. */
  get items(): readonly T[] {
    return this.#items;
  }

  #makeRun(): boolean {
    const from = this.#merged.length;
    for (const item of this.#items.slice(from, from + RUN_LENGTH).sort(this.#compare)) this.#merged.push(item);
    if (this.#merged.length === this.#items.length) this.#beginPass(RUN_LENGTH);
    return true;
  }

  #beginPass(runLength: number): void {
    this.#items = this.#merged;
    this.#merged = [];
    this.#runLength = runLength;
    this.#beginPair(0);
  }

  #beginPair(begin: number): void {
    this.#begin = begin;
    this.#left = begin;
    this.#right = begin + this.#runLength;
  }

  #merge(count: number): void {
    const items = this.#items;
    const middle = Math.min(this.#begin + this.#runLength, items.length);
    const end = Math.min(middle + this.#runLength, items.length);
    for (let i = 0; i < count; i++) {
      const takesLeft =
        this.#left < middle && (this.#right >= end || this.#compare(items[this.#left], items[this.#right]) <= 0);
      if (!takesLeft && this.#right >= end) break;
      this.#merged.push(items[takesLeft ? this.#left++ : this.#right++]);
    }
    if (this.#left < middle || this.#right < end) return;
    if (end < items.length) this.#beginPair(end);
    else this.#beginPass(this.#runLength * 2);
  }
}
