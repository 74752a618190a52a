/** What stages that have to keep documents may keep, and where the rest goes. */
import { CommandError } from '../../base/command_error.ts';
import { PIPELINE_STAGE_SIZE_BYTES_MAX } from '../../base/limits.ts';
import type { DocumentMetadata } from '../metadata.ts';
import type { Spill } from '../spill/spill_file.ts';

/** Of each stage by itself. */
export interface StageMemory {
  readonly bytesMax: number;
  /** The same for sorts. */
  readonly sortBytesMax: number;
  /** Undefined when nothing may be put on disk. */
  readonly spill: Spill | undefined;
}

/** Without a disk. */
export const IN_MEMORY: StageMemory = {
  bytesMax: PIPELINE_STAGE_SIZE_BYTES_MAX,
  sortBytesMax: PIPELINE_STAGE_SIZE_BYTES_MAX,
  spill: undefined,
};

/** The same for documents of a query whose metadata goes to disk with them. */
export function carryingMetadata(memory: StageMemory, metadata: DocumentMetadata): StageMemory {
  return { ...memory, spill: memory.spill?.carrying(metadata) };
}

/** Told what is kept. */
export interface MemoryUser {
  /** Throws when it is more than there is. */
  take(bytes: number): void;
  give(bytes: number): void;
}

/** A stage's budget. */
export class MemoryBudget implements MemoryUser {
  readonly #exceeded: () => CommandError;
  readonly #bytesMax: number;
  #used = 0;

  constructor(stage: string, { bytesMax }: StageMemory = IN_MEMORY, exceeded = () => exceededBy(stage)) {
    this.#bytesMax = bytesMax;
    this.#exceeded = exceeded;
  }

  /** Throws QueryExceededMemoryLimitNoDiskUseAllowed when it is more than there is. */
  take(bytes: number): void {
    this.#used += bytes;
    if (this.#used > this.#bytesMax) throw this.#exceeded();
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** A part of a budget that is given back as a whole. */
export class MemoryShare implements MemoryUser {
  readonly #of: MemoryUser;
  #used = 0;

  constructor(of: MemoryUser) {
    this.#of = of;
  }

  take(bytes: number): void {
    this.#used += bytes;
    this.#of.take(bytes);
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#of.give(bytes);
  }

  release(): void {
    this.give(this.#used);
  }
}

function exceededBy(stage: string): CommandError {
  return new CommandError(
    'QueryExceededMemoryLimitNoDiskUseAllowed',
    `Exceeded memory limit for ${stage}, but didn't allow external sort. Pass allowDiskUse:true to opt in.`,
  );
}
