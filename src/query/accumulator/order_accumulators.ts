/** `$min $max $first $last`. */
import { BSON_TYPE } from '../../bson/types.ts';
import { copyValue, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { unaryAccumulator, type AccumulatorKind } from './accumulator.ts';

/** `direction` 1 keeps the largest. Null, undefined and missing do not count. */
function extremeAccumulator(name: `$${string}`, direction: 1 | -1): AccumulatorKind {
  return unaryAccumulator(name, (_memory, { order }) => {
    let best: RawValue | undefined;
    return {
      add(value) {
        if (value === undefined || value.type === BSON_TYPE.null || value.type === BSON_TYPE.undefined) return;
        if (best === undefined || order.compare(value, best) * direction > 0) best = copyValue(value);
      },
      result: () => best ?? RAW_NULL,
    };
  });
}

export const maxAccumulator = extremeAccumulator('$max', 1);
export const minAccumulator = extremeAccumulator('$min', -1);

export const firstAccumulator = unaryAccumulator('$first', () => {
  let first: RawValue | undefined;
  return {
    add(value) {
      first ??= value === undefined ? RAW_NULL : copyValue(value);
    },
    result: () => first ?? RAW_NULL,
  };
});

export const lastAccumulator = unaryAccumulator('$last', () => {
  let last: RawValue = RAW_NULL;
  return {
    add(value) {
      last = value === undefined ? RAW_NULL : copyValue(value);
    },
    result: () => last,
  };
});
