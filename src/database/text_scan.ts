/** Records that a text search finds: by the words in the index, or by looking at all documents. */
import type { Timestamp } from '../base/optime.ts';
import { rawDouble } from '../bson/value.ts';
import type { TextCondition } from '../query/match/text_condition.ts';
import type { TextSearch } from '../query/text/text_search.ts';
import type { Table } from '../storage/table.ts';
import type { KeyRange } from './key_range.ts';
import { RangeWalk } from './range_walk.ts';
import { RECORD_ID_BYTES, recordIdOf } from './record_id.ts';
import type { RecordScan, ScanTarget, Step } from './record_scan.ts';

/** What is searched for, and where. */
interface SearchTarget {
  readonly table: Table;
  readonly search: TextSearch;
  readonly condition: TextCondition;
}

const NONE = new Uint8Array(0);

/** Keeps the score of a document when the query asks for it. */
function noteScore(document: Uint8Array, { condition, search }: SearchTarget): void {
  const { metadata } = condition;
  if (!metadata.isAsked('textScore')) return;
  const score = search.score(document);
  if (score > 0) metadata.set(document, 'textScore', rawDouble(score));
}

/** One word after the other, for each the records that it counts most for first; a record is returned once. */
export class TextScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  keysExamined = 0;
  docsExamined = 0;
  readonly #request: ScanTarget;
  readonly #target: SearchTarget;
  readonly #walk: RangeWalk;
  readonly #seen = new Set<number>();
  #at: Timestamp;

  constructor(request: ScanTarget, target: SearchTarget & { readonly ranges: readonly KeyRange[] }) {
    this.#request = request;
    this.#target = target;
    this.#at = request.at;
    // A walk backwards begins with the last range.
    this.#walk = new RangeWalk(target.table, target.ranges.toReversed(), true, request.at);
  }

  advance(): Step {
    const { collection, matcher, turn } = this.#request;
    for (;;) {
      if (turn.isOver()) return 'pause';
      const cursor = this.#walk.next();
      if (cursor === undefined) return 'end';
      this.keysExamined += 1;
      const recordId = cursor.keyBytes.slice(cursor.keyEnd - RECORD_ID_BYTES, cursor.keyEnd);
      const id = recordIdOf(recordId);
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      this.docsExamined += 1;
      const document = collection.documentAt(recordId, this.#at);
      if (document === undefined || matcher?.matches(document, 0) === false) continue;
      noteScore(document, this.#target);
      this.recordId = recordId;
      this.document = document;
      return 'record';
    }
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
    this.#walk.moveTo(at);
  }
}

/** All documents of the collection, whose table `target` has. */
export class WholeScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  keysExamined = 0;
  docsExamined = 0;
  readonly #request: ScanTarget;
  readonly #target: SearchTarget;
  readonly #walk: RangeWalk;

  constructor(request: ScanTarget, target: SearchTarget) {
    this.#request = request;
    this.#target = target;
    this.#walk = new RangeWalk(target.table, [{ from: undefined, to: undefined }], false, request.at);
  }

  advance(): Step {
    const { matcher, turn } = this.#request;
    for (;;) {
      if (turn.isOver()) return 'pause';
      const cursor = this.#walk.next();
      if (cursor === undefined) return 'end';
      this.docsExamined += 1;
      const document = cursor.value;
      if (matcher?.matches(document, 0) === false) continue;
      noteScore(document, this.#target);
      this.recordId = cursor.key;
      this.document = document;
      return 'record';
    }
  }

  moveTo(at: Timestamp): void {
    this.#walk.moveTo(at);
  }
}
