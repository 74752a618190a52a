/**
 * Waiting for progress: requests that wait until some optime is reached, in order, so that one step of progress looks
 * only at those it releases. A condition that holds for an optime must hold for every lower one of the same queue.
 */
import type { CommandError } from '../base/command_error.ts';
import type { CancelTimer, Env } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { compareOpTimes, type OpTime } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';

/** How a wait ended. 'reached' also when a queue was woken for another reason; the waiter looks again. */
export type WaitEnd =
  | { readonly kind: 'reached' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'failed'; readonly error: CommandError };

interface Waiter {
  readonly optime: OpTime;
  /** Undefined once it ended; it is then skipped where it stands. */
  end: ((result: WaitEnd) => void) | undefined;
  cancelTimer: CancelTimer | undefined;
}

const REACHED: WaitEnd = { kind: 'reached' };
const TIMEOUT: WaitEnd = { kind: 'timeout' };

export class OpTimeWaiters {
  readonly #env: Env;
  /** Ascending by optime from #head on; before it are ended ones. */
  #queue: Waiter[] = [];
  #head = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  get isEmpty(): boolean {
    return this.#head === this.#queue.length;
  }

  /** Waits for `optime`, at most until `deadline` of the monotonic clock. */
  wait(optime: OpTime, deadline: Ms): Promise<WaitEnd> {
    return new Promise((resolve) => {
      const waiter: Waiter = { optime, end: resolve, cancelTimer: undefined };
      this.#insert(waiter);
      if (deadline === Infinity) return;
      const delay = ms(Math.max(0, deadline - this.#env.clock.monotonic()));
      waiter.cancelTimer = this.#env.timers.after(delay, () => finish(waiter, TIMEOUT));
    });
  }

  /** Ends every wait from the lowest optime up for which `isReached` holds. */
  release(isReached: (optime: OpTime) => boolean): void {
    const queue = this.#queue;
    while (this.#head < queue.length) {
      const waiter = queue[this.#head];
      invariant(waiter !== undefined, 'the head is inside the queue');
      if (waiter.end !== undefined) {
        if (!isReached(waiter.optime)) break;
        finish(waiter, REACHED);
      }
      this.#head += 1;
    }
    this.#compact();
  }

  /** Ends all waits with an error. */
  fail(error: CommandError): void {
    this.#endAll({ kind: 'failed', error });
  }

  /** Ends all waits as if reached: what they wait for must be judged anew. */
  wakeAll(): void {
    this.#endAll(REACHED);
  }

  #endAll(result: WaitEnd): void {
    const queue = this.#queue;
    const head = this.#head;
    this.#queue = [];
    this.#head = 0;
    for (let at = head; at < queue.length; at += 1) {
      const waiter = queue[at];
      if (waiter !== undefined) finish(waiter, result);
    }
  }

  /** Nearly always at the end: later writes have higher optimes. */
  #insert(waiter: Waiter): void {
    const queue = this.#queue;
    let at = queue.length;
    while (at > this.#head) {
      const before = queue[at - 1];
      if (before === undefined || compareOpTimes(before.optime, waiter.optime) <= 0) break;
      at -= 1;
    }
    if (at === queue.length) queue.push(waiter);
    else queue.splice(at, 0, waiter);
  }

  #compact(): void {
    if (this.#head < 1024 && this.#head < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
}

function finish(waiter: Waiter, result: WaitEnd): void {
  const end = waiter.end;
  if (end === undefined) return;
  waiter.end = undefined;
  waiter.cancelTimer?.();
  end(result);
}
