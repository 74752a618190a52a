import type { RawValue } from '../bson/value.ts';

/** The arguments of `find`. */
export interface Find {
  readonly ns: string;
  filter: Uint8Array;
  sort: Uint8Array | undefined;
  projection: Uint8Array | undefined;
  hint: RawValue | undefined;
  skip: number;
  limit: number;
  batchSize: number;
  singleBatch: boolean;
  tailable: boolean;
  awaitData: boolean;
  noCursorTimeout: boolean;
  allowDiskUse: boolean | undefined;
  term: number | undefined;
  /** The `let`. */
  variables: Uint8Array | undefined;
  collation: Uint8Array | undefined;
}
