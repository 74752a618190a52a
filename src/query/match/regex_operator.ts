/** `$regex` with `$options`, which are read together: `$options` alone is refused. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { maybeStringOf, type RawValue } from '../../bson/value.ts';
import type { FieldOperator } from './field_operator.ts';
import type { RegexParts } from './predicate.ts';
import { regexParts, regexPredicate } from './regex.ts';

export const regexOperator: FieldOperator = {
  name: '$regex',
  parse: (path, operand, { scope }, siblings) => regexPredicate(path, partsOf(operand, siblings('$options')), scope),
};

export const optionsOperator: FieldOperator = {
  name: '$options',
  parse(_path, operand, _parser, siblings) {
    if (siblings('$regex') === undefined) throw new CommandError('BadValue', '$options needs a $regex');
    optionsText(operand);
    // $regex takes it in.
    return { kind: 'and', children: [] };
  },
};

function partsOf(operand: RawValue, options: RawValue | undefined): RegexParts {
  if (operand.type === BSON_TYPE.regex) {
    const parts = regexParts(operand);
    if (options === undefined) return parts;
    if (parts.options !== '') throw new CommandError(51075, 'options set in both $regex and $options');
    return { pattern: parts.pattern, options: optionsText(options) };
  }
  const pattern = maybeStringOf(operand);
  if (pattern === undefined) throw new CommandError('BadValue', '$regex has to be a string');
  if (pattern.includes('\0')) throw new CommandError(51109, 'Regular expression cannot contain an embedded null byte');
  return { pattern, options: options === undefined ? '' : optionsText(options) };
}

function optionsText(operand: RawValue): string {
  const text = maybeStringOf(operand);
  if (text === undefined) throw new CommandError('BadValue', '$options has to be a string');
  if (text.includes('\0'))
    throw new CommandError(51110, 'Regular expression options string cannot contain a null byte');
  return text;
}
