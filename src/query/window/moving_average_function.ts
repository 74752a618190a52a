/** `$expMovingAvg`: an average in which older values count less and less. */
import { CommandError } from '../../base/command_error.ts';
import { isNumericType } from '../../bson/types.ts';
import { isWholeNumber, numberOf, RAW_NULL, rawDouble, type RawValue } from '../../bson/value.ts';
import { compileExpression } from '../expression.ts';
import { namedOperands, required } from './operands.ts';
import type { WindowFunctionKind } from './window_function.ts';

export const expMovingAvgFunction: WindowFunctionKind = {
  name: '$expMovingAvg',
  compile(operand, { scope, sortFields, hasWindow }) {
    const operands = namedOperands('$expMovingAvg', operand, ['input', 'N', 'alpha']);
    if (sortFields.length === 0) throw failed('$expMovingAvg requires an explicit sortBy');
    if (hasWindow) throw failed('$expMovingAvg does not accept a window');
    const input = compileExpression(required('$expMovingAvg', operands, 'input'), scope);
    const alpha = alphaOf(operands.get('N'), operands.get('alpha'));
    return {
      open(partition) {
        let average: number | undefined;
        return (index) => {
          const value = input.evaluate(partition.document(index));
          if (value === undefined || !isNumericType(value.type)) return RAW_NULL;
          const number = numberOf(value);
          average = average === undefined ? number : number * alpha + average * (1 - alpha);
          return rawDouble(average);
        };
      },
    };
  },
};

function alphaOf(n: RawValue | undefined, alpha: RawValue | undefined): number {
  if ((n === undefined) === (alpha === undefined)) {
    throw failed("$expMovingAvg sub object must have exactly one of 'N' and 'alpha'");
  }
  if (n !== undefined) {
    const isPositive = isNumericType(n.type) && isWholeNumber(n) && numberOf(n) > 0;
    if (!isPositive) throw failed("'N' field must be an integer greater than zero");
    return 2 / (numberOf(n) + 1);
  }
  const value = alpha === undefined ? Number.NaN : numberOf(alpha);
  if (!(value > 0 && value < 1)) throw failed("'alpha' must be between 0 and 1 (exclusive)");
  return value;
}

function failed(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}
