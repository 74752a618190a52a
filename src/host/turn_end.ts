/**
 * The end of an event loop's turn: first the callbacks, then what was sent in the turn leaves.
 *
 * To write to a socket wakes the process at the other end, which costs more than the write itself. When the replies to
 * all that arrived together leave together, one wake-up serves them all; and what has to be on its way to the disk
 * before any of them is handed over once.
 */
import { performance } from 'node:perf_hooks';

/** A turn that takes longer than this ends early, so that the first reply does not wait for the last request. */
const TURN_MS_MAX = 1;

/** Something that was sent to and holds it back until the turn ends. */
export interface Flushable {
  flush(): void;
}

export class TurnEnd {
  #callbacks: (() => void)[] = [];
  #flushables: Flushable[] = [];
  #isDue = false;
  #beganAt = 0;

  /** Calls back at the end of this turn. */
  after(callback: () => void): void {
    this.#callbacks.push(callback);
    this.#schedule();
  }

  /** Flushes `target` at the end of this turn, after all callbacks and what they woke. */
  flushAfter(target: Flushable): void {
    this.#flushables.push(target);
    this.#schedule();
  }

  /** Called between two events of one turn. */
  maybeEndEarly(): void {
    if (!this.#isDue || performance.now() - this.#beganAt < TURN_MS_MAX) return;
    this.#beganAt = performance.now();
    this.#callBack();
    this.#flush();
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#beganAt = performance.now();
    setImmediate(this.#end);
  }

  readonly #end = (): void => {
    if (this.#callbacks.length === 0) return this.#finish();
    this.#callBack();
    // A microtask, and then a tick: promises that the callbacks settled run to their end in between.
    queueMicrotask(this.#afterWoken);
  };

  readonly #afterWoken = (): void => process.nextTick(this.#finish);

  readonly #finish = (): void => {
    this.#callBack();
    this.#isDue = false;
    this.#flush();
  };

  #callBack(): void {
    const callbacks = this.#callbacks;
    if (callbacks.length === 0) return;
    this.#callbacks = [];
    for (const callback of callbacks) callback();
  }

  #flush(): void {
    const flushables = this.#flushables;
    if (flushables.length === 0) return;
    this.#flushables = [];
    for (const target of flushables) target.flush();
  }
}
