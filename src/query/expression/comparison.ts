/** `$cmp $eq $ne $gt $gte $lt $lte`. A missing value compares as undefined does. */
import { RAW_UNDEFINED, rawBool, rawInt32, type RawValue } from '../../bson/value.ts';
import { binaryOperator } from './arguments.ts';
import type { ExpressionOperator } from './operator.ts';

function comparisonOperator(name: `$${string}`, result: (order: number) => RawValue): ExpressionOperator {
  return binaryOperator(name, (left, right, { order }) =>
    result(order.compare(left ?? RAW_UNDEFINED, right ?? RAW_UNDEFINED)),
  );
}

export const cmpOperator = comparisonOperator('$cmp', (order) => rawInt32(Math.sign(order)));
export const eqOperator = comparisonOperator('$eq', (order) => rawBool(order === 0));
export const neOperator = comparisonOperator('$ne', (order) => rawBool(order !== 0));
export const gtOperator = comparisonOperator('$gt', (order) => rawBool(order > 0));
export const gteOperator = comparisonOperator('$gte', (order) => rawBool(order >= 0));
export const ltOperator = comparisonOperator('$lt', (order) => rawBool(order < 0));
export const lteOperator = comparisonOperator('$lte', (order) => rawBool(order <= 0));
