/**
 * Keeps this member's oplog going: chooses a source, fetches from it until there is a reason to leave it, and decides
 * what the reason means: another source, a rollback, or that no source has any more what we would need.
 */
import type { CancelTimer, Env } from '../base/env.ts';
import { CommandError, isCommandError } from '../base/command_error.ts';
import { NetworkError } from '../base/env.ts';
import { isRetriableError } from '../base/error_codes.ts';
import type { Log } from '../base/log.ts';
import { compareOpTimes, formatOpTime, type OpTime } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';
import type { MemberData } from '../database/member_data.ts';
import type { SyncMode } from '../replication/effect.ts';
import type { Applier } from './applier.ts';
import type { OplogBatch } from './oplog_batch.ts';
import { OplogFetcher, type FetchEnd } from './oplog_fetcher.ts';
import type { Peers } from './peers.ts';
import type { ReplicationHandle } from './replication_handle.ts';
import { oldestEntryOf } from './source_queries.ts';

/** How long until a member without a source looks again. Source: MongoDB's background sync. */
const NO_SOURCE_RETRY_MS = ms(1000);

/** How long a source is left alone: after an error, after it was behind, after it had dropped what we need. */
const DENY_AFTER_ERROR_MS = ms(10_000);
const DENY_AFTER_PASSING_MS = ms(100);
const DENY_WHEN_BEHIND_MS = ms(1000);
const DENY_WHEN_TOO_STALE_MS = ms(60_000);

export interface SteadySyncOptions {
  readonly env: Env;
  readonly log: Log;
  readonly data: MemberData;
  readonly applier: Applier;
  readonly peers: Peers;
  readonly replication: ReplicationHandle;
  /** Brings this member's data back to where it agrees with the source. Resolves when that is done or given up. */
  readonly rollBack: (source: string) => Promise<void>;
  readonly onFatal: (error: unknown) => void;
}

export class SteadySync {
  readonly #options: SteadySyncOptions;
  /** Changes with every start and stop; a loop of another generation has ended. */
  #generation = 0;
  #running: Promise<void> | undefined;
  #fetcher: OplogFetcher | undefined;
  #wake: (() => void) | undefined;
  #isTooStale = false;
  /** Members whose oplogs begin after our last entry. */
  readonly #outran = new Set<string>();
  /** Of the source that was left last. */
  #deniedUntil = ms(0);

  constructor(options: SteadySyncOptions) {
    this.#options = options;
  }

