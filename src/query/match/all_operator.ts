/** `$all`: every listed value among the elements of an array, or equal to the value itself. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { comparison } from './comparison_operators.ts';
import { elemMatchOperator } from './elem_match_operator.ts';
import { NO_SIBLINGS, type FieldOperator, type FilterParser } from './field_operator.ts';
import { conjunction, type Predicate } from './predicate.ts';
import { regexParts, regexPredicate } from './regex.ts';

export const allOperator: FieldOperator = {
  name: '$all',
  parse(path, operand, parser) {
    if (operand.type !== BSON_TYPE.array) throw new CommandError('BadValue', '$all needs an array');
    const children: Predicate[] = [];
    const reader = new ElementReader(operand.bytes, operand.start);
    let isElemMatch: boolean | undefined;
    while (reader.next()) {
      const item = reader.value();
      const elemMatch = elemMatchOperand(item);
      isElemMatch ??= elemMatch !== undefined;
      if (isElemMatch !== (elemMatch !== undefined)) {
        throw new CommandError(
          'BadValue',
          isElemMatch ? '$all/$elemMatch has to be consistent' : 'no $ expressions in $all',
        );
      }
      children.push(
        elemMatch === undefined
          ? equality(path, item, parser)
          : elemMatchOperator.parse(path, elemMatch, parser, NO_SIBLINGS),
      );
    }
    return children.length === 0 ? { kind: 'constant', value: false } : conjunction(children);
  },
};

function equality(path: string, item: RawValue, parser: FilterParser): Predicate {
  if (item.type === BSON_TYPE.regex) return regexPredicate(path, regexParts(item), parser.scope);
  if (parser.isOperatorDocument(item)) throw new CommandError('BadValue', 'no $ expressions in $all');
  return comparison('eq', path, item, parser.scope.order);
}

function elemMatchOperand(item: RawValue): RawValue | undefined {
  if (item.type !== BSON_TYPE.object) return undefined;
  const reader = new ElementReader(item.bytes, item.start);
  return reader.next() && reader.name() === '$elemMatch' ? reader.value() : undefined;
}
