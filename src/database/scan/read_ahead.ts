/**
 * The documents of the entries that a walk through an index comes to next, fetched together: in random places of a large
 * collection that takes a fraction of the time. A second walk goes ahead of the scan's own.
 */
import type { Timestamp } from '../../base/optime.ts';
import { GET_MANY_MAX, type TableCursor } from '../../storage/table.ts';
import type { Collection } from '../catalog/collection.ts';
import type { RangeWalk } from './range_walk.ts';
import { RECORD_ID_BYTES, recordIdOf } from '../record_id.ts';

/** Entries after which more are expected. */
const ENTRIES_BEFORE = 4;

/** Entries to be passed before it is tried again, after records were near each other: at first, and at most. */
const PAUSE_MIN = 64;
const PAUSE_MAX = 1024;

/** Entries and ends of ranges that are passed for one fetch. */
const TRIES_MAX = 4 * GET_MANY_MAX;

/** Records that lie closer than this many ids per record are in few places. */
const NEAR = 4;

export class ReadAhead {
  readonly #collection: Collection;
  readonly #walk: RangeWalk;
  readonly #isIdIndex: boolean;
  #at: Timestamp;
  /** How many more entries the scan may come to. */
  #left: number;
  #entriesBefore = ENTRIES_BEFORE;
  /** Undefined until entries are read ahead, and after the time moved. */
  #ahead: RangeWalk | undefined = undefined;
  readonly #recordIds: Uint8Array[] = [];
  readonly #documents: (Uint8Array | undefined)[] = [];
  /** What was read ahead: the first `#count` of these. */
  #count = 0;
  #pause = PAUSE_MIN;
  /** Of the entry that the scan is at. */
  #position = 0;

  /** Follows `walk`, over the index on `_id` or over another one, for at most `wanted` entries. */
  constructor(
    collection: Collection,
    walk: RangeWalk,
    { at, isIdIndex, wanted }: { readonly at: Timestamp; readonly isIdIndex: boolean; readonly wanted: number },
  ) {
    this.#collection = collection;
    this.#walk = walk;
    this.#isIdIndex = isIdIndex;
    this.#at = at;
    this.#left = wanted;
  }

  /** To be called for every entry that the walk comes to. */
  step(): void {
    this.#left -= 1;
    this.#position += 1;
    if (this.#position < this.#count) return;
    if (this.#ahead !== undefined) {
      this.#position = 0;
      this.#fetch(this.#ahead);
    } else if (this.#entriesBefore > 0) {
      this.#entriesBefore -= 1;
    } else {
      this.#ahead = this.#walk.fork();
      this.#position = -1;
      this.#fetch(this.#ahead);
    }
  }

  /** The document of the entry that the walk is at. */
  documentAt(recordId: Uint8Array): Uint8Array | undefined {
    const i = this.#position;
    if (i >= 0 && i < this.#count) {
      if (isSame(this.#recordIds[i], recordId)) return this.#documents[i];
      // The index changed in between: what was read ahead is not what comes.
      this.moveTo(this.#at);
    }
    return this.#collection.documentAt(recordId, this.#at);
  }

  /** Forgets what was read ahead. */
  moveTo(at: Timestamp): void {
    this.#at = at;
    this.#ahead = undefined;
    this.#count = 0;
    this.#position = 0;
  }

  #fetch(ahead: RangeWalk): void {
    const recordIds = this.#recordIds;
    while (recordIds.length < GET_MANY_MAX) recordIds.push(new Uint8Array(RECORD_ID_BYTES));
    const most = Math.min(GET_MANY_MAX, this.#left + 1);
    let count = 0;
    for (let tries = 0; count < most && tries < TRIES_MAX; tries++) {
      const cursor = ahead.tryNext();
      if (cursor === undefined) break;
      if (cursor === 'none') continue;
      readRecordId(cursor, this.#isIdIndex, recordIds[count]);
      count += 1;
    }
    if (count === 0 || isNear(recordIds[0], recordIds[count - 1], count)) {
      this.#entriesBefore = this.#pause;
      this.#pause = Math.min(this.#pause * 2, PAUSE_MAX);
      this.moveTo(this.#at);
      return;
    }
    this.#count = count;
    this.#collection.documents.getMany(recordIds, count, this.#at, this.#documents);
  }
}

function isNear(first: Uint8Array, last: Uint8Array, count: number): boolean {
  return Math.abs(recordIdOf(last) - recordIdOf(first)) < NEAR * count;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = RECORD_ID_BYTES - 1; i >= 0; i--) if (a[i] !== b[i]) return false;
  return true;
}

/** Puts the record id of an entry into `target`. The index on `_id` has it for a value, all others at the end of their keys. */
export function readRecordId(cursor: TableCursor, isIdIndex: boolean, target: Uint8Array): void {
  const bytes = isIdIndex ? cursor.valueBytes : cursor.keyBytes;
  const start = (isIdIndex ? cursor.valueEnd : cursor.keyEnd) - RECORD_ID_BYTES;
  for (let i = 0; i < RECORD_ID_BYTES; i++) target[i] = bytes[start + i];
}
