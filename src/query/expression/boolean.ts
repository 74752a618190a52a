/** `$and $or $not`: they stop at the operand that decides. */
import { isTruthy, rawBool } from '../../bson/value.ts';
import { lazyOperator, unaryOperator } from './arguments.ts';
import type { Value } from './types.ts';

export function isTrue(value: Value): boolean {
  return value !== undefined && isTruthy(value);
}

export const andOperator = lazyOperator('$and', (parts, root) =>
  rawBool(parts.every((part) => isTrue(part.evaluate(root)))),
);

export const orOperator = lazyOperator('$or', (parts, root) =>
  rawBool(parts.some((part) => isTrue(part.evaluate(root)))),
);

export const notOperator = unaryOperator('$not', (value) => rawBool(!isTrue(value)));
