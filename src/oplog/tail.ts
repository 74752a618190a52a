/** The newest entries in memory, for readers that follow the log. */
import { invariant } from '../base/invariant.ts';
import type { OpTime, Timestamp } from '../base/optime.ts';
import type { UnixMs } from '../base/units.ts';

/** What an array may hold in front that is gone already, before it is packed. */
const SLACK = 4096;

/** Invariant: entries have consecutive sequences from `first` to `last`; empty when `last` is `first - 1`. */
export class Tail {
  readonly #bytesMax: number;
  #entries: Uint8Array[] = [];
  #optimes: OpTime[] = [];
  #walls: UnixMs[] = [];
  /** Index of the entry `first`. */
  #head = 0;
  #first: number;
  #bytes = 0;

  /** @param next the sequence of the entry that is pushed next */
  constructor(bytesMax: number, next: number) {
    this.#bytesMax = bytesMax;
    this.#first = next;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#first + this.#entries.length - this.#head - 1;
  }

  push(entry: Uint8Array, optime: OpTime, wall: UnixMs): void {
    this.#entries.push(entry);
    this.#optimes.push(optime);
    this.#walls.push(wall);
    this.#bytes += entry.length;
  }

  /** Lets go of the oldest while there are too many, but not of those after `durable`. */
  trim(durable: number): void {
    while (this.#bytes > this.#bytesMax && this.#first <= durable && this.#first < this.last) {
      this.#bytes -= this.#entries[this.#head].length;
      this.#entries[this.#head] = NO_ENTRY;
      this.#head += 1;
      this.#first += 1;
    }
    if (this.#head > SLACK && this.#head * 2 > this.#entries.length) this.#pack();
  }

  has(sequence: number): boolean {
    return sequence >= this.#first && sequence <= this.last;
  }

  entry(sequence: number): Uint8Array {
    return this.#entries[this.#index(sequence)];
  }

  optime(sequence: number): OpTime {
    return this.#optimes[this.#index(sequence)];
  }

  wall(sequence: number): UnixMs {
    return this.#walls[this.#index(sequence)];
  }

  /** The first sequence with that timestamp or a later one; `last + 1` when there is none. */
  lowerBound(ts: Timestamp): number {
    let low = this.#head;
    let high = this.#optimes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#optimes[middle].ts < ts) low = middle + 1;
      else high = middle;
    }
    return this.#first + low - this.#head;
  }

  /** Forgets the entries after `sequence`. */
  cutAfter(sequence: number): void {
    while (this.last > sequence && this.last >= this.#first) {
      this.#bytes -= this.#entries.pop()?.length ?? 0;
      this.#optimes.pop();
      this.#walls.pop();
    }
    if (sequence < this.#first) this.#first = sequence + 1;
    invariant(this.last <= sequence, 'what was cut is forgotten');
  }

  #pack(): void {
    this.#entries = this.#entries.slice(this.#head);
    this.#optimes = this.#optimes.slice(this.#head);
    this.#walls = this.#walls.slice(this.#head);
    this.#head = 0;
  }

  #index(sequence: number): number {
    invariant(this.has(sequence), 'the entry is in memory');
    return this.#head + sequence - this.#first;
  }
}

const NO_ENTRY = new Uint8Array(0);
