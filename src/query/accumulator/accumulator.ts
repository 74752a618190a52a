/** What one accumulator of `$group` provides; the table is in accumulators.ts. */
import type { RawValue } from '../../bson/value.ts';

/** The state of one accumulator in one group. */
export interface Accumulator {
  /** A value of the group; undefined when it is missing. The value must be copied to be kept. */
  add(value: RawValue | undefined): void;
  /** The result so far. */
  result(): RawValue;
}

export interface AccumulatorKind {
  readonly name: `$${string}`;
  create(): Accumulator;
}
