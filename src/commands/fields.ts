/** The errors about single fields of a command, in the words MongoDB has for them. Paths are 'command.field.…'. */
import { CommandError } from '../base/command_error.ts';
import { BSON_TYPE, typeAlias, type ValueSpan } from '../bson/types.ts';
import { numberOf, stringOf } from '../bson/value.ts';

/** Several expected types are shown as a list. */
export function wrongType(path: string, value: ValueSpan, ...expected: readonly string[]): CommandError {
  const wanted = expected.length === 1 ? `type '${expected[0]}'` : `types '[${expected.join(', ')}']`;
  return new CommandError(
    'TypeMismatch',
    `BSON field '${path}' is the wrong type '${typeAlias(value.type)}', expected ${wanted}`,
  );
}

export function missingField(path: string): CommandError {
  return new CommandError(40_414, `BSON field '${path}' is missing but a required field`);
}

export function unknownField(path: string): CommandError {
  return new CommandError(40_415, `BSON field '${path}' is an unknown field.`);
}

export function duplicateField(path: string): CommandError {
  return new CommandError(40_413, `BSON field '${path}' is a duplicate field`);
}

/** For values that must be `bool` and nothing that only counts as true. */
export function strictBool(path: string, value: ValueSpan): boolean {
  if (value.type !== BSON_TYPE.bool) throw wrongType(path, value, 'bool');
  return value.bytes[value.start] !== 0;
}

export function strictString(path: string, value: ValueSpan): string {
  if (value.type !== BSON_TYPE.string) throw wrongType(path, value, 'string');
  return stringOf(value);
}

/** The older wording, of fields that are read without a strict schema. */
export function hadWrongType(name: string, value: ValueSpan, expected: string): CommandError {
  return new CommandError(
    'TypeMismatch',
    `"${name}" had the wrong type. Expected ${expected}, found ${typeAlias(value.type)}`,
  );
}

const MAX_TIME_MS_MAX = 2 ** 31 - 1;

/** maxTimeMS and its kind: any numeric type, whole, from 0 to 2^31 - 1. */
export function wholeMilliseconds(name: string, value: ValueSpan): number {
  const number = numberOf(value);
  if (Number.isNaN(number)) throw new CommandError('BadValue', `${name} must be a number`);
  if (number < 0 || number > MAX_TIME_MS_MAX) {
    throw new CommandError('BadValue', `${number} value for ${name} is out of range`);
  }
  if (!Number.isInteger(number)) throw new CommandError('BadValue', `${name} has non-integral value`);
  return number;
}
