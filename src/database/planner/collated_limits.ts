/**
 * `min` and `max` on an index with a collation. Its keys say which strings are equal and nothing of their order: so all of
 * it is walked, values are compared one by one, and what lies between the limits is put in order before the first record is
 * given.
 */
import type { Timestamp } from '../../base/optime.ts';
import type { Index } from '../index/index.ts';
import { compareInIndex, valuesIn, type KeyValues } from './index_order.ts';
import type { KeyLimits } from './key_limits.ts';
import { RangeWalk } from '../scan/range_walk.ts';
import { RECORD_ID_BYTES, recordIdOf } from '../record_id.ts';
import type { RecordScan, ScanTarget, Step } from '../scan/record_scan.ts';
import type { SpecialAccess } from './special_plan.ts';

/** `index` has a collation, and the limits have a value for each of its fields. */
export function collatedLimitsAccess(index: Index, limits: KeyLimits): SpecialAccess {
  return {
    kind: 'special',
    index,
    isOrdered: false,
    open: (target) => new CollatedLimitsScan(target, index, limits),
    explain(writer) {
      writer.string('stage', 'FETCH').startSubdocument('inputStage').string('stage', 'IXSCAN');
      writer.document('keyPattern', index.spec.key).string('indexName', index.spec.name);
      if (index.spec.collation !== undefined) writer.document('collation', index.spec.collation);
      writer.string('direction', 'forward').startSubdocument('indexBounds').end().end();
    },
  };
}

interface Found {
  readonly values: KeyValues;
  readonly recordId: Uint8Array;
  readonly entry: Uint8Array;
}

const NONE = new Uint8Array(0);

class CollatedLimitsScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  entry: Uint8Array = NONE;
  keysExamined = 0;
  docsExamined = 0;
  readonly #target: ScanTarget;
  readonly #index: Index;
  readonly #min: KeyValues | undefined;
  readonly #max: KeyValues | undefined;
  readonly #walk: RangeWalk;
  readonly #found: Found[] = [];
  readonly #given = new Set<number>();
  #position = -1;
  #at: Timestamp;

  constructor(target: ScanTarget, index: Index, limits: KeyLimits) {
    this.#target = target;
    this.#index = index;
    this.#min = limits.min && valuesIn(limits.min);
    this.#max = limits.max && valuesIn(limits.max);
    this.#at = target.at;
    this.#walk = new RangeWalk(index.table, [{ from: undefined, to: undefined }], false, target.at);
    index.uses += 1;
  }

  advance(): Step {
    if (this.#position < 0) {
      if (this.#gather() === 'pause') return 'pause';
      this.#found.sort((a, b) => compareInIndex(this.#index, a.values, b.values));
      this.#position = 0;
    }
    while (this.#position < this.#found.length) {
      if (this.#target.turn.isOver()) return 'pause';
      const next = this.#found[this.#position++];
      if (this.#take(next)) return 'record';
    }
    return 'end';
  }

  /** Keeps the entries between the limits. */
  #gather(): 'done' | 'pause' {
    for (;;) {
      if (this.#target.turn.isOver()) return 'pause';
      const cursor = this.#walk.next();
      if (cursor === undefined) return 'done';
      this.keysExamined += 1;
      const entry = cursor.keyBytes.slice(0, cursor.keyEnd);
      const recordId = entry.slice(entry.length - RECORD_ID_BYTES);
      const document = this.#target.collection.documentAt(recordId, this.#at);
      if (document === undefined) continue;
      const values = this.#index.valuesOf(document, entry);
      if (this.#isWithin(values)) this.#found.push({ values, recordId, entry });
    }
  }

  #isWithin(values: KeyValues): boolean {
    if (this.#min !== undefined && compareInIndex(this.#index, values, this.#min) < 0) return false;
    return this.#max === undefined || compareInIndex(this.#index, values, this.#max) < 0;
  }

  /** An array is listed several times; its document is given once. */
  #take({ recordId, entry }: Found): boolean {
    const id = recordIdOf(recordId);
    if (this.#given.has(id)) return false;
    this.docsExamined += 1;
    const { collection, matcher } = this.#target;
    const document = collection.documentAt(recordId, this.#at);
    if (document === undefined || matcher?.matches(document, 0) === false) return false;
    this.#given.add(id);
    this.recordId = recordId;
    this.document = document;
    this.entry = entry;
    return true;
  }

  moveTo(at: Timestamp): void {
    this.#at = at;
    this.#walk.moveTo(at);
  }
}
