/**
 * Building indexes over documents that are there already.
 *
 * On a primary writes go on meanwhile: from the first moment each of them keeps the new indexes up as well, while a scan
 * gathers the keys of the documents (index_load.ts), which then go into the tables under what those writes have put and
 * removed. So a key that a write has put or removed since is that write's, and a document that the scan meets
 * in a later state than another has the same keys in both. On members that apply entries, and in a copy, nothing else writes.
 *
 * What a build leaves when its process dies is a table that no entry of the catalog names: it goes at the next start.
 */
import { CommandError } from '../../base/command_error.ts';
import type { Env } from '../../base/env.ts';
import { INDEX_BUILD_BYTES_MAX } from '../../base/limits.ts';
import { TIMESTAMP_MAX, TIMESTAMP_NULL, type Timestamp } from '../../base/optime.ts';
import { equalBytes } from '../../bson/bytes.ts';
import type { SpillFolder } from '../../query/spill/spill_file.ts';
import type { Store } from '../../storage/store.ts';
import type { TableCursor } from '../../storage/table.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { hasCollatedDuplicate } from '../index/collated_duplicates.ts';
import type { Collection } from '../catalog/collection.ts';
import { entryValueOf, type Index } from '../index/index.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import { IndexLoad } from './index_load.ts';
import { RECORD_ID_BYTES } from '../record_id.ts';
import { Turn } from '../turn.ts';

export interface BuildTarget {
  readonly env: Env;
  readonly store: Store;
  readonly catalog: Catalog;
  /** Where keys go that take too much memory. */
  readonly spill: SpillFolder;
  readonly buildLimits: BuildLimits;
}

/** Which way a build takes. Tests have lower ones. */
export interface BuildLimits {
  /** Memory for the keys of all indexes of a build together; more go to files. */
  readonly bytesMax: number;
  /** An index of as many entries is written like any other change: blocks of its own would cost a sync of the disk. */
  readonly smallEntriesMax: number;
  /** A collection of as many documents is indexed within one turn where nothing else writes. */
  readonly smallDocumentsMax: number;
}

export const BUILD_LIMITS: BuildLimits = {
  bytesMax: INDEX_BUILD_BYTES_MAX,
  smallEntriesMax: 256,
  smallDocumentsMax: 64,
};

/** Builds indexes while nothing else writes to the collection. Undefined when it was done within this turn. */
export function buildAlone(
  target: BuildTarget,
  collection: Collection,
  specs: readonly IndexSpec[],
  at: Timestamp,
): Promise<void> | undefined {
  if (collection.count > target.buildLimits.smallDocumentsMax) return loadAlone(target, collection, specs, at);
  for (const spec of specs) {
    const index = target.catalog.newIndex(collection, spec, at);
    addAll(index, collection.documents.cursor(), at);
    target.catalog.addIndex(collection, index, at);
  }
  return undefined;
}

function addAll(index: Index, cursor: TableCursor, at: Timestamp): void {
  while (cursor.next()) {
    const found = index.entriesOf(cursor.value, cursor.key);
    for (const entry of found.keys) index.table.put(entry, entryValueOf(found), at);
    if (found.multikey) index.multikey.add(found);
  }
}

/** The tables have no timestamp, so that they may go to disk at once: it is the catalog that says since when they count. */
async function loadAlone(
  target: BuildTarget,
  collection: Collection,
  specs: readonly IndexSpec[],
  at: Timestamp,
): Promise<void> {
  const indexes = specs.map((spec) => target.catalog.newIndex(collection, spec, TIMESTAMP_NULL));
  const turn = new Turn(target.env.clock);
  const pause = async (): Promise<void> => {
    await target.env.breathe();
    turn.restart();
  };
  await loadAll(target, collection, indexes, { turn, pause, mustSucceed: true, noteProgress: () => {} });
  for (const index of indexes) target.catalog.addIndex(collection, index.readyFrom(at), at);
}

/** The first half of a build beside running writes: makes the index and lets writes keep it up. */
export function startBuild(target: BuildTarget, collection: Collection, spec: IndexSpec): Index {
  const index = target.catalog.newIndex(collection, spec, TIMESTAMP_NULL);
  index.enforcesUnique = false;
  collection.startBuilding(index);
  return index;
}

