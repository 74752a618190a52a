/**
 * Runs the replication core: gives it inputs with the time, keeps the one timer it wants, and has its effects carried
 * out strictly in order, each only when those before it are done. Effects of a later input queue behind earlier ones.
 */
import type { CommandError } from '../base/command_error.ts';
import type { CancelTimer, Env } from '../base/env.ts';
import { ms, type Ms } from '../base/units.ts';
import type { ReplicationCore } from '../replication/core.ts';
import type { Effect, Reply } from '../replication/effect.ts';
import type { Input, InputBody, ReplyTo } from '../replication/input.ts';

/** A reply that is not an error. */
export type GoodReply = Exclude<Reply, { kind: 'error' }>;

export interface DriverOptions {
  readonly env: Env;
  readonly core: ReplicationCore;
  /** Carries out one effect; a promise when it is done later. Replies are not passed on. */
  readonly perform: (effect: Effect) => Promise<void> | void;
  /** The core or an effect failed: the member must stop. */
  readonly onFatal: (error: unknown) => void;
}

/** The timer fires at least this often, so that a loop that stood still is noticed. */
const PULSE_MS = ms(500);

/** How much later than the pulse an event may come before the loop counts as stalled. */
const STALL_SLACK_MS = ms(250);

interface PendingReply {
  readonly resolve: (reply: GoodReply) => void;
  readonly reject: (error: CommandError) => void;
}

export class ReplicationDriver {
  readonly #env: Env;
  readonly #core: ReplicationCore;
  readonly #perform: DriverOptions['perform'];
  readonly #onFatal: (error: unknown) => void;
  readonly #pending = new Map<ReplyTo, PendingReply>();
  #effects: Effect[] = [];
  #head = 0;
  #isPerforming = false;
  #lastReplyTo = 0;
  #cancelTimer: CancelTimer | undefined;
  #timerAt = Infinity;
  /** The last moment the loop was seen running. */
  #aliveAt: Ms;
  #isStopped = false;

  constructor(options: DriverOptions) {
    this.#env = options.env;
    this.#core = options.core;
    this.#perform = options.perform;
    this.#onFatal = options.onFatal;
    this.#aliveAt = options.env.clock.monotonic();
  }

  submit(body: InputBody): void {
    if (this.#isStopped) return;
    const now = this.#env.clock.monotonic();
    const stalled = now - this.#aliveAt - PULSE_MS;
    this.#aliveAt = now;
    if (stalled > STALL_SLACK_MS && this.#timerAt !== Infinity)
      this.#step({ kind: 'stalled', duration: ms(stalled) }, now);
    this.#step(body, now);
    this.#performAll();
    this.#setTimer();
  }

  /** Submits an input that is answered. Rejects with the CommandError of an error reply. */
  request(build: (replyTo: ReplyTo) => InputBody): Promise<GoodReply> {
    this.#lastReplyTo += 1;
    const replyTo = this.#lastReplyTo;
    return new Promise((resolve, reject) => {
      this.#pending.set(replyTo, { resolve, reject });
      try {
        this.submit(build(replyTo));
      } catch (error) {
        this.#pending.delete(replyTo);
        throw error;
      }
    });
  }

  /** No input is taken any more and no effect carried out; the timer is off. */
  stop(): void {
    this.#isStopped = true;
    this.#effects = [];
    this.#head = 0;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #step(body: InputBody, now: Ms): void {
    const input: Input = { ...body, now, wall: this.#env.clock.wall() };
    for (const effect of this.#core.step(input)) this.#effects.push(effect);
  }

  /** Carries out what is queued until one effect takes time; goes on when that one is done. */
  #performAll(): void {
    if (this.#isPerforming) return;
    this.#isPerforming = true;
    while (this.#head < this.#effects.length) {
      const effect = this.#effects[this.#head] as Effect;
      this.#head += 1;
      const done = this.#performOne(effect);
      if (done !== undefined) {
        done.then(
          () => {
            this.#isPerforming = false;
            this.#performAll();
          },
          (error: unknown) => this.#onFatal(error),
        );
        return;
      }
    }
    this.#effects = [];
    this.#head = 0;
    this.#isPerforming = false;
  }

  #performOne(effect: Effect): Promise<void> | undefined {
    if (effect.kind !== 'reply') return this.#perform(effect) ?? undefined;
    const pending = this.#pending.get(effect.replyTo);
    this.#pending.delete(effect.replyTo);
    if (effect.reply.kind === 'error') pending?.reject(effect.reply.error);
    else pending?.resolve(effect.reply);
    return undefined;
  }

  #setTimer(): void {
    const now = this.#env.clock.monotonic();
    const at = Math.min(this.#core.deadline, now + PULSE_MS);
    // A timer that fires a little early finds nothing to do and is set again; moving it for every input would cost more.
    if (this.#cancelTimer !== undefined && this.#timerAt <= at) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer = this.#env.timers.after(ms(Math.max(0, at - now)), () => {
      this.#cancelTimer = undefined;
      try {
        this.submit({ kind: 'tick' });
      } catch (error) {
        this.#onFatal(error);
      }
    });
  }
}
