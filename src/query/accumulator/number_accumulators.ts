/** `$sum` and `$avg`: what is not a number does not count. */
import { isNumericType } from '../../bson/types.ts';
import { RAW_NULL } from '../../bson/value.ts';
import { NumberSum } from '../number/sum.ts';
import { unaryAccumulator } from './accumulator.ts';

export const sumAccumulator = unaryAccumulator('$sum', () => {
  const sum = new NumberSum();
  return {
    add(value) {
      if (value !== undefined && isNumericType(value.type)) sum.add(value);
    },
    result: () => sum.result(),
  };
});

export const avgAccumulator = unaryAccumulator('$avg', () => {
  const sum = new NumberSum();
  let count = 0;
  return {
    add(value) {
      if (value === undefined || !isNumericType(value.type)) return;
      sum.add(value);
      count++;
    },
    result: () => (count === 0 ? RAW_NULL : sum.average(count)),
  };
});
