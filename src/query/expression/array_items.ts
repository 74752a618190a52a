/** `$arrayElemAt $first $last $isArray $size $in $reverseArray $concatArrays $slice $range`. */
import { CommandError } from '../../base/command_error.ts';
import { EXPRESSION_RANGE_ITEMS_MAX } from '../../base/limits.ts';
import { countElements, ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import {
  isNumeric,
  numberOf,
  RAW_FALSE,
  RAW_NULL,
  RAW_TRUE,
  RAW_UNDEFINED,
  rawBool,
  rawInt32,
  type RawValue,
} from '../../bson/value.ts';
import { printedNumber } from '../number/print_number.ts';
import { int32Of } from '../number/whole.ts';
import { itemsOf } from '../update/array_value.ts';
import { binaryOperator, lazyOperator, listOperator, nullableOperator, unaryOperator } from './arguments.ts';
import { arrayOf, int32Array, isArray, isNullish, isNumber, typeNameOf } from './build.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';
import { ItemList } from './value_limits.ts';

function itemAt(array: RawValue, index: number): Value {
  const reader = new ElementReader(array.bytes, array.start);
  for (let i = 0; reader.next(); i++) if (i === index) return reader.value();
  return undefined;
}

/** A negative index counts from the end; beyond the ends is missing. */
export const arrayElemAtOperator = binaryOperator('$arrayElemAt', (array, index) => {
  if (isNullish(array) || isNullish(index)) return RAW_NULL;
  if (!isArray(array)) throw notArray('$arrayElemAt', "'s first argument must be an array, but is", array);
  if (!isNumber(index)) {
    throw new CommandError(
      28690,
      `$arrayElemAt's second argument must be a numeric value, but is ${typeNameOf(index)}`,
    );
  }
  const whole = int32Of(index);
  if (whole === undefined) {
    throw new CommandError(
      28691,
      `$arrayElemAt's second argument must be representable as a 32-bit integer: ${printedNumber(index)}`,
    );
  }
  return itemAt(array, whole < 0 ? countElements(array.bytes, array.start) + whole : whole);
});

function notArray(name: string, message: string, value: Value): CommandError {
  return new CommandError(28689, `${name}${message} ${typeNameOf(value)}`);
}

function endOperator(name: `$${string}`, indexIn: (array: RawValue) => number): ExpressionOperator {
  return nullableOperator(name, (array) => {
    if (!isArray(array)) throw notArray(name, "'s argument must be an array, but is", array);
    return itemAt(array, indexIn(array));
  });
}

export const firstOperator = endOperator('$first', () => 0);
export const lastOperator = endOperator('$last', (array) => countElements(array.bytes, array.start) - 1);

export const isArrayOperator = unaryOperator('$isArray', (value) => rawBool(isArray(value)));

export const sizeOperator = unaryOperator('$size', (array) => {
  if (isArray(array)) return rawInt32(countElements(array.bytes, array.start));
  throw new CommandError(17124, `The argument to $size must be an array, but was of type: ${typeNameOf(array)}`);
});

export const inOperator = binaryOperator('$in', (sought, array, { order }) => {
  if (!isArray(array)) {
    throw new CommandError(40081, `$in requires an array as a second argument, found: ${typeNameOf(array)}`);
  }
  const reader = new ElementReader(array.bytes, array.start);
  while (reader.next()) if (order.compare(reader, sought ?? RAW_UNDEFINED) === 0) return RAW_TRUE;
  return RAW_FALSE;
});

export const reverseArrayOperator = nullableOperator('$reverseArray', (array) => {
  if (isArray(array)) return arrayOf(itemsOf(array).reverse());
  const found = typeNameOf(array);
  throw new CommandError(34435, `The argument to $reverseArray must be an array, but was of type: ${found}`);
});

export const concatArraysOperator = lazyOperator('$concatArrays', (parts, root) => {
  const list = new ItemList('$concatArrays');
  for (const part of parts) {
    const array = part.evaluate(root);
    if (isNullish(array)) return RAW_NULL;
    if (!isArray(array)) throw new CommandError(28664, `$concatArrays only supports arrays, not ${typeNameOf(array)}`);
    const reader = new ElementReader(array.bytes, array.start);
    while (reader.next()) list.push(reader.value());
  }
  return arrayOf(list.items);
});

/** `[array, count]` or `[array, position, count]`; what is negative counts from the end. */
export const sliceOperator = listOperator(
  '$slice',
  (values) => {
    const [array, second, third] = values;
    if (isNullish(array) || isNullish(second)) return RAW_NULL;
    if (!isArray(array)) {
      throw new CommandError(28724, `First argument to $slice must be an array, but is of type: ${typeNameOf(array)}`);
    }
    const position = sliceOperand(second, { which: 'Second', notNumber: 28725, notWhole: 28726 });
    if (values.length === 2) {
      const items = itemsOf(array);
      return arrayOf(position < 0 ? items.slice(Math.max(0, items.length + position)) : items.slice(0, position));
    }
    if (isNullish(third)) return RAW_NULL;
    const count = sliceOperand(third, { which: 'Third', notNumber: 28727, notWhole: 28728 });
    if (count <= 0) throw new CommandError(28729, `Third argument to $slice must be positive: ${count}`);
    const items = itemsOf(array);
    const start = position < 0 ? Math.max(0, items.length + position) : position;
    return arrayOf(items.slice(start, start + count));
  },
  { min: 2, max: 3 },
);

interface WholeErrors {
  readonly which: string;
  readonly notNumber: number;
  readonly notWhole: number;
}

function sliceOperand(value: RawValue, { which, notNumber, notWhole }: WholeErrors): number {
  if (!isNumeric(value)) {
    throw new CommandError(
      notNumber,
      `${which} argument to $slice must be numeric, but is of type: ${typeNameOf(value)}`,
    );
  }
  const whole = int32Of(value);
  if (whole !== undefined) return whole;
  const shown = printedNumber(value);
  throw new CommandError(notWhole, `${which} argument to $slice can't be represented as a 32-bit integer: ${shown}`);
}

/** From start up to, but without, end. */
export const rangeOperator = listOperator(
  '$range',
  (values) => {
    const start = rangeOperand(values[0], 'starting value', 34443, 34444);
    const end = rangeOperand(values[1], 'ending value', 34445, 34446);
    const step = values.length > 2 ? rangeOperand(values[2], 'step value', 34447, 34448) : 1;
    if (step === 0) throw new CommandError(34449, '$range requires a non-zero step value');
    const count = Math.max(0, Math.ceil((end - start) / step));
    if (count > EXPRESSION_RANGE_ITEMS_MAX) {
      throw new CommandError('ExceededMemoryLimit', `$range would use too much memory for ${count} items`);
    }
    return int32Array(start, step, count);
  },
  { min: 2, max: 3 },
);

function rangeOperand(value: Value, what: string, notNumber: number, notWhole: number): number {
  if (!isNumber(value)) {
    const found = typeNameOf(value);
    throw new CommandError(notNumber, `$range requires a numeric ${what}, found value of type: ${found}`);
  }
  const whole = int32Of(value);
  if (whole !== undefined) return whole;
  const shown = value.type === BSON_TYPE.double ? String(numberOf(value)) : printedNumber(value);
  throw new CommandError(
    notWhole,
    `$range requires a ${what} that can be represented as a 32-bit integer, found value: ${shown}`,
  );
}
