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
      open({ documents }) {
        let last = RAW_NULL;
        return (index) => {
          const value = input.evaluate(documents[index]);
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
        const values = partition.documents.map((document) => input.evaluate(document));
        const places = placesOf(partition);
        let before = -1;
        let after = 0;
        return (index) => {
          const value = values[index];
          if (isThere(value)) {
            before = index;
            return value;
          }
          if (after <= index) after = index + 1;
          while (after < values.length && !isThere(values[after])) after++;
          return between(values, places, { before, index, after });
        };
      },
    };
  },
};

function between(
  values: readonly (RawValue | undefined)[],
  places: readonly number[],
  { before, index, after }: { readonly before: number; readonly index: number; readonly after: number },
): RawValue {
  const [low, high] = [values[before], values[after]];
  if (low === undefined || high === undefined) return RAW_NULL;
  const [y1, y2] = [numberIn(low), numberIn(high)];
  const [x1, x2] = [places[before], places[after]];
  return rawDouble(y1 + (places[index] - x1) * ((y2 - y1) / (x2 - x1)));
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
  const values = partition.documents.map((_, i) => partition.sortValue(i));
  const places = values.map(placeOf);
  if (values.some((value) => (value?.type === BSON_TYPE.date) !== (values[0]?.type === BSON_TYPE.date))) {
    throw new CommandError('TypeMismatch', 'Conflicting sort value types, previous and current types do not match');
  }
  if (places.some((place, i) => i > 0 && place === places[i - 1])) {
    throw new CommandError(6050106, 'There can be no repeated values in the sort field');
  }
  return places;
}

function placeOf(value: RawValue | undefined): number {
  if (value?.type === BSON_TYPE.date) return dateOf(value);
  if (value !== undefined && isNumericType(value.type)) return numberOf(value);
  throw new CommandError('TypeMismatch', '$linearFill: the sortBy value must be a number or a date');
}