/** Who waits for a build. */
export interface BuildWatch {
  /** Called now and then; may throw to give up. */
  check(): void;
  /** How many documents were looked at so far. */
  noteProgress(documents: number): void;
}

/**
 * The second half, in the same turn as the first: adds what was there before and then makes sure that unique indexes are
 * unique; from that check on writes enforce it. The caller commits without a pause in between. Throws DuplicateKey and what
 * `watch.check` throws.
 */
export async function fillBuild(
  target: BuildTarget,
  collection: Collection,
  indexes: readonly Index[],
  watch: BuildWatch,
): Promise<void> {
  const turn = new Turn(target.env.clock);
  const pause = async (): Promise<void> => {
    await target.env.breathe();
    checkGoesOn();
    turn.restart();
  };
  const checkGoesOn = (): void => {
    watch.check();
    if (collection.gone !== undefined) throw new CommandError('IndexBuildAborted', collection.gone);
  };
  const noteProgress = (documents: number): void => watch.noteProgress(documents);
  await loadAll(target, collection, indexes, { turn, pause, mustSucceed: false, noteProgress });
  checkGoesOn();
  for (const index of indexes) {
    if (!index.spec.isUnique) continue;
    index.enforcesUnique = true;
    const entries = index.table.cursor();
    const search: DuplicateSearch = { previous: undefined };
    while (!findDuplicate(index, collection, entries, { turn, search })) await pause();
  }
}

/** How a load goes on. */
interface LoadWork {
  readonly turn: Turn;
  /** Gives the loop back and begins another turn. */
  readonly pause: () => Promise<void>;
  readonly mustSucceed: boolean;
  readonly noteProgress: (documents: number) => void;
}

async function loadAll(
  target: BuildTarget,
  collection: Collection,
  indexes: readonly Index[],
  work: LoadWork,
): Promise<void> {
  const { bytesMax, smallEntriesMax } = target.buildLimits;
  const options = { bytesMax: bytesMax / indexes.length, smallEntriesMax, mustSucceed: work.mustSucceed };
  const loads = indexes.map((index) => new IndexLoad(target, index, options));
  try {
    const scan: BuildScan = { cursor: collection.documents.cursor(), documents: 0 };
    while (!gatherKeys(loads, scan, work.turn)) {
      work.noteProgress(scan.documents);
      for (const load of loads) if (load.isFull) await load.spill(work.pause);
      await work.pause();
    }
    for (const load of loads) await load.finish(work.pause);
  } finally {
    for (const load of loads) load.close();
  }
}

interface BuildScan {
  readonly cursor: TableCursor;
  documents: number;
}

/** Whether the scan came to its end; otherwise its turn was over. */
function gatherKeys(loads: readonly IndexLoad[], scan: BuildScan, turn: Turn): boolean {
  const { cursor } = scan;
  while (cursor.next()) {
    scan.documents += 1;
    let isFull = false;
    for (const load of loads) {
      load.add(cursor);
      if (load.isFull) isFull = true;
    }
    if (isFull || turn.isOver()) return false;
  }
  return true;
}

interface DuplicateSearch {
  previous: Uint8Array | undefined;
}

/** Whether the search came to its end. Throws at the first key that two records have. */
function findDuplicate(
  index: Index,
  collection: Collection,
  entries: TableCursor,
  state: { readonly turn: Turn; readonly search: DuplicateSearch },
): boolean {
  const { turn, search } = state;
  while (entries.next()) {
    const entry = entries.key;
    const { previous } = search;
    search.previous = entry;
    const isSame = previous !== undefined && sameKey(previous, entry);
    if (isSame || index.spec.equality !== undefined) {
      const document = collection.documentAt(entry.slice(entry.length - RECORD_ID_BYTES), TIMESTAMP_MAX);
      const isDuplicate =
        document !== undefined && (isSame || hasCollatedDuplicate(index, entry, document, collection));
      if (isDuplicate) throw index.duplicate(entry, document, collection.ns);
    }
    if (turn.isOver()) return false;
  }
  return true;
}

function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  const length = a.length - RECORD_ID_BYTES;
  if (b.length - RECORD_ID_BYTES !== length) return false;
  return equalBytes(a.subarray(0, length), b.subarray(0, length));
}
