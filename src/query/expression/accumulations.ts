/**
 * Accumulators as expressions: over the items of an array when there is one operand, over the operands when there are
 * more.
 */
import { ElementReader } from '../../bson/elements.ts';
import { RAW_NULL, rawDouble, type RawValue } from '../../bson/value.ts';
import { Deviation } from '../number/deviation.ts';
import { NumberSum } from '../number/sum.ts';
import { compileAll, folded, operandsOf } from './arguments.ts';
import { isArray, isNullish, isNumber } from './build.ts';
import type { ValueOrder } from '../value_order.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';
import { loopOf } from './work.ts';

/** What there is of the values so far. */
interface Total {
  add(value: Value): void;
  result(): RawValue;
}

/** Items between two looks at the clock. */
const ITEMS_PER_STEP = 16;

function listedOperator(name: `$${string}`, begin: (order: ValueOrder) => Total): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const parts = compileAll(operandsOf(operand), scope);
      const evaluate = loopOf<{ readonly items: ElementReader; readonly total: Total }>(scope.work, {
        start(root) {
          const total = begin(scope.order);
          const values = parts.map((part) => part.evaluate(root));
          const [only] = values;
          if (values.length === 1 && isArray(only)) return { items: new ElementReader(only.bytes, only.start), total };
          for (const value of values) total.add(value);
          return total.result();
        },
        step({ items, total }) {
          for (let i = 0; i < ITEMS_PER_STEP; i++) {
            if (!items.next()) return false;
            total.add(items.value());
          }
          return true;
        },
        end: ({ total }) => total.result(),
      });
      return folded(parts, evaluate);
    },
  };
}

const sumOperator = listedOperator('$sum', () => {
  const sum = new NumberSum();
  return {
    add(value) {
      if (isNumber(value)) sum.add(value);
    },
    result: () => sum.result(),
  };
});

const avgOperator = listedOperator('$avg', () => {
  const sum = new NumberSum();
  let count = 0;
  return {
    add(value) {
      if (!isNumber(value)) return;
      sum.add(value);
      count++;
    },
    result: () => (count === 0 ? RAW_NULL : sum.average(count)),
  };
});

/** Equal values: the first one stays. */
function extreme(name: `$${string}`, direction: 1 | -1): ExpressionOperator {
  return listedOperator(name, (order) => {
    let best: RawValue | undefined;
    return {
      add(value) {
        if (isNullish(value)) return;
        if (best === undefined || order.compare(value, best) * direction > 0) best = value;
      },
      result: () => best ?? RAW_NULL,
    };
  });
}

function deviationOperator(name: `$${string}`, isSample: boolean): ExpressionOperator {
  return listedOperator(name, () => {
    const deviation = new Deviation();
    return {
      add(value) {
        if (isNumber(value)) deviation.add(value);
      },
      result() {
        const result = deviation.result(isSample);
        return result === undefined ? RAW_NULL : rawDouble(result);
      },
    };
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
