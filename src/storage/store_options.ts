/** What a store is opened with, and what it tells about itself. */
import type { Env } from '../base/env.ts';
import type { Log } from '../base/log.ts';
import type { OpTime } from '../base/optime.ts';
import type { BaseStore } from './base_store.ts';

export interface StoreOptions {
  readonly base: BaseStore;
  readonly env: Env;
  readonly log: Log;
  /** Blocks kept in memory; default 128 MiB. */
  readonly cacheBytesMax?: number;
  /** Memory for versions before writers wait; default 512 MiB. */
  readonly versionBytesMax?: number;
  /** A checkpoint failed in a way after which nothing is known of the disk: the member must stop. Called once. */
  readonly onFailure: (error: unknown) => void;
}

export interface StoreStats {
  readonly tables: number;
  readonly checkpointed: OpTime;
  readonly stable: OpTime;
  readonly pins: number;
  /** Keys with versions, and the memory that versions take. */
  readonly versions: number;
  readonly versionBytes: number;
  readonly cacheBytes: number;
  readonly cacheBytesMax: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly checkpoints: number;
  readonly checkpointMsLast: number;
  readonly checkpointChangesLast: number;
  readonly checkpointBlocksLast: number;
  readonly baseBytes: number;
  readonly diskFull: boolean;
}
