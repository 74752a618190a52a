/** What a stage that has to keep documents may keep. */
import { CommandError } from '../../base/command_error.ts';
import { PIPELINE_STAGE_SIZE_BYTES_MAX } from '../../base/limits.ts';

export class MemoryBudget {
  readonly #stage: string;
  readonly #bytesMax: number;
  #used = 0;

  constructor(stage: string, bytesMax = PIPELINE_STAGE_SIZE_BYTES_MAX) {
    this.#stage = stage;
    this.#bytesMax = bytesMax;
  }

  /** Throws QueryExceededMemoryLimitNoDiskUseAllowed when it is more than there is. */
  take(bytes: number): void {
    this.#used += bytes;
    if (this.#used > this.#bytesMax) {
      throw new CommandError(
        'QueryExceededMemoryLimitNoDiskUseAllowed',
        `Exceeded memory limit for ${this.#stage}, but didn't allow external sort.`,
      );
    }
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
