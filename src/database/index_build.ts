/**
 * Building indexes over documents that are there already.
 *
 * On a primary writes go on meanwhile: from the first moment each of them keeps the new index up as well, while a scan
 * adds what was there before. On members that apply entries, and in a copy, nothing else writes.
 */
import { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import { TIMESTAMP_MAX, TIMESTAMP_NULL, type Timestamp } from '../base/optime.ts';
import { equalBytes } from '../bson/bytes.ts';
import type { Store } from '../storage/store.ts';
import type { TableCursor } from '../storage/table.ts';
import type { Catalog } from './catalog.ts';
import { hasCollatedDuplicate } from './collated_duplicates.ts';
import type { Collection } from './collection.ts';
import { entryValueOf, type Index } from './index.ts';
import type { IndexSpec } from './index_kinds/index_kind.ts';
import { RECORD_ID_BYTES } from './record_id.ts';
import { Turn } from './turn.ts';

export interface BuildTarget {
  readonly env: Env;
  readonly store: Store;
  readonly catalog: Catalog;
}

/** Builds an index while nothing else writes to the collection. Undefined when it was done within this turn. */
export function buildAlone(
  target: BuildTarget,
  collection: Collection,
  spec: IndexSpec,
  at: Timestamp,
): Promise<void> | undefined {
  const index = target.catalog.newIndex(collection, spec, at);
  const cursor = collection.documents.cursor();
  const turn = new Turn(target.env.clock);
  if (addAll(index, cursor, at, turn)) {
    target.catalog.addIndex(collection, index, at);
    return undefined;
  }
  return finishAlone(target, collection, index, { cursor, at, turn });
}

interface Progress {
  readonly cursor: TableCursor;
  readonly at: Timestamp;
  readonly turn: Turn;
}

async function finishAlone(
  target: BuildTarget,
  collection: Collection,
  index: Index,
  progress: Progress,
): Promise<void> {
  do {
    await target.env.breathe();
    progress.turn.restart();
  } while (!addAll(index, progress.cursor, progress.at, progress.turn));
  target.catalog.addIndex(collection, index, progress.at);
}

/** Whether the scan came to its end; otherwise its turn was over. */
function addAll(index: Index, cursor: TableCursor, at: Timestamp, turn: Turn): boolean {
  while (cursor.next()) {
    const found = index.entriesOf(cursor.value, cursor.key);
    for (const entry of found.keys) index.table.put(entry, entryValueOf(found), at);
    if (found.multikey) index.multikey.add(found);
    if (turn.isOver()) return false;
  }
  return true;
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
 * The second half: adds what was there before and then makes sure that a unique index is unique; from that check on
 * writes enforce it. The caller commits without a pause in between. Throws DuplicateKey and what `watch.check` throws.
 */
export async function fillBuild(
  target: BuildTarget,
  collection: Collection,
  index: Index,
  watch: BuildWatch,
): Promise<void> {
  const turn = new Turn(target.env.clock);
  const check = (): void => watch.check();
  const scan: BuildScan = { cursor: collection.documents.cursor(), documents: 0 };
  while (!addMissing(index, scan, turn)) {
    watch.noteProgress(scan.documents);
    await pause(target, collection, turn, check);
  }
  if (!index.spec.isUnique) return;
  index.enforcesUnique = true;
  const entries = index.table.cursor();
  const search: DuplicateSearch = { previous: undefined };
  while (!findDuplicate(index, collection, entries, { turn, search })) await pause(target, collection, turn, check);
}

async function pause(target: BuildTarget, collection: Collection, turn: Turn, check: () => void): Promise<void> {
  await (target.store.backpressure() ?? target.env.breathe());
  check();
  if (collection.gone !== undefined) throw new CommandError('IndexBuildAborted', collection.gone);
  turn.restart();
}

/**
 * An entry that was written already came from a newer write, and so did the lack of one that is not in the newest
 * document.
 */
function addMissing(index: Index, scan: BuildScan, turn: Turn): boolean {
  const { cursor } = scan;
  while (cursor.next()) {
    scan.documents += 1;
    const found = index.entriesOf(cursor.value, cursor.key);
    for (const entry of found.keys) index.table.fill(entry, entryValueOf(found));
    if (found.multikey) index.multikey.add(found);
    if (turn.isOver()) return false;
  }
  return true;
}

interface BuildScan {
  readonly cursor: TableCursor;
  documents: number;
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
