/** Several scans put together: one after the other, or merged in the order that all of them have. */
import type { Timestamp } from '../../base/optime.ts';
import { compareBytes } from '../../bson/bytes.ts';
import { KeyWriter } from '../../bson/key.ts';
import { SortKeyMaker } from '../../query/sort/sort_key.ts';
import type { SortField } from '../../query/sort.ts';
import { recordIdOf } from '../record_id.ts';
import type { RecordScan, ScanTarget, Step } from './record_scan.ts';

const NONE = new Uint8Array(0);

/** What the branches found, each record once and only if it matches. */
abstract class CombinedScan implements RecordScan {
  recordId: Uint8Array = NONE;
  document: Uint8Array = NONE;
  readonly parts: readonly RecordScan[];
  readonly #target: ScanTarget;
  readonly #seen = new Set<number>();

  constructor(target: ScanTarget, scans: readonly RecordScan[]) {
    this.#target = target;
    this.parts = scans;
  }

  get keysExamined(): number {
    return this.parts.reduce((sum, scan) => sum + (scan.keysExamined ?? 0), 0);
  }

  get docsExamined(): number {
    return this.parts.reduce((sum, scan) => sum + (scan.docsExamined ?? 0), 0);
  }

  abstract advance(): Step;

  moveTo(at: Timestamp): void {
    for (const scan of this.parts) scan.moveTo(at);
  }

  /** Makes the record that `scan` stands on the current one, unless it was before or does not match. */
  protected take({ recordId, document }: { readonly recordId: Uint8Array; readonly document: Uint8Array }): boolean {
    const id = recordIdOf(recordId);
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#target.matcher?.matches(document, 0) === false) return false;
    this.recordId = recordId;
    this.document = document;
    return true;
  }
}

export class UnionScan extends CombinedScan {
  #current = 0;

  advance(): Step {
    while (this.#current < this.parts.length) {
      const scan = this.parts[this.#current];
      const step = scan.advance();
      if (step === 'pause') return 'pause';
      if (step === 'end') this.#current += 1;
      else if (this.take(scan)) return 'record';
    }
    return 'end';
  }
}

interface Head {
  readonly scan: RecordScan;
  key: Uint8Array | undefined;
  isEnded: boolean;
}

export class MergeScan extends CombinedScan {
  readonly #keys: SortKeyMaker;
  readonly #heads: readonly Head[];

  constructor(target: ScanTarget, scans: readonly RecordScan[], order: readonly SortField[]) {
    super(target, scans);
    this.#keys = new SortKeyMaker(order, new KeyWriter(), compareBytes);
    this.#heads = scans.map((scan) => ({ scan, key: undefined, isEnded: false }));
  }

  advance(): Step {
    for (;;) {
      let least: Head | undefined;
      for (const head of this.#heads) {
        if (!this.#fill(head)) return 'pause';
        if (head.key === undefined) continue;
        if (least?.key === undefined || compareBytes(head.key, least.key) < 0) least = head;
      }
      if (least === undefined) return 'end';
      const { scan } = least;
      least.key = undefined;
      if (this.take(scan)) return 'record';
    }
  }

  /** False: it has to pause first. */
  #fill(head: Head): boolean {
    if (head.key !== undefined || head.isEnded) return true;
    const step = head.scan.advance();
    if (step === 'pause') return false;
    if (step === 'end') head.isEnded = true;
    else head.key = this.#keys.key(head.scan.document, 0);
    return true;
  }
}
