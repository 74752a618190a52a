/**
 * Tells the sync source how far this member, and those that sync from it, have come. What has become durable is told at
 * once, because a majority waits for it; what was only applied waits a moment for the sync that is under way, so that
 * most batches are told of once. What moves while two reports are under way goes into the next one.
 */
import type { CancelTimer, Timers } from '../base/env.ts';
import type { Log } from '../base/log.ts';
import { compareOpTimes } from '../base/optime.ts';
import { ms } from '../base/units.ts';
import type { ReplicationCore } from '../replication/core.ts';
import type { UpdatePosition } from '../replication/messages.ts';
import { encodeUpdatePosition } from '../replication/position_documents.ts';
import type { Peers } from './peers.ts';

/** Two, so that 'durable' need not wait for the answer to 'applied'. */
const IN_FLIGHT_MAX = 2;

/** How long 'applied' waits for 'durable'. */
const HOLD_BACK_MS = ms(1);

/** Source: the heartbeat's default timeout. */
const TIMEOUT_MS = ms(10_000);

export class PositionReporter {
  readonly #core: ReplicationCore;
  readonly #peers: Peers;
  readonly #log: Log;
  readonly #timers: Timers;
  #inFlight = 0;
  #isDirty = false;
  /** What was told last. */
  #told: UpdatePosition | undefined;
  #cancelHold: CancelTimer | undefined;

  constructor(options: {
    readonly core: ReplicationCore;
    readonly peers: Peers;
    readonly log: Log;
    readonly timers: Timers;
  }) {
    this.#core = options.core;
    this.#peers = options.peers;
    this.#log = options.log;
    this.#timers = options.timers;
  }

  /** Reports: now, in a moment, or as soon as an earlier report is answered. */
  report(): void {
    const update = this.#core.updatePosition();
    if (update === undefined) return;
    if (isOnlyApplied(update, this.#told)) this.#cancelHold ??= this.#timers.after(HOLD_BACK_MS, () => this.#tell());
    else this.#tell(update);
  }

  /** Ends what is held back. */
  stop(): void {
    this.#cancelHold?.();
    this.#cancelHold = undefined;
  }

  #tell(update = this.#core.updatePosition()): void {
    this.stop();
    if (this.#inFlight >= IN_FLIGHT_MAX) {
      this.#isDirty = true;
      return;
    }
    const source = this.#core.syncSource;
    if (source === undefined || update === undefined) return;
    this.#told = update;
    this.#inFlight += 1;
    void this.#send(source, encodeUpdatePosition(update));
  }

  async #send(source: string, body: Uint8Array): Promise<void> {
    try {
      await this.#peers.run(source, { purpose: 'position', body, timeout: TIMEOUT_MS });
    } catch (error) {
      // The next report, at the latest the keep-alive, says it again; a dead source is noticed by the fetcher.
      this.#log.write({
        severity: 'I',
        component: 'REPL',
        id: 21_760,
        context: 'SyncSourceFeedback',
        message: 'SyncSourceFeedback error sending update',
        attributes: { syncTarget: source, error: error instanceof Error ? error.message : String(error) },
      });
    } finally {
      this.#inFlight -= 1;
      if (this.#isDirty) {
        this.#isDirty = false;
        this.#tell();
      }
    }
  }
}

/** Whether what is new beside `told` is less than durable, while there is something to become durable. */
function isOnlyApplied(update: UpdatePosition, told: UpdatePosition | undefined): boolean {
  if (told === undefined || told.positions.length !== update.positions.length) return false;
  let isSyncing = false;
  for (const [i, { memberId, progress }] of update.positions.entries()) {
    const before = told.positions[i];
    if (before.memberId !== memberId) return false;
    if (compareOpTimes(progress.durable.optime, before.progress.durable.optime) !== 0) return false;
    if (compareOpTimes(progress.durable.optime, progress.written.optime) < 0) isSyncing = true;
  }
  return isSyncing;
}
