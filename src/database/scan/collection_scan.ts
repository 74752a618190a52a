/** All records in the order of their ids, or backwards. */
import { CommandError } from '../../base/command_error.ts';
import type { Timestamp } from '../../base/optime.ts';
import type { Matcher } from '../../query/matcher.ts';
import type { Collection } from '../catalog/collection.ts';
import { TableWalk } from './range_walk.ts';
import { recordIdOf } from '../record_id.ts';
import type { Pace, RecordScan, ScanTarget, Step } from './record_scan.ts';

const NONE = new Uint8Array(0);

export class CollectionScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  docsExamined = 0;
  readonly #matcher: Matcher | undefined;
  readonly #turn: Pace;
  readonly #walk: TableWalk;
  readonly #collection: Collection;
  /** Where a scan of a capped collection stood is not there any more: it may have missed documents. */
  #isLost = false;
  #isStarted = false;

  constructor(request: ScanTarget, reverse: boolean) {
    this.#collection = request.collection;
    this.#matcher = request.matcher;
    this.#turn = request.turn;
    this.#walk = new TableWalk(request.collection.documents, { from: undefined, to: undefined }, reverse, request.at);
  }

  advance(): Step {
    if (this.#isLost) throw this.#positionLost();
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#collection.countScan();
    }
    const matcher = this.#matcher;
    for (;;) {
      if (this.#turn.isOver()) return 'pause';
      const cursor = this.#walk.cursor;
      if (!cursor.next()) return 'end';
      this.docsExamined += 1;
      if (matcher !== undefined && !matcher.matches(cursor.valueBytes, cursor.valueStart)) continue;
      this.recordId = cursor.key;
      this.document = cursor.value;
      return 'record';
    }
  }

  moveTo(at: Timestamp): void {
    const last = this.#collection.capped === undefined ? undefined : this.#walk.last();
    this.#isLost = last !== undefined && !this.#collection.documents.has(last, at);
    this.#walk.moveTo(at);
  }

  #positionLost(): CommandError {
    const last = this.#walk.last();
    const text = 'CollectionScan died due to position in capped collection being deleted. Last seen record id:';
    return new CommandError('CappedPositionLost', `${text} RecordId(${last === undefined ? 0 : recordIdOf(last)})`);
  }
}
