/** What one operator of expressions provides; the table is in operators.ts. */
import type { RawValue } from '../../bson/value.ts';
import type { ExpressionScope } from './scope.ts';
import type { Expression } from './types.ts';

export interface ExpressionOperator {
  readonly name: `$${string}`;
  /** `scope` compiles operands that are expressions themselves. */
  compile(operand: RawValue, scope: ExpressionScope): Expression;
}
