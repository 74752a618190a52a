/** `$push` and `$addToSet`; missing values are left out. */
import { copyValue, type RawValue } from '../../bson/value.ts';
import { rawArrayOf } from '../update/array_value.ts';
import { unaryAccumulator } from './accumulator.ts';

/** What keeping a value costs besides its bytes. */
const VALUE_OVERHEAD_BYTES = 16;

export const pushAccumulator = unaryAccumulator('$push', (memory) => {
  const values: RawValue[] = [];
  return {
    add(value) {
      if (value === undefined) return;
      memory.take(value.end - value.start + VALUE_OVERHEAD_BYTES);
      values.push(copyValue(value));
    },
    result: () => rawArrayOf(values),
  };
});

/** In order of first appearance. */
export const addToSetAccumulator = unaryAccumulator('$addToSet', (memory, { order }) => {
  const values = new Map<string, RawValue>();
  return {
    add(value) {
      if (value === undefined) return;
      const key = order.keyOf(value);
      if (values.has(key)) return;
      memory.take(value.end - value.start + key.length + VALUE_OVERHEAD_BYTES);
      values.set(key, copyValue(value));
    },
    result: () => rawArrayOf([...values.values()]),
  };
});
