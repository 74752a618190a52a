/**
 * One checkpoint: moves the versions at or below a timestamp into blocks, in one atomic batch of the base store.
 *
 * 1. Collect: for each table, the chains with a version at or below the target.
 * 2. Rebuild: new blocks from old ones and those versions, a few milliseconds at a time. Readers and writers go on; what
 *    they write is above the target (or replaces an unreplicated version, and is then recognised as another node).
 * 3. Exchange: in one turn the tables get their new blocks, which are still in memory. Every read at or above the target
 *    gives the same as before, because the versions lie over them.
 * 4. Commit. If the disk is full the old blocks come back and nothing has happened.
 * 5. Cut: the moved versions are taken off their chains, again a few milliseconds at a time.
 */
import { type Env, IoError } from '../base/env.ts';
import { CHECKPOINT_REMOVALS_MAX, CHECKPOINT_TURN_MS_MAX } from '../base/limits.ts';
import type { OpTime, Timestamp } from '../base/optime.ts';
import { compareBytes } from '../bson/bytes.ts';
import type { BaseStore, BlockWrite, TableRecord } from './base_store.ts';
import type { BlockEdits } from './block_merge.ts';
import type { BlockArena } from './block_writer.ts';
import type { CommitQueue } from './commit_queue.ts';
import type { Directory } from './directory.ts';
import type { TableId } from './table.ts';
import { TableRebuild, type TableChange } from './table_rebuild.ts';
import type { VersionedTable } from './versioned_table.ts';
import type { ChainIterator, VersionChain, VersionNode } from './versions.ts';

export interface CheckpointSetup {
  readonly base: BaseStore;
  /** Of `base`. */
  readonly commits: CommitQueue;
  readonly env: Env;
  readonly arena: BlockArena;
  readonly target: OpTime;
  /** Tables whose versions may move. */
  readonly tables: readonly VersionedTable[];
  /** Tables that are gone but whose record or blocks are still in the base store. */
  readonly dropping: readonly TableRecord[];
}

export type CheckpointOutcome =
  | { readonly kind: 'done'; readonly changes: number; readonly blocks: number; readonly forgotten: readonly TableId[] }
  | { readonly kind: 'noSpace'; readonly error: IoError };

/** The versions of one table that move, in the order of their keys. */
class Moving implements BlockEdits {
  readonly keys: Uint8Array[] = [];
  readonly values: (Uint8Array | undefined)[] = [];
  readonly oldSizes: number[] = [];
  readonly chains: VersionChain[] = [];
  readonly nodes: VersionNode[] = [];

  maybeAdd(chain: VersionChain, at: Timestamp): void {
    const node = chain.visible(at);
    if (node === undefined) return;
    this.keys.push(chain.key);
    this.values.push(node.value);
    this.oldSizes.push(-1);
    this.chains.push(chain);
    this.nodes.push(node);
  }
}

interface TableWork {
  readonly table: VersionedTable;
  readonly moving: Moving;
  readonly previous: Directory;
  readonly change: TableChange;
}

/** Chains that are gone through before the clock is looked at. */
const CHAINS_AT_ONCE = 256;

/** Gives the loop back when a turn has taken long enough. */
class Pacer {
  readonly #env: Env;
  #since: number;

  constructor(env: Env) {
    this.#env = env;
    this.#since = env.clock.monotonic();
  }

  isDue(): boolean {
    return this.#env.clock.monotonic() - this.#since >= CHECKPOINT_TURN_MS_MAX;
  }

  async rest(): Promise<void> {
    await this.#env.breathe();
    this.#since = this.#env.clock.monotonic();
  }
}

