/**
 * Initial sync: a member without data copies all of another member's, while the set goes on writing.
 *
 * 1. Mark the data as incomplete (on disk), drop what there is, empty the oplog.
 * 2. Note the source's newest entry ("begin") and fetch its oplog from there on into our own, for as long as it takes.
 * 3. Copy every collection. A copied document may be newer than "begin"; applying the oplog again puts that right.
 * 4. Note the source's newest entry ("stop"), wait until our oplog has it, apply everything after "begin".
 * 5. Check that the source did not roll back meanwhile; make it all durable; take the mark away.
 *
 * A crash on the way starts over. A failed attempt does too, with another source where there is one.
 * Source: mongo/src/mongo/db/repl/README.md, "Initial Sync".
 */
import type { Env } from '../base/env.ts';
import { CommandError } from '../base/command_error.ts';
import { InvariantError } from '../base/invariant.ts';
import { APPLY_BATCH_BYTES_MAX, APPLY_BATCH_OPERATIONS_MAX } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { formatOpTime, OPTIME_NULL, type OpTime, type Timestamp } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';
import type { MemberData } from '../database/member_data.ts';
import { cloneAllCollections } from './clone.ts';
import type { LocalState } from './local_state.ts';
import { entryOf } from './oplog_batch.ts';
import { OplogFetcher, type FetchEnd } from './oplog_fetcher.ts';
import type { Peers } from './peers.ts';
import type { ReplicationHandle } from './replication_handle.ts';
import { newestEntryDocumentOf, newestEntryOf, rollbackIdOf } from './source_queries.ts';

/** Source: numInitialSyncAttempts. */
const ATTEMPTS_MAX = 10;

/** Source: initialSyncRetryWait. */
const RETRY_WAIT_MS = ms(1000);

const NO_SOURCE_RETRY_MS = ms(1000);
const AWAIT_TIME_MS = ms(5000);

export interface InitialSyncOptions {
  readonly env: Env;
  readonly log: Log;
  readonly data: MemberData;
  readonly localState: LocalState;
  readonly peers: Peers;
  readonly replication: ReplicationHandle;
  /** The copy is complete up to there: it is what readers see and what is reported from now on. */
  readonly onFinished: (last: OpTime) => void;
}

/** One initial sync with its attempts. */
export class InitialSync {
  readonly #options: InitialSyncOptions;
  #isStopped = false;
  #fetcher: OplogFetcher | undefined;
  #wake: (() => void) | undefined;

  constructor(options: InitialSyncOptions) {
    this.#options = options;
  }

  /** Ends the attempt under way soon; `run` resolves then. */
  stop(): void {
    this.#isStopped = true;
    this.#fetcher?.stop();
    this.#wake?.();
  }

  /** A source may be there now. */
  sourcesChanged(): void {
    this.#wake?.();
  }

