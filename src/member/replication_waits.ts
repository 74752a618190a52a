/** Requests that wait for replication: for a write concern, for a timestamp to be readable, for a change of topology. */
import { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import { errorNameOf } from '../base/error_codes.ts';
import { TIMESTAMP_NULL, type OpTime, type Term, type Timestamp } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';
import type { WriteConcernOutcome } from '../commands/replication/replication_service.ts';
import type { WriteConcern } from '../commands/concern/write_concern.ts';
import type { ReplSetConfig } from '../replication/config.ts';
import type { ReplicationCore } from '../replication/core.ts';
import { MEMBER_STATE } from '../replication/member_state.ts';
import { OpTimeWaiters } from './waiters.ts';

const SATISFIED: WriteConcernOutcome = { kind: 'satisfied' };
const NO_TERM = 0 as Term;

interface DemandQueue {
  readonly demand: WriteConcern;
  readonly waiters: OpTimeWaiters;
}

interface TopologyWaiter {
  readonly counter: number;
  readonly wake: () => void;
}

export interface WaitsOptions {
  readonly env: Env;
  readonly core: ReplicationCore;
  /** Asks for the journal to be synced up to there, now. */
  readonly wantDurable: (optime: OpTime) => void;
  readonly appliedTimestamp: () => Timestamp;
  readonly committedTimestamp: () => Timestamp;
}

export class ReplicationWaits {
  readonly #env: Env;
  readonly #core: ReplicationCore;
  readonly #options: WaitsOptions;
  /** One queue per kind of write concern, since each is ordered in itself. */
  readonly #demands = new Map<string, DemandQueue>();
  readonly #applied: OpTimeWaiters;
  readonly #committed: OpTimeWaiters;
  readonly #topology = new Set<TopologyWaiter>();
  #config: ReplSetConfig | undefined;

  constructor(options: WaitsOptions) {
    this.#env = options.env;
    this.#core = options.core;
    this.#options = options;
    this.#applied = new OpTimeWaiters(options.env);
    this.#committed = new OpTimeWaiters(options.env);
  }

  /** Undefined when only waiting can tell. */
  checkWriteConcern(optime: OpTime, writeConcern: WriteConcern): WriteConcernOutcome | undefined {
    const { w, j } = writeConcern;
    if ((w === 0 || w === 1) && j !== true) return SATISFIED;
    const error = this.#core.writeConcernError(writeConcern);
    if (error !== undefined) return failed(error);
    if (this.#core.isWriteConcernSatisfied(optime, writeConcern)) return SATISFIED;
    return undefined;
  }

  async awaitWriteConcern(optime: OpTime, writeConcern: WriteConcern, deadline: Ms): Promise<WriteConcernOutcome> {
    const { wtimeoutMs } = writeConcern;
    const giveUpAt = wtimeoutMs > 0 ? ms(this.#env.clock.monotonic() + wtimeoutMs) : ms(Infinity);
    if (writeConcern.w === 'majority' || writeConcern.j === true) this.#options.wantDurable(optime);
    while (true) {
      const outcome = this.checkWriteConcern(optime, writeConcern);
      if (outcome !== undefined) return outcome;
      if (this.#core.memberState !== MEMBER_STATE.PRIMARY) throw steppedDownError();
      const end = await this.#queueOf(writeConcern).wait(optime, ms(Math.min(giveUpAt, deadline)));
      if (end.kind === 'failed') throw end.error;
      if (end.kind === 'timeout') {
        const last = this.checkWriteConcern(optime, writeConcern);
        if (last !== undefined) return last;
        if (giveUpAt > deadline) throw new CommandError('MaxTimeMSExpired', 'operation exceeded time limit');
        return failed(new CommandError('WriteConcernFailed', 'waiting for replication timed out'), true);
      }
    }
  }

  async awaitApplied(at: Timestamp, deadline: Ms): Promise<void> {
    await this.#awaitTimestamp(this.#applied, () => this.#options.appliedTimestamp(), { at, deadline });
  }

  async awaitMajority(at: Timestamp, deadline: Ms): Promise<void> {
    // Without any majority snapshot even the null timestamp has to wait for the first one.
    const least = Math.max(at, TIMESTAMP_NULL + 1) as Timestamp;
    await this.#awaitTimestamp(this.#committed, () => this.#options.committedTimestamp(), { at: least, deadline });
  }

  awaitTopologyChange(counter: number, deadline: Ms): Promise<void> {
    if (this.#core.topologyCounter !== counter) return Promise.resolve();
    return new Promise((resolve) => {
      let cancelTimer = () => {};
      const waiter: TopologyWaiter = {
        counter,
        wake: () => {
          cancelTimer();
          this.#topology.delete(waiter);
          resolve();
        },
      };
      this.#topology.add(waiter);
      if (deadline === Infinity) return;
      cancelTimer = this.#env.timers.after(ms(Math.max(0, deadline - this.#env.clock.monotonic())), waiter.wake);
    });
  }

  /** Some position or the commit point moved, or the config changed. */
  progressed(): void {
    const config = this.#core.config;
    const configChanged = config !== this.#config;
    this.#config = config;
    for (const { demand, waiters } of this.#demands.values()) {
      if (waiters.isEmpty) continue;
      // Under another config what was possible may not be any more: everyone looks again.
      if (configChanged) waiters.wakeAll();
      else waiters.release((optime) => this.#core.isWriteConcernSatisfied(optime, demand));
    }
  }

  /** What local reads see moved. */
  appliedMoved(): void {
    if (this.#applied.isEmpty) return;
    const at = this.#options.appliedTimestamp();
    this.#applied.release((optime) => optime.ts <= at);
  }

  /** What majority reads see moved. */
  committedMoved(): void {
    if (this.#committed.isEmpty) return;
    const at = this.#options.committedTimestamp();
    this.#committed.release((optime) => optime.ts <= at);
  }

  topologyMoved(): void {
    const counter = this.#core.topologyCounter;
    for (const waiter of this.#topology) if (waiter.counter !== counter) waiter.wake();
  }

  /** No longer primary: nobody may be told that a write concern holds. */
  steppedDown(): void {
    for (const { waiters } of this.#demands.values()) waiters.fail(steppedDownError());
  }

  /** The member ends. */
  shutDown(): void {
    const error = new CommandError('InterruptedAtShutdown', 'interrupted at shutdown');
    for (const { waiters } of this.#demands.values()) waiters.fail(error);
    this.#applied.fail(error);
    this.#committed.fail(error);
    for (const waiter of this.#topology) waiter.wake();
  }

  #queueOf(demand: WriteConcern): OpTimeWaiters {
    const key = `${typeof demand.w} ${demand.w} ${demand.j}`;
    let queue = this.#demands.get(key);
    if (queue === undefined) {
      queue = { demand, waiters: new OpTimeWaiters(this.#env) };
      this.#demands.set(key, queue);
    }
    return queue.waiters;
  }

  async #awaitTimestamp(
    waiters: OpTimeWaiters,
    current: () => Timestamp,
    { at, deadline }: { readonly at: Timestamp; readonly deadline: Ms },
  ): Promise<void> {
    while (current() < at) {
      const end = await waiters.wait({ ts: at, t: NO_TERM }, deadline);
      if (end.kind === 'failed') throw end.error;
      if (end.kind === 'timeout' && current() < at) {
        throw new CommandError(
          'MaxTimeMSExpired',
          'operation exceeded time limit while waiting for a timestamp to be readable',
        );
      }
    }
  }
}

function steppedDownError(): CommandError {
  return new CommandError('PrimarySteppedDown', 'Primary stepped down while waiting for replication');
}

function failed(error: CommandError, isTimeout = false): WriteConcernOutcome {
  return { kind: 'failed', code: error.code, codeName: errorNameOf(error.code), errmsg: error.message, isTimeout };
}