/** Rejects when the base store failed in another way than for want of room, or on a damaged block. One at a time. */
export async function takeCheckpoint(setup: CheckpointSetup): Promise<CheckpointOutcome> {
  const pacer = new Pacer(setup.env);
  const work = await rebuildTables(setup, pacer);
  await learnBases(work, pacer);
  // The base store takes all blocks in one turn: it shall not begin late in one.
  if (pacer.isDue()) await pacer.rest();
  const { records, writes, forgotten } = describeBatch(setup, work);
  for (const { table, change } of work) if (!table.dropped) table.setDirectory(change.directory);
  try {
    await setup.commits.commit({ optime: setup.target, tables: records, forgotten, blocks: writes });
  } catch (error) {
    if (!(error instanceof IoError) || error.kind !== 'noSpace') throw error;
    takeBack(work);
    setup.arena.reset();
    return { kind: 'noSpace', error };
  }
  let changes = 0;
  for (const item of work) {
    settle(item);
    changes += item.moving.keys.length;
  }
  for (const record of records) markPersisted(setup.tables, record);
  setup.arena.reset();
  await cutVersions(work, pacer);
  return { kind: 'done', changes, blocks: writes.length, forgotten };
}

async function rebuildTables(setup: CheckpointSetup, pacer: Pacer): Promise<TableWork[]> {
  const collected = new Map<VersionedTable, Moving>();
  // Unreplicated tables change at any time: all of them are collected in one turn, so that they agree with each other.
  for (const table of setup.tables) {
    if (!table.options.replicated) collected.set(table, collectNow(table, setup.target.ts));
  }
  for (const table of setup.tables) {
    if (table.options.replicated) collected.set(table, await collectSlowly(table, setup.target.ts, pacer));
  }
  const work: TableWork[] = [];
  for (const [table, moving] of collected) {
    if (moving.keys.length === 0 || table.dropped) continue;
    const previous = table.directory;
    const rebuild = new TableRebuild(table, moving, setup.arena);
    while (!rebuild.done) {
      rebuild.step();
      if (pacer.isDue()) await pacer.rest();
    }
    work.push({ table, moving, previous, change: rebuild.finish() });
  }
  return work;
}

function collectNow(table: VersionedTable, at: Timestamp): Moving {
  const moving = new Moving();
  for (const chain of table.versions.chains()) moving.maybeAdd(chain, at);
  table.nullWrites = 0;
  return moving;
}

/**
 * Chains that come meanwhile are above `at`; those at TIMESTAMP_NULL, of a copy under way, may be missed: they are for the
 * next checkpoint. The chains are looked up again after each pause: a list of all, of which few may move while the commit
 * point stands, would be made in one go.
 */
async function collectSlowly(table: VersionedTable, at: Timestamp, pacer: Pacer): Promise<Moving> {
  const moving = new Moving();
  const { versions } = table;
  table.nullWrites = 0;
  let last: Uint8Array | undefined;
  for (;;) {
    last = collectSome(versions.iterate(last, false), moving, { at, after: last, pacer });
    if (last === undefined) return moving;
    await pacer.rest();
  }
}

/** The last key looked at; undefined at the end. */
function collectSome(
  chains: ChainIterator,
  moving: Moving,
  { at, after, pacer }: { readonly at: Timestamp; readonly after: Uint8Array | undefined; readonly pacer: Pacer },
): Uint8Array | undefined {
  let seen = 0;
  for (let next = chains.next(); next.done !== true; next = chains.next()) {
    const [key, chain] = next.value;
    if (seen === 0 && after !== undefined && compareBytes(key, after) === 0) continue;
    moving.maybeAdd(chain, at);
    seen += 1;
    if (seen % CHAINS_AT_ONCE === 0 && pacer.isDue()) return key;
  }
  return undefined;
}

/** What was under the versions that move is not to be found once the blocks are exchanged. */
async function learnBases(work: readonly TableWork[], pacer: Pacer): Promise<void> {
  for (const { table, moving } of work) {
    for (let i = 0; i < moving.keys.length && !table.dropped; i++) {
      table.learnBase(moving.chains[i], moving.oldSizes[i]);
      if (i % CHAINS_AT_ONCE === 0 && pacer.isDue()) await pacer.rest();
    }
  }
}