  /** Resolves when the data is complete or `stop` was called. Rejects when it failed too often. */
  async run(): Promise<void> {
    let lastError: unknown;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      this.#note(21_164, 'Starting initial sync attempt', {
        initialSyncAttempt: attempt,
        initialSyncMaxAttempts: ATTEMPTS_MAX,
      });
      try {
        await this.#attempt();
        return;
      } catch (error) {
        if (error instanceof InvariantError) throw error;
        if (this.#isStopped) return;
        lastError = error;
        this.#note(21_200, 'Initial sync attempt failed', {
          error: error instanceof Error ? error.message : String(error),
        });
        await this.#pause(RETRY_WAIT_MS);
      } finally {
        this.#fetcher?.stop();
      }
    }
    throw new Error(`the initial sync failed ${ATTEMPTS_MAX} times`, { cause: lastError });
  }

  async #attempt(): Promise<void> {
    const { data, peers, env } = this.#options;
    const source = await this.#chooseSource();
    if (source === undefined) return;
    this.#note(21_799, 'Sync source candidate chosen', { syncSource: source });
    await this.#clear();
    const rollbackId = await rollbackIdOf(peers, source);
    const begin = await this.#seedOplog(source);
    this.#options.replication.submit({ kind: 'syncSourceChanged', source });
    const fetching = this.#startFetching({ source, begin, rollbackId });
    const failed = fetching.then((end) => {
      throw fetchError(end);
    });
    await Promise.race([failed, cloneAllCollections({ env, data, peers, source, isStopped: () => this.#isStopped })]);
    const stop = await newestEntryOf(peers, source);
    if (stop === undefined) throw new CommandError('InitialSyncFailure', 'the source has an empty oplog');
    this.#note(21_183, 'Finished cloning data. Beginning oplog replay', { stop: formatOpTime(stop) });
    await Promise.race([failed, this.#fetched(stop)]);
    const last = await this.#applyFrom(begin);
    if ((await rollbackIdOf(peers, source)) !== rollbackId) {
      throw new CommandError('UnrecoverableRollbackError', 'the source rolled back during the initial sync');
    }
    this.#fetcher?.stop();
    // What came in during the check is in our oplog and must be in the data too: fetching goes on after it.
    await this.#finish(await this.#applyFrom(last));
    failed.catch(() => {});
  }

  async #chooseSource(): Promise<string | undefined> {
    const { env, replication } = this.#options;
    while (!this.#isStopped) {
      const source = replication.core.chooseSyncSource(env.clock.monotonic(), OPTIME_NULL);
      if (source !== undefined) return source;
      await this.#pause(NO_SOURCE_RETRY_MS);
    }
    return undefined;
  }

  async #clear(): Promise<void> {
    const { data, localState } = this.#options;
    await localState.update({ initialSyncRunning: true, initialSyncId: undefined });
    await data.clearAll();
    await data.oplog.truncateAfter(OPTIME_NULL);
  }

  /** Our oplog begins with the source's newest entry, which everything copied from now on contains. */
  async #seedOplog(source: string): Promise<OpTime> {
    const { data, peers } = this.#options;
    const bytes = await newestEntryDocumentOf(peers, source);
    if (bytes === undefined) throw new CommandError('InitialSyncFailure', 'the source has an empty oplog');
    const { optime, wall } = entryOf(bytes);
    data.oplog.append(bytes, optime, wall);
    data.clock.advance(optime.ts);
    return optime;
  }

  #startFetching(from: {
    readonly source: string;
    readonly begin: OpTime;
    readonly rollbackId: number;
  }): Promise<FetchEnd> {
    const { env, data, replication } = this.#options;
    this.#fetcher = new OplogFetcher({
      env,
      source: from.source,
      lastFetched: from.begin,
      term: replication.core.term,
      commitPoint: replication.core.commitPoint.optime,
      awaitTime: AWAIT_TIME_MS,
      rollbackIdAtChoice: from.rollbackId,
      mustBeAhead: false,
      onBatch: (entries, { replData, oplogQueryData }) => {
        for (const { bytes, optime, wall } of entries) data.oplog.append(bytes, optime, wall);
        const last = entries.at(-1);
        if (last !== undefined) data.clock.advance(last.optime.ts);
        replication.submit({ kind: 'syncSourceMetadata', from: from.source, replData, oplogQueryData });
        this.#wake?.();
        return !this.#isStopped;
      },
      roomForMore: () => undefined,
    });
    return this.#fetcher.run();
  }

  async #fetched(stop: OpTime): Promise<void> {
    while (this.#options.data.oplog.lastWritten.ts < stop.ts && !this.#isStopped) await this.#pause(AWAIT_TIME_MS);
  }

  /** Applies all that is in our oplog after `begin`; returns where that ends. */
  async #applyFrom(begin: OpTime): Promise<OpTime> {
    const { data } = this.#options;
    let last = begin;
    let after: Timestamp = begin.ts;
    const reader = data.oplog.reader({ after });
    while (!this.#isStopped) {
      const batch = readBatch(reader);
      const newest = batch.at(-1);
      if (newest === undefined) break;
      const pressure = data.store.backpressure();
      if (pressure !== undefined) await pressure;
      await data.applyBatch(batch, 'initialSync');
      last = entryOf(newest).optime;
      after = last.ts;
    }
    if (this.#isStopped) throw new CommandError('InterruptedAtShutdown', 'the initial sync was stopped');
    return last;
  }

  async #finish(last: OpTime): Promise<void> {
    const { data, env, localState, replication, log } = this.#options;
    await data.oplog.durableAt(data.oplog.lastWritten);
    await data.store.checkpoint();
    await localState.update({ initialSyncRunning: false, initialSyncId: newUuid(env), initialDataOpTime: last });
    this.#isStopped = true;
    log.write({
      severity: 'I',
      component: 'INITSYNC',
      id: 21_163,
      context: 'InitialSync',
      message: 'Initial sync done',
      attributes: { last: formatOpTime(last) },
    });
    replication.submit({ kind: 'syncSourceChanged', source: undefined });
    this.#options.onFinished(last);
  }

  /** Waits, at most that long; new entries, new sources and `stop` end it. */
  #pause(duration: Ms): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.env.timers.after(duration, () => this.#wake?.());
      this.#wake = () => {
        cancel();
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #note(id: number, message: string, attributes: Readonly<Record<string, unknown>>): void {
    this.#options.log.write({ severity: 'I', component: 'INITSYNC', id, context: 'InitialSync', message, attributes });
  }
}

/** A random UUID (version 4), 16 bytes. */
export function newUuid(env: Env): Uint8Array {
  const uuid = env.random.bytes(16);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}

function readBatch(reader: { next(): Uint8Array | undefined }): Uint8Array[] {
  const batch: Uint8Array[] = [];
  let bytes = 0;
  while (batch.length < APPLY_BATCH_OPERATIONS_MAX && bytes < APPLY_BATCH_BYTES_MAX) {
    const entry = reader.next();
    if (entry === undefined) break;
    batch.push(entry);
    bytes += entry.length;
  }
  return batch;
}

function fetchError(end: FetchEnd): Error {
  switch (end.kind) {
    case 'failed':
      return end.error;
    case 'stopped':
      return new CommandError('InitialSyncFailure', 'fetching the oplog was stopped');
    default:
      return new CommandError('InitialSyncFailure', end.reason);
  }
}
