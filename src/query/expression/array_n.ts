/** `$firstN $lastN $maxN $minN` of an array: `{n, input}`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { int64Of } from '../number/whole.ts';
import { itemsOf } from '../update/array_value.ts';
import { folded } from './arguments.ts';
import { arrayOf, isArray, isNullish, typeNameOf } from './build.ts';
import type { ValueOrder } from '../value_order.ts';
import type { ExpressionScope } from './scope.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';

function arrayNOperator(
  name: `$${string}`,
  take: (items: readonly RawValue[], n: number, order: ValueOrder) => readonly RawValue[],
): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const { n, input } = parse(name, operand, scope);
      return folded([n, input], (root) => {
        const count = countOperand(n.evaluate(root));
        const array = input.evaluate(root);
        if (!isArray(array)) throw new CommandError(5788200, `Input must be an array, but is ${typeNameOf(array)}`);
        return arrayOf(take(itemsOf(array), count, scope.order));
      });
    },
  };
}

function parse(name: string, operand: RawValue, scope: ExpressionScope): { n: Expression; input: Expression } {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(5787801, `specification must be an object; found ${name}: ${typeAlias(operand.type)}`);
  }
  let n: Expression | undefined;
  let input: Expression | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'n') n = scope.compile(reader.value());
    else if (key === 'input') input = scope.compile(reader.value());
    else throw new CommandError(5787901, `Unknown argument for ${name}: ${key}`);
  }
  if (n === undefined) throw new CommandError(5787906, `Missing value for 'n' in ${name}`);
  if (input === undefined) throw new CommandError(5787907, `Missing value for 'input' in ${name}`);
  return { n, input };
}

function countOperand(value: Value): number {
  const count = value === undefined ? undefined : int64Of(value);
  if (count === undefined) {
    throw new CommandError(5787902, `Value for 'n' must be of integral type, but found ${shownValue(value)}`);
  }
  if (count <= 0n) throw new CommandError(5787908, `'n' must be greater than 0, found ${count}`);
  return Number(count);
}

/** What there is besides null, undefined and missing, sorted; equal items stay in order. */
function extremes(direction: 1 | -1) {
  return (items: readonly RawValue[], n: number, order: ValueOrder): readonly RawValue[] =>
    items
      .filter((item) => !isNullish(item))
      .sort((a, b) => order.compare(a, b) * direction)
      .slice(0, n);
}

export const ARRAY_N_OPERATORS: readonly ExpressionOperator[] = [
  arrayNOperator('$firstN', (items, n) => items.slice(0, n)),
  arrayNOperator('$lastN', (items, n) => items.slice(-n)),
  arrayNOperator('$maxN', extremes(-1)),
  arrayNOperator('$minN', extremes(1)),
];
