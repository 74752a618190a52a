/** `$size`. */
import { CommandError } from '../../base/command_error.ts';
import { countElements } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { integerOf, isWholeNumber } from '../../bson/value.ts';
import type { FieldOperator } from './field_operator.ts';

export const sizeOperator: FieldOperator = {
  name: '$size',
  parse(path, operand) {
    if (!isNumericType(operand.type)) throw new CommandError('BadValue', '$size needs a number');
    if (!isWholeNumber(operand)) throw new CommandError('BadValue', '$size must be a whole number');
    const size = Number(integerOf(operand));
    if (size < 0) throw new CommandError('BadValue', '$size may not be negative');
    return {
      kind: 'other',
      operator: '$size',
      path,
      test: (bytes, type, start) => type === BSON_TYPE.array && countElements(bytes, start) === size,
      expandArrays: false,
      operand,
    };
  },
};
