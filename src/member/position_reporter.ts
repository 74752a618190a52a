/**
 * Tells the sync source how far this member, and those that sync from it, have come. A report leaves at once; what
 * moves while two reports are under way goes into the next one.
 */
import type { Log } from '../base/log.ts';
import { ms } from '../base/units.ts';
import type { ReplicationCore } from '../replication/core.ts';
import { encodeUpdatePosition } from '../replication/message_documents.ts';
import type { Peers } from './peers.ts';

/** Two, so that 'durable' need not wait for the answer to 'applied'. */
const IN_FLIGHT_MAX = 2;

/** Source: the heartbeat's default timeout. */
const TIMEOUT_MS = ms(10_000);

export class PositionReporter {
  readonly #core: ReplicationCore;
  readonly #peers: Peers;
  readonly #log: Log;
  #inFlight = 0;
  #isDirty = false;

  constructor(options: { readonly core: ReplicationCore; readonly peers: Peers; readonly log: Log }) {
    this.#core = options.core;
    this.#peers = options.peers;
    this.#log = options.log;
  }

  /** Reports now, or as soon as an earlier report is answered. */
  report(): void {
    if (this.#inFlight >= IN_FLIGHT_MAX) {
      this.#isDirty = true;
      return;
    }
    const source = this.#core.syncSource;
    const update = this.#core.updatePosition();
    if (source === undefined || update === undefined) return;
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
        this.report();
      }
    }
  }
}