  /** Starts fetching, after an earlier loop has ended. */
  start(mode: SyncMode): void {
    this.stop();
    const generation = this.#generation;
    const earlier = this.#running;
    this.#running = (async () => {
      await earlier;
      await this.#run(mode, generation);
    })().catch((error: unknown) => this.#options.onFatal(error));
  }

  /** Nothing more is fetched after this returns; what was fetched stays with the applier. */
  stop(): void {
    this.#generation += 1;
    this.#fetcher?.stop();
    this.#fetcher = undefined;
    this.#wake?.();
  }

  /** Resolves when a stopped loop has ended. */
  async ended(): Promise<void> {
    await this.#running;
  }

  /** Another source may be possible now: ends the wait for one. */
  sourcesChanged(): void {
    this.#wake?.();
  }

  get #lastFetched(): OpTime {
    return this.#options.data.oplog.lastWritten;
  }

  async #run(mode: SyncMode, generation: number): Promise<void> {
    const { env, replication } = this.#options;
    const { core } = replication;
    while (generation === this.#generation) {
      const source = core.chooseSyncSource(env.clock.monotonic(), this.#lastFetched);
      if (source === undefined) {
        await this.#pause(this.#timeToNextLook());
        continue;
      }
      this.#note(21_799, 'Sync source candidate chosen', { syncSource: source });
      replication.submit({ kind: 'syncSourceChanged', source });
      const end = await this.#fetchFrom(source, generation);
      if (generation !== this.#generation) return;
      replication.submit({ kind: 'syncSourceChanged', source: undefined });
      await this.#leave({ source, end, mode, generation });
    }
  }

  async #fetchFrom(source: string, generation: number): Promise<FetchEnd> {
    const { env, replication, applier } = this.#options;
    const { core } = replication;
    const fetcher = new OplogFetcher({
      env,
      source,
      lastFetched: this.#lastFetched,
      term: core.term,
      commitPoint: core.commitPoint.optime,
      awaitTime: awaitTimeOf(core.config?.settings.electionTimeoutMs),
      rollbackIdAtChoice: undefined,
      // A primary syncs from nobody, so following one that has nothing new yet cannot make a circle.
      mustBeAhead: source !== core.primary,
      onBatch: (entries, batch) => {
        if (generation !== this.#generation) return false;
        applier.push(entries);
        return this.#hear(source, batch);
      },
      roomForMore: () => (applier.isFull ? applier.roomForMore() : undefined),
    });
    this.#fetcher = fetcher;
    return await fetcher.run();
  }

  /** Passes a batch's metadata on; returns whether to stay with the source. */
  #hear(source: string, batch: OplogBatch): boolean {
    const { env, replication } = this.#options;
    const { replData, oplogQueryData } = batch;
    this.#setTooStale(false);
    replication.submit({ kind: 'syncSourceMetadata', from: source, replData, oplogQueryData });
    const now = env.clock.monotonic();
    return !replication.core.shouldChangeSyncSource(now, source, oplogQueryData, this.#lastFetched);
  }

  async #leave(left: {
    readonly source: string;
    readonly end: FetchEnd;
    readonly mode: SyncMode;
    readonly generation: number;
  }): Promise<void> {
    const { source, end, mode, generation } = left;
    switch (end.kind) {
      case 'stopped':
        return;
      case 'failed':
        this.#note(21_122, 'Oplog fetcher stopped querying remote oplog with error', {
          syncSource: source,
          error: end.error.message,
        });
        if (end.error instanceof NetworkError && end.error.kind === 'closed') this.#options.peers.probe(source);
        this.#deny(source, isPassing(end.error) ? DENY_AFTER_PASSING_MS : DENY_AFTER_ERROR_MS);
        return;
      case 'invalidSource':
        this.#note(21_122, 'Oplog fetcher stopped querying remote oplog with error', {
          syncSource: source,
          error: end.reason,
        });
        this.#deny(source, DENY_WHEN_BEHIND_MS);
        return;
      case 'diverged':
        await this.#handleDivergence({ source, reason: end.reason, mode, generation });
    }
  }

  /** Our last entry is not at the source: it dropped it long ago, or the two histories parted. */
  async #handleDivergence(found: {
    readonly source: string;
    readonly reason: string;
    readonly mode: SyncMode;
    readonly generation: number;
  }): Promise<void> {
    const { source, reason, mode, generation } = found;
    const oldest = await this.#oldestOf(source);
    if (generation !== this.#generation) return;
    if (oldest === undefined) return this.#deny(source, DENY_AFTER_ERROR_MS);
    if (compareOpTimes(oldest, this.#lastFetched) > 0) {
      this.#note(21_090, 'Too stale to catch up', { syncSource: source, oldestEntry: formatOpTime(oldest) });
      this.#deny(source, DENY_WHEN_TOO_STALE_MS);
      this.#outran.add(source);
      if (this.#isOutrunByAll()) this.#setTooStale(true);
      return;
    }
    if (mode === 'catchUp') {
      this.#note(21_120, 'The source has another history; catch-up ends', { syncSource: source, reason });
      this.#options.replication.submit({ kind: 'catchUpFailed' });
      return;
    }
    this.#note(21_098, 'Starting rollback due to fetcher error', { syncSource: source, error: reason });
    await this.#options.rollBack(source);
  }

  async #oldestOf(source: string): Promise<OpTime | undefined> {
    try {
      return await oldestEntryOf(this.#options.peers, source);
    } catch (error) {
      this.#note(21_122, 'The oldest entry of the source could not be read', {
        syncSource: source,
        error: String(error),
      });
      return undefined;
    }
  }

  /** A member that has just copied its data has a short oplog: only when the primary has dropped it too is an entry gone. */
  #isOutrunByAll(): boolean {
    const { env, replication } = this.#options;
    const { core } = replication;
    if (core.primary === undefined || !this.#outran.has(core.primary)) return false;
    return core.chooseSyncSource(env.clock.monotonic(), this.#lastFetched) === undefined;
  }

  #setTooStale(tooStale: boolean): void {
    if (!tooStale) this.#outran.clear();
    if (this.#isTooStale === tooStale) return;
    this.#isTooStale = tooStale;
    this.#options.replication.submit({ kind: 'tooStale', tooStale });
  }

  /** A source that is left alone for less than the usual wait is looked at as soon as that is over. */
  #timeToNextLook(): Ms {
    const rest = this.#deniedUntil - this.#options.env.clock.monotonic();
    return rest > 0 && rest < NO_SOURCE_RETRY_MS ? ms(rest) : NO_SOURCE_RETRY_MS;
  }

  #deny(target: string, duration: Ms): void {
    const until = ms(this.#options.env.clock.monotonic() + duration);
    this.#deniedUntil = until;
    this.#options.replication.submit({ kind: 'syncSourceDenied', target, until });
  }

  /** Waits, at most that long; `stop` and `sourcesChanged` end it. */
  #pause(duration: Ms): Promise<void> {
    return new Promise((resolve) => {
      let cancel: CancelTimer = () => {};
      const wake = (): void => {
        cancel();
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
      cancel = this.#options.env.timers.after(duration, wake);
    });
  }

  #note(id: number, message: string, attributes: Readonly<Record<string, unknown>>): void {
    const context = 'BackgroundSync';
    this.#options.log.write({ severity: 'I', component: 'REPL', id, context, message, attributes });
  }
}

/** Source: half the election timeout, at most 30 s. */
function awaitTimeOf(electionTimeout: Ms | undefined): Ms {
  return ms(Math.min((electionTimeout ?? 10_000) / 2, 30_000));
}

/**
 * A newer term at the source is no fault of it, and a process that died is known to be down until it is back: then it may
 * be the new primary, whom to leave alone would hold up the whole set.
 */
function isPassing(error: Error): boolean {
  if (error instanceof NetworkError) return error.kind === 'closed' || error.kind === 'refused';
  return isCommandError(error, 'StaleTerm') || (error instanceof CommandError && isRetriableError(error.code));
}
