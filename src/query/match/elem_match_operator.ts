/** `$elemMatch`: one element of an array that meets all conditions. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { compilePredicate, compileValuePredicate } from './compile.ts';
import type { FieldOperator, FilterParser } from './field_operator.ts';
import { someValue } from './path.ts';
import { conjunction, type ItemCondition } from './predicate.ts';
import type { ValueTest } from './value_test.ts';

export const elemMatchOperator: FieldOperator = {
  name: '$elemMatch',
  parse(path, operand, parser) {
    if (operand.type !== BSON_TYPE.object) throw new CommandError('BadValue', '$elemMatch needs an Object');
    const item = parseItemCondition(operand, parser);
    const itemTest = testOf(item);
    const test: ValueTest = (bytes, type, start) => type === BSON_TYPE.array && someValue(bytes, start, itemTest);
    return { kind: 'other', operator: '$elemMatch', path, test, expandArrays: false, itemTest, item };
  },
};

/** The condition of an `$elemMatch` as a test of one item. `operand` is a document. */
export function compileItemTest(operand: RawValue, parser: FilterParser): ValueTest {
  return testOf(parseItemCondition(operand, parser));
}

function parseItemCondition(operand: RawValue, parser: FilterParser): ItemCondition {
  const { bytes, start } = operand;
  if (isValueForm(operand, parser)) {
    return { predicate: conjunction(parser.operators('', bytes, start)), isValueForm: true };
  }
  return { predicate: parser.filter(bytes, start, false), isValueForm: false };
}

function isValueForm(operand: RawValue, parser: FilterParser): boolean {
  const first = new ElementReader(operand.bytes, operand.start);
  return parser.isOperatorDocument(operand) && first.next() && !parser.isDocumentOperator(first.name());
}

/** Arrays inside the array are documents with index names in the second form. */
function testOf(item: ItemCondition): ValueTest {
  if (item.isValueForm) return compileValuePredicate(item.predicate);
  const matcher = compilePredicate(item.predicate);
  return (bytes, type, start) =>
    (type === BSON_TYPE.object || type === BSON_TYPE.array) && matcher.matches(bytes, start);
}
