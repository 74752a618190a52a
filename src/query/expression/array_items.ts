/** `$arrayElemAt $first $last $isArray $size $in $reverseArray $concatArrays $slice $range`. */
import { CommandError } from '../../base/command_error.ts';
import { countElements, ElementReader } from '../../bson/elements.ts';
import {
  isNumeric,
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
import {
  binaryOperator,
  compileAll,
  countedOperands,
  exactOperands,
  folded,
  nullableOperator,
  operandsOf,
  unaryOperator,
} from './arguments.ts';
import { isArray, isNullish, isNumber, typeNameOf } from './build.ts';
import { ItemList } from './item_list.ts';
import { ItemWalk } from './item_walk.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';
import { loopOf } from './work.ts';

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

interface Reversing {
  readonly walk: ItemWalk;
  readonly items: RawValue[];
  readonly reversed: ItemList;
}

export const reverseArrayOperator: ExpressionOperator = {
  name: '$reverseArray',
  compile(operand, scope) {
    const [input] = compileAll(exactOperands('$reverseArray', operand, 1), scope);
    const reverse = loopOf<Reversing>(scope.work, {
      start(root) {
        const array = input.evaluate(root);
        if (isNullish(array)) return RAW_NULL;
        if (isArray(array)) return { walk: new ItemWalk(array), items: [], reversed: new ItemList('$reverseArray') };
        const found = typeNameOf(array);
        throw new CommandError(34435, `The argument to $reverseArray must be an array, but was of type: ${found}`);
      },
      step({ walk, items, reversed }) {
        if (walk.hasItem()) {
          items.push(walk.item);
          walk.pass();
          return true;
        }
        const last = items.pop();
        if (last !== undefined) reversed.push(last);
        return last !== undefined;
      },
      end: ({ reversed }) => reversed.array(),
    });
    return folded([input], reverse);
  },
};

interface Joining {
  readonly arrays: readonly RawValue[];
  readonly list: ItemList;
  next: number;
  reader: ElementReader | undefined;
}

export const concatArraysOperator: ExpressionOperator = {
  name: '$concatArrays',
  compile(operand, scope) {
    const parts = compileAll(operandsOf(operand), scope);
    const join = loopOf<Joining>(scope.work, {
      start(root) {
        const arrays: RawValue[] = [];
        for (const part of parts) {
          const array = part.evaluate(root);
          if (isNullish(array)) return RAW_NULL;
          if (!isArray(array)) {
            throw new CommandError(28664, `$concatArrays only supports arrays, not ${typeNameOf(array)}`);
          }
          arrays.push(array);
        }
        return { arrays, list: new ItemList('$concatArrays'), next: 0, reader: undefined };
      },
      step: goOnJoining,
      end: ({ list }) => list.array(),
    });
    return folded(parts, join);
  },
};

const ITEMS_PER_STEP = 128;

function goOnJoining(joining: Joining): boolean {
  for (let i = 0; i < ITEMS_PER_STEP;) {
    if (joining.reader === undefined) {
      if (joining.next === joining.arrays.length) return false;
      const array = joining.arrays[joining.next++];
      joining.reader = new ElementReader(array.bytes, array.start);
    }
    if (joining.reader.next()) {
      joining.list.push(joining.reader.value());
      i++;
    } else joining.reader = undefined;
  }
  return true;
}

interface Slicing {
  readonly reader: ElementReader;
  /** Items before the first one, and those that are taken from there. */
  skipped: number;
  taken: number;
  readonly list: ItemList;
}

/** `[array, count]` or `[array, position, count]`; what is negative counts from the end. */
export const sliceOperator: ExpressionOperator = {
  name: '$slice',
  compile(operand, scope) {
    const parts = compileAll(countedOperands('$slice', operand, { min: 2, max: 3 }), scope);
    const slice = loopOf<Slicing>(scope.work, {
      start: (root) => beginSlice(parts.map((part) => part.evaluate(root))),
      step: sliceOn,
      end: ({ list }) => list.array(),
    });
    return folded(parts, slice);
  },
};

function beginSlice(values: readonly Value[]): RawValue | Slicing {
  const [array, second, third] = values;
  if (isNullish(array) || isNullish(second)) return RAW_NULL;
  if (!isArray(array)) {
    throw new CommandError(28724, `First argument to $slice must be an array, but is of type: ${typeNameOf(array)}`);
  }
  const position = sliceOperand(second, { which: 'Second', notNumber: 28725, notWhole: 28726 });
  if (values.length === 2) return position < 0 ? slicing(array, position, Infinity) : slicing(array, 0, position);
  if (isNullish(third)) return RAW_NULL;
  const count = sliceOperand(third, { which: 'Third', notNumber: 28727, notWhole: 28728 });
  if (count <= 0) throw new CommandError(28729, `Third argument to $slice must be positive: ${count}`);
  return slicing(array, position, count);
}

function slicing(array: RawValue, position: number, taken: number): Slicing {
  const skipped = position < 0 ? Math.max(0, countElements(array.bytes, array.start) + position) : position;
  return { reader: new ElementReader(array.bytes, array.start), skipped, taken, list: new ItemList('$slice', 0) };
}

function sliceOn(state: Slicing): boolean {
  const { reader, list } = state;
  for (let i = 0; i < ITEMS_PER_STEP; i++) {
    if (state.taken === 0 || !reader.next()) return false;
    if (state.skipped > 0) state.skipped--;
    else {
      list.push(reader.value());
      state.taken--;
    }
  }
  return true;
}

interface WholeErrors {
  readonly which: string;
  readonly notNumber: number;
  readonly notWhole: number;
}

function sliceOperand(value: RawValue, { which, notNumber, notWhole }: WholeErrors): number {
  if (!isNumeric(value)) {
    throw new CommandError(
      notNumber,
      `${which} argument to $slice must be ${which === 'Second' ? 'a numeric value' : 'numeric'}, but is of type: ${typeNameOf(value)}`,
    );
  }
  const whole = int32Of(value);
  if (whole !== undefined) return whole;
  const shown = printedNumber(value);
  throw new CommandError(notWhole, `${which} argument to $slice can't be represented as a 32-bit integer: ${shown}`);
}
