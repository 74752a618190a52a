/**
 * Virtual time: a queue of events, run one at a time in order of their time, and of their making where times are equal.
 * After each event every promise that it settled runs to its end before the next event is taken, so a run depends on
 * nothing but the seed.
 */
import { invariant } from '../base/invariant.ts';

/** Lets all settled promises run to their end, then calls back. Given by whoever runs the simulation on a real machine. */
export type Settle = (callback: () => void) => void;

export interface ScheduledEvent {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  /** Its place in the queue; -1 when it is not there any more. */
  place: number;
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
    const event: ScheduledEvent = { atMs, order: this.#order++, run, place: -1 };
    this.#queue.push(event);
    return event;
  }

  /** The event does not run; one that ran already is left alone. */
  cancel(event: ScheduledEvent): void {
    this.#queue.remove(event);
  }

  /** Runs events until the virtual time `untilMs`, or until `isDone` says so after an event. */
  runUntil(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          if (!isDone() && this.#runNext(untilMs)) this.#settle(step);
          else resolve();
        } catch (error) {
          reject(error as Error);
        }
      };
      this.#settle(step);
    });
  }

  /** Whether there was an event up to `untilMs`; otherwise it is that time now. */
  #runNext(untilMs: number): boolean {
    const next = this.#queue.peek();
    if (next === undefined || next.atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs);
      return false;
    }
    this.#queue.remove(next);
    this.#nowMs = next.atMs;
    this.#eventsRun++;
    next.run();
    return true;
  }
}

/**
 * A binary heap by (time, order). What is cancelled is taken out at once: most timers are time limits that never run out,
 * and a heap full of them would be slow.
 */
class EventHeap {
  readonly #items: ScheduledEvent[] = [];

  peek(): ScheduledEvent | undefined {
    return this.#items[0];
  }

  push(event: ScheduledEvent): void {
    this.#items.push(event);
    this.#rise(event, this.#items.length - 1);
  }

  /** Leaves an event alone that is not in it. */
  remove(event: ScheduledEvent): void {
    const { place } = event;
    if (place === -1) return;
    event.place = -1;
    const last = this.#items.pop();
    if (last === undefined || last === event) return;
    if (isBefore(last, event)) this.#rise(last, place);
    else this.#sink(last, place);
  }

  /** Puts an event at `from`, or nearer to the top. */
  #rise(event: ScheduledEvent, from: number): void {
    const items = this.#items;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(items[parent], event)) break;
      this.#put(items[parent], at);
      at = parent;
    }
    this.#put(event, at);
  }

  /** Puts an event at `from`, or farther from the top. */
  #sink(event: ScheduledEvent, from: number): void {
    const items = this.#items;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && isBefore(items[child + 1], items[child])) child++;
      if (isBefore(event, items[child])) break;
      this.#put(items[child], at);
      at = child;
    }
    this.#put(event, at);
  }

  #put(event: ScheduledEvent, at: number): void {
    this.#items[at] = event;
    event.place = at;
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
