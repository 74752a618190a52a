/** The documents of one partition in order, as window functions see them. */
import type { RawValue } from '../../bson/value.ts';

export interface Partition {
  /** How many documents. */
  readonly length: number;
  /** The document at a place. */
  document(index: number): Uint8Array;
  /** Whether two documents sort alike, as all do without a sort. */
  readonly isTied: (a: number, b: number) => boolean;
  /** The value a document is sorted by, where it is sorted by one field; undefined when it is missing. */
  sortValue(index: number): RawValue | undefined;
}

/** Documents from `from` to before `to`. */
export interface WindowRange {
  readonly from: number;
  readonly to: number;
}

/** The window of each document of a partition. */
export type WindowOf = (index: number) => WindowRange;

/** A window function at work on one partition: its value for each document, asked for in order. */
export type WindowValues = (index: number) => RawValue | undefined;
