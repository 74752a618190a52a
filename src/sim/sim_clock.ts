/**
 * The clock of one simulated machine: it may run fast or slow, and its wall clock may jump. It outlives the processes of
 * its machine.
 */
import { ms, unixMs, type Ms, type UnixMs } from '../base/units.ts';
import type { Scheduler } from './scheduler.ts';

/** 2026-01-01, so that timestamps look like real ones. */
const WALL_START_MS = 1_767_225_600_000;

export class SimClock {
  readonly #scheduler: Scheduler;
  /** 1 is right; 1.01 gains 10 ms a second. */
  #rate = 1;
  /** Virtual time at which the rate was set, and what the monotonic clock showed then. */
  #sinceMs = 0;
  #shownMs = 0;
  #wallOffsetMs = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get rate(): number {
    return this.#rate;
  }

  monotonic(): Ms {
    return ms(this.#shownMs + (this.#scheduler.nowMs - this.#sinceMs) * this.#rate);
  }

  wall(): UnixMs {
    return unixMs(Math.floor(WALL_START_MS + this.monotonic() + this.#wallOffsetMs));
  }

  /** Changes how fast it runs from now on; what it shows does not jump. */
  setRate(rate: number): void {
    this.#shownMs = this.monotonic();
    this.#sinceMs = this.#scheduler.nowMs;
    this.#rate = rate;
  }

  /** Sets the wall clock forward, or back. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }
}
