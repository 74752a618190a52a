/** `$literal` and `$const`: the operand as it is. `$expr`: the operand's value, as parentheses would give. */
import { constantExpression } from './arguments.ts';
import type { ExpressionOperator } from './operator.ts';

export const literalOperator: ExpressionOperator = { name: '$literal', compile: constantExpression };
export const constOperator: ExpressionOperator = { name: '$const', compile: constantExpression };
export const exprOperator: ExpressionOperator = { name: '$expr', compile: (operand, scope) => scope.compile(operand) };
