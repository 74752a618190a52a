/** `$covariancePop` and `$covarianceSamp` of two expressions; pairs that are not both numbers do not count. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf, RAW_NULL, rawDouble } from '../../bson/value.ts';
import { compileExpression } from '../expression.ts';
import { itemsOf } from '../update/array_value.ts';
import { WHOLE_PARTITION, windowOf } from './bounds.ts';
import type { WindowFunctionKind } from './window_function.ts';

/** `lost`: how many degrees of freedom the means take. */
function covarianceFunction(name: `$${string}`, lost: 0 | 1): WindowFunctionKind {
  return {
    name,
    compile(operand, context) {
      const { scope } = context;
      const [left, right, ...rest] = operand.type === BSON_TYPE.array ? itemsOf(operand) : [];
      if (left === undefined || right === undefined || rest.length > 0) {
        throw new CommandError('FailedToParse', `${name} takes an array of two expressions`);
      }
      const [x, y] = [compileExpression(left, scope), compileExpression(right, scope)];
      const window = context.window() ?? WHOLE_PARTITION;
      return {
        open(partition) {
          const range = windowOf(window, partition);
          return (index) => {
            const { from, to } = range(index);
            const pairs: (readonly [number, number])[] = [];
            for (let i = from; i < to; i++) {
              const document = partition.document(i);
              const [a, b] = [x.evaluate(document), y.evaluate(document)];
              if (a === undefined || b === undefined) continue;
              if (isNumericType(a.type) && isNumericType(b.type)) pairs.push([numberOf(a), numberOf(b)]);
            }
            return pairs.length <= lost ? RAW_NULL : rawDouble(comoment(pairs) / (pairs.length - lost));
          };
        },
      };
    },
  };
}

/** The sum of the products of what each number differs from its mean by. */
function comoment(pairs: readonly (readonly [number, number])[]): number {
  let sum = 0;
  let [meanX, meanY] = [0, 0];
  for (const [i, [x, y]] of pairs.entries()) {
    const difference = x - meanX;
    meanX += difference / (i + 1);
    meanY += (y - meanY) / (i + 1);
    sum += difference * (y - meanY);
  }
  return sum;
}

export const covarianceFunctions: readonly WindowFunctionKind[] = [
  covarianceFunction('$covariancePop', 0),
  covarianceFunction('$covarianceSamp', 1),
];
