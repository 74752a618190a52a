/** Operators on arrays as sets: order and repetition mean nothing, numbers are equal by value. */
import { CommandError } from '../../base/command_error.ts';
import { isTruthy, RAW_NULL, rawBool, type RawValue } from '../../bson/value.ts';
import { itemsOf } from '../update/array_value.ts';
import { binaryOperator, lazyOperator, operandsOf, unaryOperator } from './arguments.ts';
import { arrayOf, isArray, isNullish, typeNameOf } from './build.ts';
import type { ValueOrder } from '../value_order.ts';
import type { ExpressionScope } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';

type KeyedItems = Map<string, RawValue>;

function setOf(array: RawValue, order: ValueOrder): KeyedItems {
  const items: KeyedItems = new Map();
  for (const item of itemsOf(array)) {
    const key = order.keyOf(item);
    if (!items.has(key)) items.set(key, item);
  }
  return items;
}

/** In the order of values. */
function sorted(items: Iterable<RawValue>, { order }: ExpressionScope): RawValue {
  return arrayOf([...items].sort((a, b) => order.compare(a, b)));
}

function operandError(code: number, name: string, value: Value): CommandError {
  return new CommandError(
    code,
    `All operands of ${name} must be arrays. One argument is of type: ${typeNameOf(value)}`,
  );
}

export const setUnionOperator = lazyOperator('$setUnion', (parts, root, scope) => {
  const union: KeyedItems = new Map();
  for (const part of parts) {
    const array = part.evaluate(root);
    if (isNullish(array)) return RAW_NULL;
    if (!isArray(array)) throw operandError(17043, '$setUnion', array);
    for (const [key, item] of setOf(array, scope.order)) if (!union.has(key)) union.set(key, item);
  }
  return sorted(union.values(), scope);
});

/** Once it is empty, what comes after is not looked at. */
export const setIntersectionOperator = lazyOperator('$setIntersection', (parts, root, scope) => {
  let common: KeyedItems | undefined;
  for (const part of parts) {
    const array = part.evaluate(root);
    if (isNullish(array)) return RAW_NULL;
    if (!isArray(array)) throw operandError(17047, '$setIntersection', array);
    const set = setOf(array, scope.order);
    if (common === undefined) common = set;
    else for (const key of common.keys()) if (!set.has(key)) common.delete(key);
    if (common.size === 0) break;
  }
  return sorted(common?.values() ?? [], scope);
});

export const setDifferenceOperator = binaryOperator('$setDifference', (left, right, { order }) => {
  if (isNullish(left) || isNullish(right)) return RAW_NULL;
  if (!isArray(left)) throw pairError('$setDifference', 17048, 'First', left);
  if (!isArray(right)) throw pairError('$setDifference', 17049, 'Second', right);
  const excluded = setOf(right, order);
  const kept: RawValue[] = [];
  for (const [key, item] of setOf(left, order)) if (!excluded.has(key)) kept.push(item);
  return arrayOf(kept);
});

export const setIsSubsetOperator = binaryOperator('$setIsSubset', (left, right, { order }) => {
  if (!isArray(left)) throw pairError('$setIsSubset', 17046, 'First', left);
  if (!isArray(right)) throw pairError('$setIsSubset', 17042, 'Second', right);
  const whole = setOf(right, order);
  return rawBool([...setOf(left, order).keys()].every((key) => whole.has(key)));
});

function pairError(name: string, code: number, which: string, value: Value): CommandError {
  const found = typeNameOf(value);
  return new CommandError(code, `both operands of ${name} must be arrays. ${which} argument is of type: ${found}`);
}

const setEqualsList = lazyOperator('$setEquals', (parts, root, { order }) => {
  let first: KeyedItems | undefined;
  for (const part of parts) {
    const array = part.evaluate(root);
    if (!isArray(array)) throw operandError(17044, '$setEquals', array);
    const set = setOf(array, order);
    first ??= set;
    const isSame = set.size === first.size && [...set.keys()].every((key) => first?.has(key) === true);
    if (!isSame) return rawBool(false);
  }
  return rawBool(true);
});

export const setEqualsOperator: ExpressionOperator = {
  name: '$setEquals',
  compile(operand, scope) {
    const count = operandsOf(operand).length;
    if (count < 2) throw new CommandError(17045, `$setEquals needs at least two arguments had: ${count}`);
    return setEqualsList.compile(operand, scope);
  },
};

export const allElementsTrueOperator = unaryOperator('$allElementsTrue', (array) => {
  if (isArray(array)) return rawBool(itemsOf(array).every(isTruthy));
  throw new CommandError(17040, `$allElementsTrue's argument must be an array, but is ${typeNameOf(array)}`);
});

export const anyElementTrueOperator = unaryOperator('$anyElementTrue', (array) => {
  if (isArray(array)) return rawBool(itemsOf(array).some(isTruthy));
  throw new CommandError(17041, `$anyElementTrue's argument must be an array, but is ${typeNameOf(array)}`);
});
