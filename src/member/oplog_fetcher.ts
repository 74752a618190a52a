/**
 * Reads a sync source's oplog from our last entry on: one cursor whose batches the source pushes as its oplog grows,
 * without being asked for each. Every batch carries what the source knows of the commit point and the primary.
 * Source: mongo/src/mongo/db/repl/README.md, "Oplog Fetcher".
 */
import { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import { compareOpTimes, formatOpTime, type OpTime, type Term } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';
import { BsonWriter } from '../bson/writer.ts';
import { rawTimestamp, writeOpTime } from '../bson/optime.ts';
import type { FetchedEntry } from './applier.ts';
import { judgeFirstBatch } from './first_batch.ts';
import { readOplogBatch, type OplogBatch } from './oplog_batch.ts';
import { PeerConnection } from './peer_connection.ts';

/** Most documents the source may send at once; bytes limit it long before. Source: the fetcher of MongoDB. */
const BATCH_SIZE = 13_981_010;

/** How long the source may take for the first batch. Source: oplogInitialFindMaxSeconds. */
const FIND_TIMEOUT_MS = ms(60_000);

/** Added to the await time before a silent source is given up. Source: oplogNetworkTimeoutBufferSeconds. */
const NETWORK_SLACK_MS = ms(5000);

export interface FetchOptions {
  readonly env: Env;
  readonly source: string;
  readonly lastFetched: OpTime;
  readonly term: Term;
  /** The newest commit point we know, so that the source tells us at once when it knows a newer one. */
  readonly commitPoint: OpTime;
  /** How long the source may keep a getMore that has nothing to say. */
  readonly awaitTime: Ms;
  /** Undefined: not known, the first reply tells. */
  readonly rollbackIdAtChoice: number | undefined;
  readonly mustBeAhead: boolean;
  /** The entries after `lastFetched`, in order; may be empty. Returns whether to go on with this source. */
  readonly onBatch: (entries: readonly FetchedEntry[], batch: OplogBatch) => boolean;
  /** Resolves when more may be taken; undefined when it may at once. */
  readonly roomForMore: () => Promise<void> | undefined;
}

export type FetchEnd =
  /** `stop` was called, or `onBatch` wanted no more. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'invalidSource'; readonly reason: string }
  | { readonly kind: 'diverged'; readonly reason: string };

/** Thrown inside to leave with an end. */
class EndOfFetch extends Error {
  readonly end: FetchEnd;

  constructor(end: FetchEnd) {
    super(end.kind);
    this.end = end;
  }
}

/** Fetches from one source until it ends; one use. */
export class OplogFetcher {
  readonly #options: FetchOptions;
  #connection: PeerConnection | undefined;
  #isStopped = false;
  #lastFetched: OpTime;

  constructor(options: FetchOptions) {
    this.#options = options;
    this.#lastFetched = options.lastFetched;
  }

  /** Ends `run` soon; nothing is passed on afterwards. */
  stop(): void {
    this.#isStopped = true;
    this.#connection?.close();
  }

  /** Never rejects for what the source or the network does. */
  async run(): Promise<FetchEnd> {
    try {
      await this.#fetch();
      return { kind: 'stopped' };
    } catch (error) {
      if (this.#isStopped) return { kind: 'stopped' };
      if (error instanceof EndOfFetch) return error.end;
      if (error instanceof Error && error.name !== 'InvariantError') return { kind: 'failed', error };
      throw error;
    } finally {
      this.#connection?.close();
    }
  }

  async #fetch(): Promise<void> {
    const { env, source, awaitTime } = this.#options;
    const connection = await PeerConnection.connect(env, source, ms(10_000));
    this.#connection = connection;
    if (this.#isStopped) return;
    const first = readOplogBatch(await connection.request(this.#findCommand(), FIND_TIMEOUT_MS));
    this.#checkFirst(first);
    if (!this.#deliver(first, first.entries.slice(1))) return;
    if (first.cursorId === 0n) throw new CommandError('CursorNotFound', 'the source closed its oplog cursor');
    let cursorId = first.cursorId;
    while (cursorId !== 0n && !this.#isStopped) {
      cursorId = await this.#readStream(connection, cursorId, ms(awaitTime + NETWORK_SLACK_MS));
    }
  }

  /** One getMore, whose replies go on until the source ends them. Returns the cursor's id, 0 when it is to stop. */
  async #readStream(connection: PeerConnection, cursorId: bigint, silenceMax: Ms): Promise<bigint> {
    let lastId = cursorId;
    await connection.stream(this.#getMoreCommand(cursorId), silenceMax, (reply) => {
      if (this.#isStopped) return false;
      const batch = readOplogBatch(reply);
      lastId = batch.cursorId;
      this.#checkOrder(batch.entries);
      const goesOn = this.#deliver(batch, batch.entries);
      if (!goesOn) {
        lastId = 0n;
        return false;
      }
      return this.#options.roomForMore()?.then(() => true) ?? true;
    });
    return lastId;
  }

  #deliver(batch: OplogBatch, entries: readonly FetchedEntry[]): boolean {
    this.#lastFetched = entries.at(-1)?.optime ?? this.#lastFetched;
    return this.#options.onBatch(entries, batch);
  }

  #checkFirst(batch: OplogBatch): void {
    const { lastFetched, mustBeAhead, rollbackIdAtChoice } = this.#options;
    const data = batch.oplogQueryData;
    if (data === undefined) {
      throw new EndOfFetch({ kind: 'invalidSource', reason: 'the source sent no $oplogQueryData' });
    }
    const verdict = judgeFirstBatch({
      lastFetched,
      first: batch.entries[0]?.optime,
      last: batch.entries.at(-1)?.optime,
      sourceLastApplied: data.lastApplied,
      rollbackIdAtChoice: rollbackIdAtChoice ?? data.rollbackId,
      rollbackId: data.rollbackId,
      mustBeAhead,
    });
    if (verdict.kind !== 'continue') throw new EndOfFetch(verdict);
    this.#checkOrder(batch.entries.slice(1));
  }

  #checkOrder(entries: readonly FetchedEntry[]): void {
    let last = this.#lastFetched;
    for (const { optime } of entries) {
      if (optime.ts <= last.ts || compareOpTimes(optime, last) <= 0) {
        const text = `entry ${formatOpTime(optime)} after ${formatOpTime(last)}`;
        throw new CommandError('OplogOutOfOrder', `the source sent its oplog out of order: ${text}`);
      }
      last = optime;
    }
  }

  #findCommand(): Uint8Array {
    const { lastFetched, term } = this.#options;
    const writer = new BsonWriter();
    writer.startDocument().string('find', 'oplog.rs').startSubdocument('filter').startSubdocument('ts');
    writer.value('$gte', rawTimestamp(lastFetched.ts)).end().end();
    writer.int32('batchSize', BATCH_SIZE).bool('tailable', true).bool('awaitData', true);
    writer.int32('maxTimeMS', FIND_TIMEOUT_MS).int64('term', term);
    writer.startSubdocument('readConcern').string('level', 'local').end();
    writeMetadataRequest(writer);
    return writer.endDocument().finish();
  }

  #getMoreCommand(cursorId: bigint): Uint8Array {
    const { term, commitPoint, awaitTime } = this.#options;
    const writer = new BsonWriter();
    writer.startDocument().int64('getMore', cursorId).string('collection', 'oplog.rs').int32('batchSize', BATCH_SIZE);
    writer.int32('maxTimeMS', Math.floor(awaitTime)).int64('term', term);
    writeOpTime(writer, 'lastKnownCommittedOpTime', commitPoint);
    writeMetadataRequest(writer);
    return writer.endDocument().finish();
  }
}

function writeMetadataRequest(writer: BsonWriter): void {
  writer.int32('$replData', 1).int32('$oplogQueryData', 1);
  writer.startSubdocument('$readPreference').string('mode', 'secondaryPreferred').end().string('$db', 'local');
}