interface BatchParts {
  readonly records: TableRecord[];
  readonly writes: BlockWrite[];
  readonly forgotten: TableId[];
}

function describeBatch(setup: CheckpointSetup, work: readonly TableWork[]): BatchParts {
  const records: TableRecord[] = [];
  const writes: BlockWrite[] = [];
  const forgotten: TableId[] = [];
  const changes = new Map(work.map((item) => [item.table, item.change]));
  for (const table of setup.tables) {
    const change = changes.get(table);
    if (change === undefined && table.persisted) continue;
    records.push(recordOf(table, change));
    if (change !== undefined) addWrites(table.id, change, writes);
  }
  for (const record of setup.dropping) removeBlocks(setup.base, record, { records, writes, forgotten });
  return { records, writes, forgotten };
}

function recordOf(table: VersionedTable, change: TableChange | undefined): TableRecord {
  return {
    id: table.id,
    kind: table.options.kind,
    replicated: table.options.replicated,
    count: table.blockCount + (change?.countDelta ?? 0),
    sizeBytes: table.blockBytes + (change?.bytesDelta ?? 0),
    dropped: false,
  };
}

function addWrites(table: TableId, change: TableChange, writes: BlockWrite[]): void {
  for (const ref of change.added) writes.push({ table, name: ref.name, bytes: ref.pending });
  // A block that is only rewritten keeps the very same name; for the few others the bytes are compared.
  const kept = new Set(change.added.map((ref) => ref.name));
  const gone = change.replaced.filter((ref) => !kept.has(ref.name));
  if (gone.length === 0) return;
  const names = new Set(change.added.map((ref) => String.fromCharCode(...ref.name)));
  for (const ref of gone) {
    if (!names.has(String.fromCharCode(...ref.name))) writes.push({ table, name: ref.name, bytes: undefined });
  }
}

/** Some of a dropped table's blocks; when none are left, its record. */
function removeBlocks(base: BaseStore, record: TableRecord, batch: BatchParts): void {
  if (batch.writes.length >= CHECKPOINT_REMOVALS_MAX) {
    batch.records.push({ ...record, dropped: true });
    return;
  }
  let removed = 0;
  for (const name of base.keys(record.id)) {
    if (removed === CHECKPOINT_REMOVALS_MAX) {
      batch.records.push({ ...record, dropped: true });
      return;
    }
    batch.writes.push({ table: record.id, name, bytes: undefined });
    removed += 1;
  }
  batch.forgotten.push(record.id);
}

function takeBack(work: readonly TableWork[]): void {
  for (const { table, previous, change } of work) {
    table.nullWrites += 1;
    for (const ref of change.added) {
      ref.pending = undefined;
      table.state.cache.forget(ref);
    }
    if (!table.dropped) table.setDirectory(previous);
  }
}

/**
 * The new blocks are on disk: counts them, and lets go of those they replace and of the memory they were built in. Who
 * reads one next loads it; to copy all that were cached before would cost as much for each, used again or not.
 */
function settle({ table, change }: TableWork): void {
  table.blockCount += change.countDelta;
  table.blockBytes += change.bytesDelta;
  for (const ref of change.replaced) table.state.cache.forget(ref);
  for (const ref of change.added) ref.pending = undefined;
}

function markPersisted(tables: readonly VersionedTable[], record: TableRecord): void {
  const table = tables.find((candidate) => candidate.id === record.id);
  if (table !== undefined) table.persisted = true;
}

async function cutVersions(work: readonly TableWork[], pacer: Pacer): Promise<void> {
  for (const { table, moving } of work) {
    const { keys } = moving;
    for (let from = 0; from < keys.length && !table.dropped; from += CHAINS_AT_ONCE) {
      const to = Math.min(keys.length, from + CHAINS_AT_ONCE);
      for (let i = from; i < to; i++) table.cutMoved(moving.chains[i], moving.nodes[i]);
      table.removeCut(keys[from], keys[to - 1]);
      if (pacer.isDue()) await pacer.rest();
    }
  }
}
