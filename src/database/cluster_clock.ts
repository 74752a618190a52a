/**
 * The cluster's logical clock: one timestamp that never goes back and that members and clients pass on in every
 * message, so that what one of them has seen is never later than the clock of the next one it talks to.
 * Source: the manual, "Cluster Time".
 */
import type { Clock } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { incrementOf, secondsOf, TIMESTAMP_NULL, timestampOf, type Timestamp } from '../base/optime.ts';

/** Increments of one second end here; a clock that would pass it goes on in the next second. */
const INCREMENT_MAX = 2 ** 21 - 1;

export class ClusterClock {
  readonly #clock: Clock;
  #now: Timestamp = TIMESTAMP_NULL;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The latest moment this member knows of. Never falls. */
  get now(): Timestamp {
    return this.#now;
  }

  /** Reserves `count` consecutive timestamps for oplog entries and returns the first. */
  tick(count = 1): Timestamp {
    invariant(count > 0, 'a tick reserves at least one timestamp');
    invariant(count < INCREMENT_MAX, `${count} timestamps do not fit one second`);
    const wallSeconds = Math.floor(this.#clock.wall() / 1000);
    const seconds = secondsOf(this.#now);
    let base: number = this.#now;
    if (seconds < wallSeconds) base = timestampOf(wallSeconds, 0);
    else if (incrementOf(this.#now) + count > INCREMENT_MAX) base = timestampOf(seconds + 1, 0);
    this.#now = (base + count) as Timestamp;
    return (base + 1) as Timestamp;
  }

  /** Takes over a later moment learnt from a message or from the oplog. Earlier ones are ignored. */
  advance(to: Timestamp): void {
    if (to > this.#now) this.#now = to;
  }
}
