/** Records that a text search finds by the words in the index, and the scores of what is found. */
import type { Timestamp } from '../../base/optime.ts';
import { rawDouble } from '../../bson/value.ts';
import type { TextCondition } from '../../query/match/text_condition.ts';
import type { TextSearch } from '../../query/text/text_search.ts';
import type { Table } from '../../storage/table.ts';
import type { KeyRange } from '../key_range.ts';
import { RangeWalk } from './range_walk.ts';
import { RECORD_ID_BYTES, recordIdOf } from '../record_id.ts';
import type { RecordScan, ScanTarget, Step } from './record_scan.ts';

const NONE = new Uint8Array(0);

/** One word after the other, for each the records that it counts most for first; a record is returned once. */
export class TextScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  keysExamined = 0;
  docsExamined = 0;
  readonly #request: ScanTarget;
  readonly #walk: RangeWalk;
  readonly #seen = new Set<number>();
  #at: Timestamp;

  constructor(request: ScanTarget, table: Table, ranges: readonly KeyRange[]) {
    this.#request = request;
    this.#at = request.at;
    // A walk backwards begins with the last range.
    this.#walk = new RangeWalk(table, ranges.toReversed(), true, request.at);
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

/** Keeps the scores of the documents that another scan finds, when the query asks for them. */
export class ScoredScan implements RecordScan {
  readonly #scan: RecordScan;
  readonly #search: TextSearch;
  readonly #metadata: TextCondition['metadata'];

  constructor(scan: RecordScan, search: TextSearch, { metadata }: TextCondition) {
    this.#scan = scan;
    this.#search = search;
    this.#metadata = metadata;
  }

  get recordId(): Uint8Array {
    return this.#scan.recordId;
  }

  get document(): Uint8Array {
    return this.#scan.document;
  }

  get keysExamined(): number {
    return this.#scan.keysExamined ?? 0;
  }

  get docsExamined(): number {
    return this.#scan.docsExamined ?? 0;
  }

  advance(): Step {
    const step = this.#scan.advance();
    if (step !== 'record' || !this.#metadata.isAsked('textScore')) return step;
    const score = this.#search.score(this.document);
    if (score > 0) this.#metadata.set(this.document, 'textScore', rawDouble(score));
    return step;
  }

  moveTo(at: Timestamp): void {
    this.#scan.moveTo(at);
  }
}
