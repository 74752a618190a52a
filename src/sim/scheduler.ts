/**
 * Virtual time: a queue of events, run one at a time in order of their time, and of their making where times are equal.
 * After each event every promise that it settled runs to its end before the next event is taken, so a run depends on
 * nothing but the seed.
 */
import { invariant } from '../base/invariant.ts';

/** Lets all settled promises run; resolves afterwards. Given by whoever runs the simulation on a real machine. */
export type Settle = () => Promise<void>;

export interface ScheduledEvent {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class Scheduler {
  readonly #queue = new EventHeap();
  readonly #settle: Settle;
  #nowMs = 0;
  #order = 0;
  #eventsRun = 0;

  constructor(settle: Settle) {
    this.#settle = settle;
  }

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get eventsRun(): number {
    return this.#eventsRun;
  }

  /** Runs `run` once, `delayMs` (0 or more) from now. */
  after(delayMs: number, run: () => void): ScheduledEvent {
    return this.at(this.#nowMs + delayMs, run);
  }

  /** Runs `run` once, at a virtual time that is not over. */
  at(atMs: number, run: () => void): ScheduledEvent {
    invariant(atMs >= this.#nowMs, 'time does not go back');
    const event: ScheduledEvent = { atMs, order: this.#order++, run };
    this.#queue.push(event);
    return event;
  }

  /** The event does not run; one that ran already is left alone. */
  cancel(event: ScheduledEvent): void {
    event.run = undefined;
  }

  /** Runs events until the virtual time `untilMs`, or until `isDone` says so after an event. */
  async runUntil(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    await this.#settle();
    while (!isDone()) {
      const next = this.#queue.peek();
      if (next === undefined || next.atMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return;
      }
      this.#queue.pop();
      if (next.run === undefined) continue;
      this.#nowMs = next.atMs;
      const { run } = next;
      next.run = undefined;
      this.#eventsRun++;
      run();
      await this.#settle();
    }
  }
}

/** A binary heap by (time, order). */
class EventHeap {
  readonly #items: ScheduledEvent[] = [];

  peek(): ScheduledEvent | undefined {
    return this.#items[0];
  }

  push(event: ScheduledEvent): void {
    const items = this.#items;
    let at = items.length;
    items.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(items[parent], event)) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = event;
  }

  pop(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && isBefore(items[child + 1], items[child])) child++;
      if (isBefore(last, items[child])) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
