import type { RawValue } from '../bson/value.ts';

/** The arguments of `find`. */
export interface Find {
  readonly ns: string;
  filter: Uint8Array;
  sort: Uint8Array | undefined;
  projection: Uint8Array | undefined;
  hint: RawValue | undefined;
  /** Keys of the hinted index between which to look. */
  min: Uint8Array | undefined;
  max: Uint8Array | undefined;
  /** Shows the keys of the index in place of the documents. */
  returnKey: boolean;
  showRecordId: boolean;
  skip: number;
  limit: number;
  batchSize: number;
  singleBatch: boolean;
  tailable: boolean;
  awaitData: boolean;
  noCursorTimeout: boolean;
  /** Matters to views only. */
  allowPartialResults: boolean;
  /** Matters to views only. */
  readOnce: boolean;
  allowDiskUse: boolean | undefined;
  term: number | undefined;
  /** The `let`. */
  variables: Uint8Array | undefined;
  collation: Uint8Array | undefined;
}
