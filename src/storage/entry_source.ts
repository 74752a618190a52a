/** Entries in ascending order, one at a time, as ranges of larger buffers: what bulk loads are fed with. */
export interface EntrySource {
  /** Moves to the next entry; false at the end. Fields are valid after true, until the next call. */
  next(): boolean;
  /** The key is [start, keyEnd) and the value [keyEnd, end) of these bytes. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly keyEnd: number;
  readonly end: number;
}

/** A source whose extremes are known beforehand, and that can be read again. */
export interface SortedRun extends EntrySource {
  /** Goes back to before the first entry. */
  rewind(): void;
  /** Keys of the first and of the last entry; a run has at least one. */
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}
