/** `$mod: [divisor, remainder]`, in whole 64-bit numbers with the sign of the dividend. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { int64PartOf, type RawValue } from '../../bson/value.ts';
import type { FieldOperator } from './field_operator.ts';
import { MovableSpan } from './span.ts';

export const modOperator: FieldOperator = {
  name: '$mod',
  parse(path, operand) {
    if (operand.type !== BSON_TYPE.array) throw malformed('needs to be an array');
    const reader = new ElementReader(operand.bytes, operand.start);
    if (!reader.next()) throw malformed('not enough elements');
    const divisor = wholeOperand(reader.value(), 'divisor');
    if (!reader.next()) throw malformed('not enough elements');
    const remainder = wholeOperand(reader.value(), 'remainder');
    if (reader.next()) throw malformed('too many elements');
    if (divisor === 0n) throw new CommandError('BadValue', 'divisor cannot be 0');
    const span = new MovableSpan();
    return {
      kind: 'other',
      operator: '$mod',
      path,
      test: (bytes, type, start, end) => {
        if (!isNumericType(type)) return false;
        const dividend = int64PartOf(span.set(bytes, type, start, end));
        return dividend !== undefined && dividend % divisor === remainder;
      },
      expandArrays: true,
      operand,
    };
  },
};

function malformed(what: string): CommandError {
  return new CommandError('BadValue', `malformed mod, ${what}`);
}

function wholeOperand(value: RawValue, role: string): bigint {
  if (!isNumericType(value.type)) throw malformed(`${role} not a number`);
  const whole = int64PartOf(value);
  if (whole === undefined) throw malformed(`${role} value is invalid`);
  return whole;
}
