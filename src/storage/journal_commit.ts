/**
 * Group commit: one sync at a time makes durable all that was appended before it began; what comes meanwhile waits for
 * the next one. A sync begins a turn after somebody asked for it, so that the requests of two turns
 * share it, and otherwise when the oldest record has waited long enough.
 */
import type { CancelTimer, Env } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { JOURNAL_SYNC_DELAY_MS } from '../base/limits.ts';

/** What is committed; the journal. */
export interface CommitTarget {
  appended(): number;
  /** Hands all that was appended to the operating system. */
  flush(): void;
  /** Makes durable what was handed over before the call. */
  sync(): Promise<void>;
  /** Called when nothing was appended since the last sync: leaves word on disk that all is durable. */
  testify(): void;
  failed(error: unknown): void;
}

/** Many waiters share one promise: those of one sync. */
interface Batch {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

const DONE = Promise.resolve();

/** Invariants: `durable` <= `target.appended()`, and never falls but by a cut. At most one sync is under way. */
export class GroupCommit {
  readonly #env: Env;
  readonly #target: CommitTarget;
  readonly #callbacks: ((sequence: number) => void)[] = [];
  #durable: number;
  #testified: number;
  /** What the sync that is under way makes durable; 0 when none is: sequences are given again after a cut. */
  #syncingTo = 0;
  #current: Batch | undefined;
  #next: Batch | undefined;
  #running: Promise<void> | undefined;
  #isOverdue = false;
  #cancelTimer: CancelTimer | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(env: Env, target: CommitTarget, recovered: { appended: number; testified: number }) {
    this.#env = env;
    this.#target = target;
    this.#durable = recovered.appended;
    this.#testified = recovered.testified;
  }

  get durable(): number {
    return this.#durable;
  }

  /** Called with the new last durable sequence after each sync, before its waiters go on. */
  onDurable(callback: (sequence: number) => void): void {
    this.#callbacks.push(callback);
  }

  /** Somebody waits: syncs soon. Waiters of the same sync get the same promise. Rejects when the journal fails. */
  durableAt(sequence: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    invariant(sequence <= this.#target.appended(), 'what is waited for was appended');
    if (sequence <= this.#durable) return DONE;
    if (this.#running !== undefined && sequence <= this.#syncingTo) return (this.#current ??= newBatch()).promise;
    this.#next ??= newBatch();
    this.#run();
    return this.#next.promise;
  }

  /** Called after an append: sees to it that it becomes durable in time. */
  noteAppended(): void {
    if (this.#cancelTimer !== undefined) return;
    this.#cancelTimer = this.#env.timers.after(JOURNAL_SYNC_DELAY_MS, this.#onTimer);
  }

  /** The records after `sequence` are gone. No sync is under way and nobody waits. */
  cut(sequence: number): void {
    invariant(this.#running === undefined, 'no sync is under way at a cut');
    this.#durable = sequence;
    this.#testified = Math.min(this.#testified, sequence);
  }

  /** Makes all durable that was appended before the call. */
  async drain(): Promise<void> {
    if (this.#durable < this.#target.appended()) await this.durableAt(this.#target.appended());
    await this.idle();
  }

  /** Resolves when no sync is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Stops the timer; after {@link drain}. */
  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Nothing becomes durable any more; those who wait learn it. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.stop();
    this.#current?.reject(error);
    this.#next?.reject(error);
    this.#target.failed(error);
  }

  /** A mark was written. */
  noteTestified(sequence: number): void {
    this.#testified = sequence;
  }

  readonly #onTimer = (): void => {
    this.#cancelTimer = undefined;
    if (this.#failure !== undefined) return;
    if (this.#durable < this.#target.appended()) {
      this.#isOverdue = true;
      this.#run();
    } else if (this.#testified < this.#durable) {
      this.#guard(() => this.#target.testify());
    }
  };

  #run(): void {
    this.#running ??= this.#loop();
  }

  async #loop(): Promise<void> {
    try {
      do {
        // Two turns: those who were let go by the sync before, or came with the first, share this one.
        await this.#env.breathe();
        await this.#env.breathe();
        if (this.#failure !== undefined) return;
        await this.#syncOnce();
      } while (this.#next !== undefined || this.#isOverdue);
    } catch (error) {
      this.fail(error);
    } finally {
      this.#running = undefined;
    }
    if (this.#failure === undefined) this.noteAppended();
  }

  async #syncOnce(): Promise<void> {
    this.#target.flush();
    const to = this.#target.appended();
    this.#syncingTo = to;
    this.#current = this.#next;
    this.#next = undefined;
    this.#isOverdue = false;
    await this.#target.sync();
    if (this.#failure !== undefined) return;
    invariant(to >= this.#durable, 'the durable end does not go back');
    this.#durable = to;
    this.#syncingTo = 0;
    for (const callback of this.#callbacks) callback(to);
    const batch = this.#current;
    this.#current = undefined;
    batch?.resolve();
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fail(error);
    }
  }
}

function newBatch(): Batch {
  let resolve = (): void => {};
  let reject = (_error: unknown): void => {};
  const promise = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  // Some ask for a sync and do not wait for it.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
