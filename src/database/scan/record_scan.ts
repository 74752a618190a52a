/** What every way to the records of a collection looks like from above. */
import type { Timestamp } from '../../base/optime.ts';
import type { Matcher } from '../../query/matcher.ts';
import type { Collection } from '../catalog/collection.ts';

/** What a step of a scan came to. */
export type Step = 'record' | 'end' | 'pause';

export interface RecordScan {
  /** Moves to the next record that matches. */
  advance(): Step;
  /** Of the current record; both stay valid. */
  readonly recordId: Uint8Array;
  readonly document: Uint8Array;
  /** Of a walk through one index: the entry of the current record, as the index has it. */
  readonly entry?: Uint8Array;
  /** What it took so far. */
  readonly keysExamined?: number;
  readonly docsExamined?: number;
  /** The scans that it puts together. */
  readonly parts?: readonly RecordScan[];
  /** After a pause: go on with the state at another timestamp. */
  moveTo(at: Timestamp): void;
}

/** Asked before every step of a scan: whether it is to pause. */
export interface Pace {
  isOver(): boolean;
}

/** What is scanned and what is wanted of it. */
export interface ScanTarget {
  readonly collection: Collection;
  /** Undefined when everything the access path finds is wanted. */
  readonly matcher: Matcher | undefined;
  readonly at: Timestamp;
  readonly turn: Pace;
  /**
   * How many records are wanted at most; absent: unknown, and none may be read ahead, because what the scan finds is changed
   * while it goes on.
   */
  readonly wanted?: number;
  /** Documents need only the fields of the index that is walked. */
  readonly isCovered?: boolean;
}
