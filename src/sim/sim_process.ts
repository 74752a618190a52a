/**
 * One life of a simulated process: from its start to its crash. What it scheduled dies with it. It does one thing at a
 * time: while it is paused, or busy because its processor is slow, what happens waits for it, in order.
 */
import type { CancelTimer, Clock, Timers } from '../base/env.ts';
import { ms, unixMs, type Ms, type UnixMs } from '../base/units.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimClock } from './sim_clock.ts';

/** No timer fires earlier, as with Node's; a loop that waits for a clock then gets on. */
const TIMER_MS_MIN = 1;

export interface SimProcessOptions {
  readonly scheduler: Scheduler;
  readonly clock: SimClock;
  /** Told of what was thrown and not caught: it would have ended a real process. */
  readonly onUncaught: (error: unknown) => void;
}

export class SimProcess implements Clock, Timers {
  readonly #scheduler: Scheduler;
  readonly #clock: SimClock;
  readonly #onUncaught: (error: unknown) => void;
  /** What has happened and was not handled yet. */
  readonly #waiting: (() => void)[] = [];
  #isAlive = true;
  #isPaused = false;
  #isWakeDue = false;
  /**
   * Virtual time that a look at the clock takes: long work looks at it often, to give way in time. 0: work takes none.
   */
  costOfLookMs = 0;
  /** Virtual time at which what it is doing now is done. */
  #busyUntilMs = 0;
  #shown = 0;

  constructor({ scheduler, clock, onUncaught }: SimProcessOptions) {
    this.#scheduler = scheduler;
    this.#clock = clock;
    this.#onUncaught = onUncaught;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  wall(): UnixMs {
    return unixMs(Math.floor(this.#clock.wall() + this.#aheadMs * this.#clock.rate));
  }

  monotonic(): Ms {
    if (this.costOfLookMs > 0) this.#busyUntilMs = this.#scheduler.nowMs + this.#aheadMs + this.costOfLookMs;
    this.#shown = Math.max(this.#shown, this.#clock.monotonic() + this.#aheadMs * this.#clock.rate);
    return ms(this.#shown);
  }

  after(delay: Ms, callback: () => void): CancelTimer {
    let isCancelled = false;
    // Cancelled, it may still wait here for a process that is paused or busy.
    const run = (): void => {
      if (!isCancelled) callback();
    };
    const wait = Math.max(TIMER_MS_MIN, delay) / this.#clock.rate;
    const event = this.#scheduler.after(this.#aheadMs + wait, () => this.deliver(run));
    return () => {
      isCancelled = true;
      this.#scheduler.cancel(event);
    };
  }

  /** Runs `callback` in this process: now, when it gets to it, or never once it has crashed. */
  deliver(callback: () => void): void {
    if (!this.#isAlive) return;
    if (!this.#isPaused && this.#waiting.length === 0 && this.#aheadMs === 0) {
      this.#run(callback);
      return;
    }
    this.#waiting.push(callback);
    this.#wakeLater();
  }

  /** Runs `callback` in this process after a virtual delay. */
  schedule(delayMs: number, callback: () => void): void {
    this.#scheduler.after(delayMs, () => this.deliver(callback));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wakeLater();
  }

  crash(): void {
    this.#isAlive = false;
    this.#waiting.length = 0;
  }

  /** How far what it is doing is ahead of virtual time. */
  get #aheadMs(): number {
    return Math.max(0, this.#busyUntilMs - this.#scheduler.nowMs);
  }

  #run(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#onUncaught(error);
    }
  }

  /** Handles what waits, one after the other, each as an event of its own. */
  #wakeLater(): void {
    if (this.#isWakeDue || this.#isPaused || this.#waiting.length === 0) return;
    this.#isWakeDue = true;
    this.#scheduler.at(Math.max(this.#busyUntilMs, this.#scheduler.nowMs), () => {
      this.#isWakeDue = false;
      if (this.#isPaused || !this.#isAlive) return;
      if (this.#aheadMs === 0) {
        const next = this.#waiting.shift();
        if (next !== undefined) this.#run(next);
      }
      this.#wakeLater();
    });
  }
}
