/** `$eq $ne $lt $lte $gt $gte` as operators of a field. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { isCollatable, type ValueOrder } from '../value_order.ts';
import { comparisonTest } from './comparison.ts';
import type { FieldOperator } from './field_operator.ts';
import type { ComparisonOperator, LeafPredicate, Predicate } from './predicate.ts';

/** The comparison of whatever `path` leads to with `operand`. */
export function comparison(kind: ComparisonOperator, path: string, operand: RawValue, order: ValueOrder): Predicate {
  if (operand.type === BSON_TYPE.undefined) throw new CommandError('BadValue', 'cannot compare to undefined');
  if (operand.type === BSON_TYPE.regex && kind !== 'eq') {
    throw new CommandError('BadValue', `Can't have RegEx as arg to predicate over field '${path}'.`);
  }
  return comparisonLeaf(kind, path, operand, order);
}

/** As {@link comparison}, for operands that are known to be good. */
export function comparisonLeaf(
  kind: ComparisonOperator,
  path: string,
  operand: RawValue,
  order: ValueOrder,
): LeafPredicate {
  const leaf = { kind, path, value: operand, test: comparisonTest(kind, operand, order), expandArrays: true };
  const { collation } = order;
  return collation !== undefined && isCollatable(operand) ? { ...leaf, collation } : leaf;
}

function operator(name: `$${string}`, kind: ComparisonOperator): FieldOperator {
  return { name, parse: (path, operand, { scope }) => comparison(kind, path, operand, scope.order) };
}

export const eqOperator = operator('$eq', 'eq');
export const ltOperator = operator('$lt', 'lt');
export const lteOperator = operator('$lte', 'lte');
export const gtOperator = operator('$gt', 'gt');
export const gteOperator = operator('$gte', 'gte');

export const neOperator: FieldOperator = {
  name: '$ne',
  parse(path, operand, { scope }) {
    if (operand.type === BSON_TYPE.regex) throw new CommandError('BadValue', "Can't have regex as arg to $ne.");
    return { kind: 'not', child: comparison('eq', path, operand, scope.order) };
  },
};
