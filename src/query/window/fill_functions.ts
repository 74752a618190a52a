/** `$locf` and `$linearFill`: values for documents that have null or none. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { copyValue, dateOf, numberOf, RAW_NULL, rawDouble, type RawValue } from '../../bson/value.ts';
import { compileExpression } from '../expression.ts';
import type { Partition } from './partition.ts';
import type { WindowFunctionKind } from './window_function.ts';

/** The last value that was there. */
export const locfFunction: WindowFunctionKind = {
  name: '$locf',
  compile(operand, { scope, hasWindow }) {
    if (hasWindow) throw new CommandError('FailedToParse', "'window' field is not allowed in $locf");
    const input = compileExpression(operand, scope);
    return {
      open(partition) {
        let last = RAW_NULL;
        return (index) => {
          const value = input.evaluate(partition.document(index));
          if (isThere(value)) last = copyValue(value);
          return last;
        };
      },
    };
  },
};

/** On the line between the last value before and the first one after, by the value that documents are sorted by. */
export const linearFillFunction: WindowFunctionKind = {
  name: '$linearFill',
  compile(operand, { scope, sortFields, hasWindow }) {
    if (hasWindow) throw new CommandError('FailedToParse', "'window' field is not allowed in $linearFill");
    if (sortFields.length !== 1) {
      throw new CommandError(
        605001,
        '$linearFill must be specified with a top level sortBy expression with exactly one element',
      );
    }
    const input = compileExpression(operand, scope);
    return {
      open(partition) {
        const places = placesOf(partition);
        const known = (index: number): Known | undefined => {
          const value = input.evaluate(partition.document(index));
          return isThere(value) ? { value: copyValue(value), place: places[index] } : undefined;
        };
        let before: Known | undefined;
        /** The first one with a value from there on; at the end undefined. */
        let next = 0;
        let after: Known | undefined;
        return (index) => {
          const own = known(index);
          if (own !== undefined) {
            before = own;
            return own.value;
          }
          if (before === undefined) return RAW_NULL;
          if (next <= index) {
            after = undefined;
            for (next = index + 1; next < partition.length; next++) {
              after = known(next);
              if (after !== undefined) break;
            }
          }
          return after === undefined ? RAW_NULL : between(before, after, places[index]);
        };
      },
    };
  },
};

/** A value that is there, and where. */
interface Known {
  readonly value: RawValue;
  readonly place: number;
}

function between(before: Known, after: Known, place: number): RawValue {
  const [low, high] = [numberIn(before.value), numberIn(after.value)];
  return rawDouble(low + (place - before.place) * ((high - low) / (after.place - before.place)));
}

function isThere(value: RawValue | undefined): value is RawValue {
  return value !== undefined && value.type !== BSON_TYPE.null && value.type !== BSON_TYPE.undefined;
}

function numberIn(value: RawValue): number {
  if (isNumericType(value.type)) return numberOf(value);
  throw new CommandError('TypeMismatch', 'Value to be filled must be numeric or nullish');
}

/** What documents are sorted by as numbers: all are dates, or none is. */
function placesOf(partition: Partition): number[] {
  const places: number[] = [];
  let areDates: boolean | undefined;
  for (let i = 0; i < partition.length; i++) {
    const value = partition.sortValue(i);
    const place = placeOf(value);
    const isDate = value?.type === BSON_TYPE.date;
    areDates ??= isDate;
    if (isDate !== areDates) {
      throw new CommandError('TypeMismatch', 'Conflicting sort value types, previous and current types do not match');
    }
    if (i > 0 && place === places[i - 1]) {
      throw new CommandError(6050106, 'There can be no repeated values in the sort field');
    }
    places.push(place);
  }
  return places;
}

function placeOf(value: RawValue | undefined): number {
  if (value?.type === BSON_TYPE.date) return dateOf(value);
  if (value !== undefined && isNumericType(value.type)) return numberOf(value);
  throw new CommandError('TypeMismatch', '$linearFill: the sortBy value must be a number or a date');
}
