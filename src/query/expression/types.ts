/** Compiled expressions. */
import type { RawValue } from '../../bson/value.ts';

/** What an expression yields; undefined when it is missing. */
export type Value = RawValue | undefined;

export interface Expression {
  /** Set when the value is the same for every document. */
  readonly constant: RawValue | undefined;
  /** Set when it is missing for every document, as `$$REMOVE`. */
  readonly isMissing?: true;
  /** Set when the value changes only with the variables of a stage around the pipeline. */
  readonly outer?: OuterScope;
  /** The value for the document `root`, a whole document from its first byte; undefined when it is missing. */
  evaluate(root: Uint8Array): Value;
}

/** A stage whose pipeline has expressions that look at nothing but its variables (outer_values.ts). */
export interface OuterScope {
  /** How many pipelines are around: the variables of inner stages change more often. */
  readonly depth: number;
  /** The expression of those parts. */
  add(parts: readonly Expression[], evaluate: (root: Uint8Array) => Value): Expression;
}
