/** What all parts of an explanation are given. */

export interface Explaining {
  /** The one that failed. */
  readonly document: Uint8Array;
  /** The clause matched where it should not have. */
  readonly isInverted: boolean;
  /** Leaves out what may be large. */
  readonly isShort: boolean;
}
