/** All records of a clustered collection in its natural order, which is that of `_id`, or backwards. */
import type { Timestamp } from '../../base/optime.ts';
import { TableWalk } from './range_walk.ts';
import type { RecordScan, ScanTarget, Step } from './record_scan.ts';

const NONE = new Uint8Array(0);

export class ClusteredScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  docsExamined = 0;
  readonly #target: ScanTarget;
  readonly #walk: TableWalk;
  #at: Timestamp;

  constructor(target: ScanTarget, reverse: boolean) {
    this.#target = target;
    this.#at = target.at;
    this.#walk = new TableWalk(target.collection.ids, { from: undefined, to: undefined }, reverse, target.at);
  }

  advance(): Step {
    const { collection, matcher, turn } = this.#target;
    for (;;) {
      if (turn.isOver()) return 'pause';
      const { cursor } = this.#walk;
      if (!cursor.next()) return 'end';
      const recordId = cursor.value;
      this.docsExamined += 1;
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
    this.#walk.moveTo(at);
  }
}
