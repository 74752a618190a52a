/**
 * What happens to entries that were fetched: they are written to the oplog at once (and to the disk with the next
 * sync, which is asked for right away), then applied in batches; each batch becomes visible to readers as a whole.
 *
 * Writing and applying are two steps of a pipeline: positions 'written' and 'durable' run ahead of 'applied'.
 */
import { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import { APPLY_BATCH_BYTES_MAX, APPLY_BATCH_OPERATIONS_MAX, APPLY_BUFFER_BYTES_MAX } from '../base/limits.ts';
import type { OpTime } from '../base/optime.ts';
import type { UnixMs } from '../base/units.ts';
import type { ApplyMode } from '../database/write/apply_entry.ts';
import type { MemberData } from '../database/member_data.ts';
import type { Position } from '../replication/progress.ts';

/** One fetched entry: whole document, owned by whoever holds it, never changed. */
export interface FetchedEntry {
  readonly bytes: Uint8Array;
  readonly optime: OpTime;
  readonly wall: UnixMs;
}

export interface ApplierOptions {
  readonly env: Env;
  readonly data: MemberData;
  /** A batch was applied; its end is what readers may see now. */
  readonly onApplied: (position: Position) => void;
  /** An entry could not be applied: the data cannot be trusted, the member must stop. */
  readonly onFatal: (error: unknown) => void;
}

export class Applier {
  readonly #options: ApplierOptions;
  /** Written and not applied yet, in order. */
  #pending: FetchedEntry[] = [];
  #pendingBytes = 0;
  #running: Promise<void> | undefined;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  /** Whether the fetcher should wait before it takes more. */
  get isFull(): boolean {
    return this.#pendingBytes > APPLY_BUFFER_BYTES_MAX;
  }

  /**
   * Writes entries to the oplog and queues them to be applied. Their order is the oplog's. Throws CommandError
   * OutOfDiskSpace when there is no room; those before are taken then.
   */
  push(entries: readonly FetchedEntry[]): void {
    if (entries.length === 0) return;
    const { oplog, clock } = this.#options.data;
    try {
      for (const entry of entries) {
        oplog.append(entry.bytes, entry.optime, entry.wall);
        this.#pendingBytes += entry.bytes.length;
        this.#pending.push(entry);
      }
    } finally {
      clock.advance(oplog.lastWritten.ts);
      // Whoever waits for this entry on the primary waits for this sync: nothing is gained by putting it off.
      ignore(oplog.durableAt(oplog.lastWritten));
      if (this.#pending.length > 0) this.#running ??= this.#run();
    }
  }

  /** Resolves when everything pushed so far is applied. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Resolves when there is room for more. */
  roomForMore(): Promise<void> {
    if (!this.isFull) return Promise.resolve();
    if (this.#room === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#room = { promise, resolve };
    }
    return this.#room.promise;
  }

  async #run(): Promise<void> {
    try {
      while (this.#pending.length > 0) await this.#applyOneBatch('steady');
    } catch (error) {
      this.#options.onFatal(error);
    } finally {
      this.#running = undefined;
    }
  }

  async #applyOneBatch(mode: ApplyMode): Promise<void> {
    const { data, onApplied } = this.#options;
    const batch = this.#takeBatch();
    const last = batch.at(-1);
    invariant(last !== undefined, 'a batch has entries');
    const pressure = data.store.backpressure();
    if (pressure !== undefined) await this.#awaitRoomOnDisk(pressure);
    await data.applyBatch(
      batch.map(({ bytes }) => bytes),
      mode,
    );
    for (const { bytes } of batch) this.#pendingBytes -= bytes.length;
    onApplied({ optime: last.optime, wall: last.wall });
    if (!this.isFull) {
      this.#room?.resolve();
      this.#room = undefined;
    }
  }

  /** A full disk stops applying, not the member: it goes on when there is room again. */
  async #awaitRoomOnDisk(pressure: Promise<void>): Promise<void> {
    let waiting: Promise<void> | undefined = pressure;
    while (waiting !== undefined) {
      try {
        await waiting;
        return;
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        await new Promise<void>((resolve) => this.#options.env.timers.after(DISK_RETRY_MS, resolve));
        waiting = this.#options.data.store.backpressure();
      }
    }
  }

  #takeBatch(): FetchedEntry[] {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#pending) {
      bytes += entry.bytes.length;
      if (count > 0 && (bytes > APPLY_BATCH_BYTES_MAX || count >= APPLY_BATCH_OPERATIONS_MAX)) break;
      count += 1;
    }
    if (count === this.#pending.length) {
      const all = this.#pending;
      this.#pending = [];
      return all;
    }
    return this.#pending.splice(0, count);
  }
}

/** How long to wait before looking again whether a full disk has room. */
const DISK_RETRY_MS = 1000 as Parameters<Env['timers']['after']>[0];

/** The failure of a sync reaches the member through the journal's own callback. */
function ignore(promise: Promise<void>): void {
  promise.catch(() => {});
}
