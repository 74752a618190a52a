/** `$elemMatch`: one element of an array that meets all conditions. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { compilePredicate, compileValuePredicate } from './compile.ts';
import type { FieldOperator, FilterParser } from './field_operator.ts';
import { someValue } from './path.ts';
import { conjunction } from './predicate.ts';
import type { ValueTest } from './value_test.ts';

export const elemMatchOperator: FieldOperator = {
  name: '$elemMatch',
  parse(path, operand, parser) {
    if (operand.type !== BSON_TYPE.object) throw new CommandError('BadValue', '$elemMatch needs an Object');
    const itemTest = compileItemTest(operand, parser);
    const test: ValueTest = (bytes, type, start) => type === BSON_TYPE.array && someValue(bytes, start, itemTest);
    return { kind: 'other', operator: '$elemMatch', path, test, expandArrays: false, itemTest };
  },
};

/** The condition of an `$elemMatch` as a test of one item. `operand` is a document. */
export function compileItemTest(operand: RawValue, parser: FilterParser): ValueTest {
  return isValueForm(operand, parser) ? valueForm(operand, parser) : documentForm(operand, parser);
}

function isValueForm(operand: RawValue, parser: FilterParser): boolean {
  const first = new ElementReader(operand.bytes, operand.start);
  return parser.isOperatorDocument(operand) && first.next() && !parser.isDocumentOperator(first.name());
}

function valueForm(operand: RawValue, parser: FilterParser): ValueTest {
  return compileValuePredicate(conjunction(parser.operators('', operand.bytes, operand.start)));
}

/** Arrays inside the array are documents with index names here. */
function documentForm(operand: RawValue, parser: FilterParser): ValueTest {
  const matcher = compilePredicate(parser.filter(operand.bytes, operand.start, false));
  return (bytes, type, start) =>
    (type === BSON_TYPE.object || type === BSON_TYPE.array) && matcher.matches(bytes, start);
}
