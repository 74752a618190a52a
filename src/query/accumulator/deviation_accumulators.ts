/** `$stdDevPop` and `$stdDevSamp`, by Welford's method as in MongoDB; what is not a number does not count. */
import { isNumericType } from '../../bson/types.ts';
import { numberOf, RAW_NULL, rawDouble } from '../../bson/value.ts';
import { unaryAccumulator, type AccumulatorKind } from './accumulator.ts';

/** `lost`: how many degrees of freedom the mean takes. */
function deviationAccumulator(name: `$${string}`, lost: 0 | 1): AccumulatorKind {
  return unaryAccumulator(name, () => {
    let count = 0;
    let mean = 0;
    let squares = 0;
    return {
      add(value) {
        if (value === undefined || !isNumericType(value.type)) return;
        const number = numberOf(value);
        count++;
        const delta = number - mean;
        if (delta !== 0) {
          mean += delta / count;
          squares += delta * (number - mean);
        }
      },
      result: () => (count <= lost ? RAW_NULL : rawDouble(Math.sqrt(squares / (count - lost)))),
    };
  });
}

export const standardDeviationAccumulators: readonly AccumulatorKind[] = [
  deviationAccumulator('$stdDevPop', 0),
  deviationAccumulator('$stdDevSamp', 1),
];
