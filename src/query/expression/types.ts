/** Compiled expressions. */
import type { RawValue } from '../../bson/value.ts';

/** What an expression yields; undefined when it is missing. */
export type Value = RawValue | undefined;

export interface Expression {
  /** Set when the value is the same for every document. */
  readonly constant: RawValue | undefined;
  /** Set when it is missing for every document, as `$$REMOVE`. */
  readonly isMissing?: true;
  /** The value for the document `root`, a whole document from its first byte; undefined when it is missing. */
  evaluate(root: Uint8Array): Value;
}
