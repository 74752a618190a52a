/** Which of many values are among others: what `$addToSet` and `$pullAll` ask of arrays. */
import type { RawValue } from '../../bson/value.ts';
import type { ValueOrder } from '../value_order.ts';

/** Up to this many values are compared one by one; of more, keys are looked up. */
const COMPARED_VALUES_MAX = 8;

export type Contains = (value: RawValue) => boolean;

/** Whether a value is equal to one of `values`. */
export function containsOneOf(values: readonly RawValue[], { compare, keyOf }: ValueOrder): Contains {
  if (values.length <= COMPARED_VALUES_MAX) return (value) => values.some((other) => compare(value, other) === 0);
  const keys = new Set(values.map(keyOf));
  return (value) => keys.has(keyOf(value));
}

/** The first of those that are equal. */
export function distinctOf(values: readonly RawValue[], { keyOf }: ValueOrder): readonly RawValue[] {
  if (values.length < 2) return values;
  const first = new Map<string, RawValue>();
  for (const value of values) {
    const key = keyOf(value);
    if (!first.has(key)) first.set(key, value);
  }
  return [...first.values()];
}

/** Those of `values` that are equal to none of `others`. */
export function missingFrom(
  others: readonly RawValue[],
  values: readonly RawValue[],
  order: ValueOrder,
): readonly RawValue[] {
  if (values.length > COMPARED_VALUES_MAX) {
    const isThere = containsOneOf(others, order);
    return values.filter((value) => !isThere(value));
  }
  return values.filter((value) => !others.some((other) => order.compare(value, other) === 0));
}
