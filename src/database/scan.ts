/**
 * The bottom of every query: records from a plan, one at a time, already filtered. A scan looks at the clock, pauses
 * when its turn is over, and can be kept over turns; it then goes on behind the last record it returned.
 */
import type { Timestamp } from '../base/optime.ts';
import type { Matcher } from '../query/matcher.ts';
import { PAUSE, type Source } from '../query/pipeline/source.ts';
import type { Table } from '../storage/table.ts';
import type { KeyRange } from './key_range.ts';
import type { Access } from './plan.ts';
import { RangeWalk, TableWalk } from './range_walk.ts';
import { RECORD_ID_BYTES, recordIdOf } from './record_id.ts';
import type { RecordScan, ScanTarget, Step } from './record_scan.ts';
import type { Turn } from './turn.ts';

export interface ScanRequest extends ScanTarget {
  readonly access: Access;
}

const NONE = new Uint8Array(0);

export function openScan(request: ScanRequest): RecordScan {
  const { access } = request;
  switch (access.kind) {
    case 'id':
      request.collection.idIndexUses += 1;
      return new IdLookup(request, access.key);
    case 'collection':
      return new CollectionScan(request, access.reverse);
    case 'special':
      return access.open(request);
    case 'index':
      if (access.index === undefined) request.collection.idIndexUses += 1;
      if (access.index === undefined) return new IdScan(request, access.ranges, access.reverse);
      access.index.uses += 1;
      return new IndexScan(request, access.index.table, access);
  }
}

/** A scan as the pipeline sees it: documents only. */
export class ScanSource implements Source {
  readonly #scan: RecordScan;

  constructor(scan: RecordScan) {
    this.#scan = scan;
  }

  next(): Uint8Array | undefined | typeof PAUSE {
    switch (this.#scan.advance()) {
      case 'record':
        return this.#scan.document;
      case 'pause':
        return PAUSE;
      case 'end':
        return undefined;
    }
  }

  close(): void {}
}

/** At most one record, by the key of its `_id`. */
class IdLookup implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  readonly #request: ScanRequest;
  readonly #key: Uint8Array;
  #at: Timestamp;
  #isDone = false;

  constructor(request: ScanRequest, key: Uint8Array) {
    this.#request = request;
    this.#key = key;
    this.#at = request.at;
  }

  advance(): Step {
    if (this.#isDone) return 'end';
    this.#isDone = true;
    const { collection, matcher } = this.#request;
    const recordId = collection.recordOf(this.#key, this.#at);
    if (recordId === undefined) return 'end';
    const document = collection.documentAt(recordId, this.#at);
    if (document === undefined) return 'end';
    if (matcher !== undefined && !matcher.matches(document, 0)) return 'end';
    this.recordId = recordId;
    this.document = document;
    return 'record';
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
  }
}

/** All records in the order of their ids, or backwards. */
class CollectionScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  readonly #matcher: Matcher | undefined;
  readonly #turn: Turn;
  readonly #walk: TableWalk;

  constructor(request: ScanRequest, reverse: boolean) {
    this.#matcher = request.matcher;
    this.#turn = request.turn;
    this.#walk = new TableWalk(request.collection.documents, { from: undefined, to: undefined }, reverse, request.at);
  }

  advance(): Step {
    const matcher = this.#matcher;
    for (;;) {
      if (this.#turn.isOver()) return 'pause';
      const cursor = this.#walk.cursor;
      if (!cursor.next()) return 'end';
      if (matcher !== undefined && !matcher.matches(cursor.valueBytes, cursor.valueStart)) continue;
      this.recordId = cursor.key;
      this.document = cursor.value;
      return 'record';
    }
  }

  moveTo(at: Timestamp): void {
    this.#walk.moveTo(at);
  }
}

/** Ranges of the table of `_id` keys, whose values are record ids. */
class IdScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  readonly #request: ScanRequest;
  readonly #ranges: RangeWalk;
  #at: Timestamp;

  constructor(request: ScanRequest, ranges: readonly KeyRange[], reverse: boolean) {
    this.#request = request;
    this.#at = request.at;
    this.#ranges = new RangeWalk(request.collection.ids, ranges, reverse, request.at);
  }

  advance(): Step {
    const { collection, matcher, turn } = this.#request;
    for (;;) {
      if (turn.isOver()) return 'pause';
      const cursor = this.#ranges.next();
      if (cursor === undefined) return 'end';
      const recordId = cursor.value;
      const document = collection.documentAt(recordId, this.#at);
      if (document === undefined) continue;
      if (matcher !== undefined && !matcher.matches(document, 0)) continue;
      this.recordId = recordId;
      this.document = document;
      return 'record';
    }
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
    this.#ranges.moveTo(at);
  }
}

/** Ranges of a secondary index. A multikey index lists a record several times; it is returned once. */
class IndexScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  readonly #request: ScanRequest;
  readonly #ranges: RangeWalk;
  readonly #seen: Set<number> | undefined;
  #at: Timestamp;

  constructor(request: ScanRequest, table: Table, access: Extract<Access, { kind: 'index' }>) {
    this.#request = request;
    this.#at = request.at;
    this.#ranges = new RangeWalk(table, access.ranges, access.reverse, request.at);
    this.#seen = access.index?.isMultikey === true ? new Set() : undefined;
  }

  advance(): Step {
    const { collection, matcher, turn } = this.#request;
    for (;;) {
      if (turn.isOver()) return 'pause';
      const cursor = this.#ranges.next();
      if (cursor === undefined) return 'end';
      const recordId = cursor.keyBytes.slice(cursor.keyEnd - RECORD_ID_BYTES, cursor.keyEnd);
      if (this.#seen?.has(recordIdOf(recordId)) === true) continue;
      const document = collection.documentAt(recordId, this.#at);
      if (document === undefined) continue;
      if (matcher !== undefined && !matcher.matches(document, 0)) continue;
      this.#seen?.add(recordIdOf(recordId));
      this.recordId = recordId;
      this.document = document;
      return 'record';
    }
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
    this.#ranges.moveTo(at);
  }
}
