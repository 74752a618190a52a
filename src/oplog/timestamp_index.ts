/** Which record has which timestamp, for some of them: where to begin looking for an older entry. */
import { invariant } from '../base/invariant.ts';
import type { Timestamp } from '../base/optime.ts';

/** Invariant: timestamps and sequences ascend together. */
export class TimestampIndex {
  #timestamps: Timestamp[] = [];
  #sequences: number[] = [];

  /** Later than all before. */
  add(ts: Timestamp, sequence: number): void {
    invariant(ts > (this.#timestamps.at(-1) ?? -1), 'timestamps of entries ascend');
    this.#timestamps.push(ts);
    this.#sequences.push(sequence);
  }

  /** The last known sequence whose timestamp is before `ts`; 0 when none is known. */
  before(ts: Timestamp): number {
    let low = 0;
    let high = this.#timestamps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timestamps[middle] < ts) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#sequences[low - 1];
  }

  cutAfter(sequence: number): void {
    while ((this.#sequences.at(-1) ?? 0) > sequence) {
      this.#sequences.pop();
      this.#timestamps.pop();
    }
  }

  dropBefore(sequence: number): void {
    const index = this.#sequences.findIndex((known) => known >= sequence);
    const count = index === -1 ? this.#sequences.length : index;
    this.#sequences = this.#sequences.slice(count);
    this.#timestamps = this.#timestamps.slice(count);
  }
}
