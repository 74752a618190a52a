/** `$literal` and `$const`: the operand as it is. */
import { constantExpression } from './arguments.ts';
import type { ExpressionOperator } from './operator.ts';

export const literalOperator: ExpressionOperator = { name: '$literal', compile: constantExpression };
export const constOperator: ExpressionOperator = { name: '$const', compile: constantExpression };
