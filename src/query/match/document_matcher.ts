/** A compiled filter as the hot loops see it. */

export interface Matcher {
  /**
   * Whether the document at `at` (offset of its length prefix) satisfies the filter. Allocates nothing on the usual
   * paths.
   */
  matches(bytes: Uint8Array, at: number): boolean;
}
