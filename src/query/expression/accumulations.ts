/**
 * Accumulators as expressions: over the items of an array when there is one operand, over the operands when there are
 * more.
 */
import { RAW_NULL, rawDouble, type RawValue } from '../../bson/value.ts';
import { Deviation } from '../number/deviation.ts';
import { NumberSum } from '../number/sum.ts';
import { itemsOf } from '../update/array_value.ts';
import { compileAll, folded, operandsOf } from './arguments.ts';
import { isArray, isNullish, isNumber } from './build.ts';
import type { ValueOrder } from '../value_order.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';

function listedOperator(
  name: `$${string}`,
  evaluate: (values: readonly Value[], order: ValueOrder) => Value,
): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const parts = compileAll(operandsOf(operand), scope);
      return folded(parts, (root) => {
        const values = parts.map((part) => part.evaluate(root));
        const [only] = values;
        return evaluate(values.length === 1 && isArray(only) ? itemsOf(only) : values, scope.order);
      });
    },
  };
}

const sumOperator = listedOperator('$sum', (values) => {
  const sum = new NumberSum();
  for (const value of values) if (isNumber(value)) sum.add(value);
  return sum.result();
});

const avgOperator = listedOperator('$avg', (values) => {
  const sum = new NumberSum();
  const numbers = values.filter(isNumber);
  for (const value of numbers) sum.add(value);
  return numbers.length === 0 ? RAW_NULL : sum.average(numbers.length);
});

/** Equal values: the first one stays. */
function extreme(name: `$${string}`, direction: 1 | -1): ExpressionOperator {
  return listedOperator(name, (values, order) => {
    let best: RawValue | undefined;
    for (const value of values) {
      if (isNullish(value)) continue;
      if (best === undefined || order.compare(value, best) * direction > 0) best = value;
    }
    return best ?? RAW_NULL;
  });
}

function deviationOperator(name: `$${string}`, isSample: boolean): ExpressionOperator {
  return listedOperator(name, (values) => {
    const deviation = new Deviation();
    for (const value of values) if (isNumber(value)) deviation.add(value);
    const result = deviation.result(isSample);
    return result === undefined ? RAW_NULL : rawDouble(result);
  });
}

export const ACCUMULATION_OPERATORS: readonly ExpressionOperator[] = [
  sumOperator,
  avgOperator,
  extreme('$max', 1),
  extreme('$min', -1),
  deviationOperator('$stdDevPop', false),
  deviationOperator('$stdDevSamp', true),
];
