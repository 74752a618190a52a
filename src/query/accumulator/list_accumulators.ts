/** `$push` and `$addToSet`; missing values are left out. */
import { KeyWriter } from '../../bson/key.ts';
import { copyValue, type RawValue } from '../../bson/value.ts';
import { keyText } from '../key_text.ts';
import { rawArrayOf } from '../update/array_value.ts';
import type { AccumulatorKind } from './accumulator.ts';

export const pushAccumulator: AccumulatorKind = {
  name: '$push',
  create() {
    const values: RawValue[] = [];
    return {
      add(value) {
        if (value !== undefined) values.push(copyValue(value));
      },
      result: () => rawArrayOf(values),
    };
  },
};

/** In order of first appearance. */
export const addToSetAccumulator: AccumulatorKind = {
  name: '$addToSet',
  create() {
    const values = new Map<string, RawValue>();
    const writer = new KeyWriter();
    return {
      add(value) {
        if (value === undefined) return;
        const key = keyText(writer.reset().append(value).finish());
        if (!values.has(key)) values.set(key, copyValue(value));
      },
      result: () => rawArrayOf([...values.values()]),
    };
  },
};
