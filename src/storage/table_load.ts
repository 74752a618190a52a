/**
 * Fills the blocks of a table that has none from sorted entries, in one pass and past the versions: what an index build does
 * with the keys of all documents that are there already.
 *
 * The entries lie under every version of the table, so the versions written meanwhile have to stay where they are: the
 * table is *held* from before the first document was read until the load is done, and no checkpoint takes anything out of
 * it. Blocks go to the base store as they are made, a few megabytes at a time, with a record that says that the table is
 * dropped: a process that dies in the middle leaves nothing but blocks to be removed. The last commit makes it a table.
 */
import { type Env, IoError } from '../base/env.ts';
import { CHECKPOINT_RETRY_MS, CHECKPOINT_TURN_MS_MAX } from '../base/limits.ts';
import type { BaseBatch, BlockWrite } from './base_store.ts';
import { BlockPacker, type PackedBlock } from './block_packer.ts';
import { BlockArena } from './block_writer.ts';
import type { CommitQueue } from './commit_queue.ts';
import { BlockRef, Directory } from './directory.ts';
import type { EntrySource } from './entry_source.ts';
import { diskFullError, shutdownError } from './store_errors.ts';
import type { VersionedTable } from './versioned_table.ts';

const PART_BYTES = 8 * 1024 * 1024;

/** Entries that are packed before the clock is looked at. */
const PACKED_AT_ONCE = 512;

export interface LoadOptions {
  /** Gives the loop back; may reject, and the load with it. */
  readonly pause: () => Promise<void>;
  /** What to do on a full disk: wait for room, or reject with OutOfDiskSpace. */
  readonly waitsForRoom: boolean;
  /** Blocks of this size together are one commit, and all that is kept of them in memory; default 8 MiB. */
  readonly partBytes?: number;
}

export interface LoadSetup extends LoadOptions {
  readonly env: Env;
  readonly table: VersionedTable;
  readonly entries: EntrySource;
  readonly commits: CommitQueue;
  /** Nothing can be written any more. */
  readonly isStopped: () => boolean;
  /** A commit failed for another reason than want of room. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Resolves to false when the table was dropped meanwhile. Rejects as `pause` does, with OutOfDiskSpace, and with
 * InterruptedAtShutdown when nothing can be written any more: drop the table then.
 */
export async function loadTable(setup: LoadSetup): Promise<boolean> {
  const { table } = setup;
  table.beginLoad();
  try {
    return await new TableLoad(setup).run();
  } finally {
    table.endLoad();
  }
}

class TableLoad {
  readonly #setup: LoadSetup;
  readonly #arena = new BlockArena(0);
  readonly #packer: BlockPacker;
  readonly #refs: BlockRef[] = [];
  #writes: BlockWrite[] = [];
  #writeBytes = 0;

  constructor(setup: LoadSetup) {
    this.#setup = setup;
    this.#packer = new BlockPacker(this.#arena, setup.table.options.kind);
  }

  async run(): Promise<boolean> {
    const { table, env, pause, partBytes = PART_BYTES } = this.#setup;
    let since = env.clock.monotonic();
    while (this.#packSome()) {
      if (this.#writeBytes >= partBytes) await this.#commit(true);
      else if (env.clock.monotonic() - since < CHECKPOINT_TURN_MS_MAX) continue;
      await pause();
      if (table.dropped) return false;
      since = env.clock.monotonic();
    }
    const last = this.#packer.finish();
    if (last !== undefined) this.#note(last);
    if (this.#refs.length > 0) await this.#commit(false);
    if (table.dropped) return false;
    const { count, sizeBytes } = this.#packer;
    table.setLoaded(new Directory(this.#refs), { count, sizeBytes });
    return true;
  }

  /** False at the end of the entries. */
  #packSome(): boolean {
    const { entries } = this.#setup;
    for (let i = 0; i < PACKED_AT_ONCE; i++) {
      if (!entries.next()) return false;
      const block = this.#packer.add(entries);
      if (block !== undefined) this.#note(block);
    }
    return true;
  }

  #note({ bytes, separator }: PackedBlock): void {
    const { table } = this.#setup;
    const name = table.names.nameFor(separator);
    this.#refs.push(new BlockRef(separator, name));
    this.#writes.push({ table: table.id, name, bytes });
    this.#writeBytes += bytes.length;
  }

  /** @param isPart more is to come, and the table is not there without it */
  async #commit(isPart: boolean): Promise<void> {
    const { table } = this.#setup;
    const { id, options } = table;
    const { count, sizeBytes } = this.#packer;
    const record = { id, kind: options.kind, replicated: options.replicated, count, sizeBytes, dropped: isPart };
    // From here on there may be something to remove, whatever becomes of the commit.
    table.persisted = true;
    await this.#write({ optime: undefined, tables: [record], forgotten: [], blocks: this.#writes });
    this.#writes = [];
    this.#writeBytes = 0;
    this.#arena.reset();
  }

  async #write(batch: BaseBatch): Promise<void> {
    const { commits, isStopped, onFailure, pause } = this.#setup;
    for (;;) {
      if (isStopped()) throw shutdownError();
      try {
        await commits.commit(batch);
        return;
      } catch (error) {
        if (error instanceof IoError && error.kind === 'noSpace') {
          await this.#waitForRoom();
        } else {
          onFailure(error);
          throw shutdownError();
        }
      }
      await pause();
    }
  }

  async #waitForRoom(): Promise<void> {
    const { env, waitsForRoom } = this.#setup;
    if (!waitsForRoom) throw diskFullError();
    await new Promise<void>((resolve) => env.timers.after(CHECKPOINT_RETRY_MS, resolve));
  }
}
