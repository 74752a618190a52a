/**
 * One life of a simulated process: from its start to its crash. What it scheduled dies with it; while it is paused its
 * events wait, as those of a stopped process do, and all run when it goes on.
 */
import type { CancelTimer, Clock, Timers } from '../base/env.ts';
import type { Ms, UnixMs } from '../base/units.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimClock } from './sim_clock.ts';

/** No timer fires earlier, as with Node's; a loop that waits for a clock then gets on. */
const TIMER_MS_MIN = 1;

export class SimProcess implements Clock, Timers {
  readonly #scheduler: Scheduler;
  readonly #clock: SimClock;
  readonly #waiting: (() => void)[] = [];
  #isAlive = true;
  #isPaused = false;

  constructor(scheduler: Scheduler, clock: SimClock) {
    this.#scheduler = scheduler;
    this.#clock = clock;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  wall(): UnixMs {
    return this.#clock.wall();
  }

  monotonic(): Ms {
    return this.#clock.monotonic();
  }

  after(delay: Ms, callback: () => void): CancelTimer {
    let isCancelled = false;
    const run = (): void => {
      if (!isCancelled) callback();
    };
    const event = this.#scheduler.after(Math.max(TIMER_MS_MIN, delay) / this.#clock.rate, () => this.deliver(run));
    return () => {
      isCancelled = true;
      this.#scheduler.cancel(event);
    };
  }

  /** Runs `callback` in this process: now, when it goes on, or never once it has crashed. */
  deliver(callback: () => void): void {
    if (!this.#isAlive) return;
    if (this.#isPaused) this.#waiting.push(callback);
    else callback();
  }

  /** Runs `callback` in this process after a virtual delay. */
  schedule(delayMs: number, callback: () => void): void {
    this.#scheduler.after(delayMs, () => this.deliver(callback));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    for (const callback of this.#waiting.splice(0)) this.schedule(0, callback);
  }

  crash(): void {
    this.#isAlive = false;
    this.#waiting.length = 0;
  }
}
