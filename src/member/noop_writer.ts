/**
 * A primary without writes logs a no-op now and then: it moves the commit point and the cluster time on, which reads
 * that wait for a cluster time depend on. Source: periodicNoopIntervalSecs.
 */
import { isCommandError } from '../base/command_error.ts';
import type { CancelTimer, Env } from '../base/env.ts';
import { compareOpTimes, OPTIME_NULL, type OpTime } from '../base/optime.ts';
import { ms } from '../base/units.ts';
import { encodeDocument } from '../bson/codec.ts';
import type { MemberData } from '../database/member_data.ts';
import type { ReplicationCore } from '../replication/core.ts';

const INTERVAL_MS = ms(10_000);
const MESSAGE = { msg: 'periodic noop' };

export class NoopWriter {
  readonly #env: Env;
  readonly #core: ReplicationCore;
  readonly #data: MemberData;
  #cancel: CancelTimer | undefined;
  #lastSeen: OpTime = OPTIME_NULL;

  constructor(options: { readonly env: Env; readonly core: ReplicationCore; readonly data: MemberData }) {
    this.#env = options.env;
    this.#core = options.core;
    this.#data = options.data;
  }

  start(): void {
    this.stop();
    this.#lastSeen = this.#data.oplog.lastWritten;
    this.#cancel = this.#env.timers.after(INTERVAL_MS, () => this.#beat());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #beat(): void {
    if (!this.#core.isWritablePrimary) return;
    const isIdle = compareOpTimes(this.#data.oplog.lastWritten, this.#lastSeen) === 0;
    if (isIdle) this.#write();
    this.start();
  }

  #write(): void {
    try {
      this.#data.appendNoop(encodeDocument(MESSAGE));
    } catch (error) {
      // A full disk: clients are told with their own writes; the next beat tries again.
      if (!isCommandError(error, 'OutOfDiskSpace')) throw error;
    }
  }
}
