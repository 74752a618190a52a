/** `$not`: the negation of a field's conditions, so it holds for missing fields too. */
import { CommandError } from '../../base/command_error.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { FieldOperator } from './field_operator.ts';
import { conjunction } from './predicate.ts';
import { regexParts, regexPredicate } from './regex.ts';

export const notOperator: FieldOperator = {
  name: '$not',
  parse(path, operand, parser) {
    if (operand.type === BSON_TYPE.regex) {
      return { kind: 'not', child: regexPredicate(path, regexParts(operand), parser.scope) };
    }
    if (operand.type !== BSON_TYPE.object) throw new CommandError('BadValue', '$not needs a regex or a document');
    if (isEmptyDocument(operand.bytes, operand.start)) throw new CommandError('BadValue', '$not cannot be empty');
    return { kind: 'not', child: conjunction(parser.operators(path, operand.bytes, operand.start)) };
  },
};
