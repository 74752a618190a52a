/** `$literal`: the operand as it is. */
import type { ExpressionOperator } from './types.ts';

export const literalOperator: ExpressionOperator = {
  name: '$literal',
  compile: (operand) => ({ constant: operand, evaluate: () => operand }),
};
