/** `$shift`: a value of another document of the partition, so many places on. */
import { CommandError } from '../../base/command_error.ts';
import { isNumericType } from '../../bson/types.ts';
import { isWholeNumber, numberOf, RAW_NULL } from '../../bson/value.ts';
import { compileExpression } from '../expression.ts';
import { namedOperands, required } from './operands.ts';
import type { WindowFunctionKind } from './window_function.ts';

export const shiftFunction: WindowFunctionKind = {
  name: '$shift',
  compile(operand, { scope, sortFields, hasWindow }) {
    const operands = namedOperands('$shift', operand, ['output', 'by', 'default']);
    if (sortFields.length === 0) throw failed('$shift requires a sortBy');
    if (hasWindow) throw failed("$shift does not accept a 'window' field");
    const output = compileExpression(required('$shift', operands, 'output'), scope);
    const by = required('$shift', operands, 'by');
    if (!isNumericType(by.type) || !isWholeNumber(by)) throw failed("'$shift:by' field must be an integer");
    const offset = numberOf(by);
    const given = operands.get('default');
    const fallback = given === undefined ? RAW_NULL : compileExpression(given, scope).constant;
    if (fallback === undefined) throw failed("'$shift:default' expression must yield a constant value");
    return {
      open: (partition) => (index) => {
        const other = index + offset;
        if (other < 0 || other >= partition.length) return fallback;
        return output.evaluate(partition.document(other)) ?? RAW_NULL;
      },
    };
  },
};

function failed(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}
