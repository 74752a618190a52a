/** Compiled expressions, and what one operator provides; the table is in operators.ts. */
import type { RawValue } from '../../bson/value.ts';

export interface Expression {
  /** Set when the value is the same for every document. */
  readonly constant: RawValue | undefined;
  /** The value for the document `root`, a whole document from its first byte; undefined when it is missing. */
  evaluate(root: Uint8Array): RawValue | undefined;
}

export interface ExpressionOperator {
  readonly name: `$${string}`;
  /** `compile` is for operands that are expressions themselves. */
  compile(operand: RawValue, compile: (operand: RawValue) => Expression): Expression;
}
