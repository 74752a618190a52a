/** `$derivative` and `$integral`, over the value that documents are sorted by. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { dateOf, numberOf, RAW_NULL, rawDouble, type RawValue } from '../../bson/value.ts';
import { compileExpression, type Expression } from '../expression.ts';
import { WHOLE_PARTITION, windowOf } from './bounds.ts';
import { namedOperands, required, unitMs } from './operands.ts';
import type { Partition } from './partition.ts';
import type { WindowContext, WindowFunctionKind } from './window_function.ts';

export const derivativeFunction: WindowFunctionKind = {
  name: '$derivative',
  compile(operand, context) {
    const plane = planeOf('$derivative', operand, context);
    const window = context.window();
    if (window === undefined) throw new CommandError('FailedToParse', '$derivative requires explicit window bounds');
    return {
      open(partition) {
        const range = windowOf(window, partition);
        return (index) => {
          const { from, to } = range(index);
          if (to - from < 1) return RAW_NULL;
          const [x1, x2] = [plane.x(partition, from), plane.x(partition, to - 1)];
          const [y1, y2] = [plane.y(partition, from), plane.y(partition, to - 1)];
          if (y1 === undefined || y2 === undefined || x1 === x2) return RAW_NULL;
          return rawDouble(((y2 - y1) / (x2 - x1)) * plane.unit);
        };
      },
    };
  },
};

export const integralFunction: WindowFunctionKind = {
  name: '$integral',
  compile(operand, context) {
    const plane = planeOf('$integral', operand, context);
    const window = context.window() ?? WHOLE_PARTITION;
    return {
      open(partition) {
        const range = windowOf(window, partition);
        return (index) => {
          const { from, to } = range(index);
          return from === to ? RAW_NULL : rawDouble(area(plane, partition, from, to) / plane.unit);
        };
      },
    };
  },
};

/** By trapezoids between neighbours that have a number. */
function area(plane: Plane, partition: Partition, from: number, to: number): number {
  let sum = 0;
  let last: { readonly x: number; readonly y: number } | undefined;
  for (let i = from; i < to; i++) {
    const x = plane.x(partition, i);
    const y = plane.y(partition, i);
    if (y === undefined) continue;
    if (last !== undefined) sum += ((last.y + y) * (x - last.x)) / 2;
    last = { x, y };
  }
  return sum;
}

interface Plane {
  /** How many of what `x` counts in make a unit: milliseconds of dates; else 1. */
  readonly unit: number;
  /** Where a document stands. */
  x(partition: Partition, index: number): number;
  /** The input; undefined when it is no number. */
  y(partition: Partition, index: number): number | undefined;
}

type SlopeName = '$derivative' | '$integral';

function planeOf(name: SlopeName, operand: RawValue, { scope, sortFields }: WindowContext): Plane {
  const operands = namedOperands(name, operand, ['input', 'unit']);
  if (sortFields.length !== 1) {
    throw new CommandError('FailedToParse', `${name} requires a sortBy with exactly one element`);
  }
  const input: Expression = compileExpression(required(name, operands, 'input'), scope);
  const unit = operands.get('unit');
  const unitLength = unit === undefined ? undefined : unitMs(unit);
  return {
    unit: unitLength ?? 1,
    x: (partition, index) => placeOf(name, partition.sortValue(index), unitLength !== undefined),
    y(partition, index) {
      const value = input.evaluate(partition.document(index));
      return value === undefined || !isNumericType(value.type) ? undefined : numberOf(value);
    },
  };
}

function placeOf(name: SlopeName, value: RawValue | undefined, hasUnit: boolean): number {
  const isDate = value?.type === BSON_TYPE.date;
  if (isDate && hasUnit) return dateOf(value);
  if (!hasUnit && value !== undefined && isNumericType(value.type)) return numberOf(value);
  const [notDate, noUnit] = name === '$derivative' ? [5624900, 5624901] : [5423901, 5423902];
  if (hasUnit) throw new CommandError(notDate, `${name} with unit expects the sortBy field to be a Date`);
  if (isDate) throw new CommandError(noUnit, `${name} where the sortBy is a Date requires a 'unit'`);
  throw new CommandError(noUnit + 1, `${name} requires the sortBy field to be a number or a Date`);
}
