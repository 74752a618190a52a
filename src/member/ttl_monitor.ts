/** A primary deletes what its TTL indexes say is over, every `ttlMonitorSleepSecs`; the others apply its deletes. */
import { CommandError } from '../base/command_error.ts';
import type { CancelTimer, Env } from '../base/env.ts';
import { ms } from '../base/units.ts';
import type { Parameters } from '../commands/server/parameters.ts';
import { deleteExpired } from '../database/run/expired_documents.ts';
import type { MemberData } from '../database/member_data.ts';

export class TtlMonitor {
  readonly #env: Env;
  readonly #data: MemberData;
  readonly #parameters: Parameters;
  readonly #onFatal: (error: unknown) => void;
  #cancel: CancelTimer | undefined;
  #isPassing = false;

  constructor(options: {
    readonly env: Env;
    readonly data: MemberData;
    readonly parameters: Parameters;
    readonly onFatal: (error: unknown) => void;
  }) {
    this.#env = options.env;
    this.#data = options.data;
    this.#parameters = options.parameters;
    this.#onFatal = options.onFatal;
    options.parameters.onChange((name) => {
      if (name === 'ttlMonitorSleepSecs' && this.#cancel !== undefined) this.start();
    });
  }

  start(): void {
    this.stop();
    const delay = ms(this.#parameters.get('ttlMonitorSleepSecs') * 1000);
    this.#cancel = this.#env.timers.after(delay, () => {
      this.start();
      if (this.#parameters.get('ttlMonitorEnabled')) void this.#pass().catch(this.#onFatal);
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** A pass that takes longer than the time between two lets the next one go by. */
  async #pass(): Promise<void> {
    if (this.#isPassing || !this.#data.acceptsWrites) return;
    this.#isPassing = true;
    try {
      this.#data.ttl.deletedDocuments += await deleteExpired(this.#data);
      this.#data.ttl.passes += 1;
    } catch (error) {
      // What a delete can fail with (no room, no primary any more, a dropped collection) the next pass meets again or not.
      if (!(error instanceof CommandError)) throw error;
    } finally {
      this.#isPassing = false;
    }
  }
}
