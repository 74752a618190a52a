/** `$group`. Groups come out in the order of their first documents. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { numberOf, RAW_NULL, rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import { parseAccumulatedField, type AccumulatedField } from './accumulated_fields.ts';
import { BlockingSource } from './blocking_source.ts';
import { countingStage, rawCount } from './count_stage.ts';
import { GroupWork, type GroupSpec } from './group_work.ts';
import type { Stage, StageKind } from './stage.ts';

export const groupStage: StageKind = {
  name: '$group',
  parse(operand, { scope, memory }) {
    if (operand.type !== BSON_TYPE.object) {
      throw new CommandError(15947, "a group's fields must be specified in an object");
    }
    const spec = parseSpec(operand, scope);
    return (
      countingForm(spec) ?? {
        kind: 'other',
        open: (source) => new BlockingSource(source, new GroupWork('$group', spec, memory), scope),
      }
    );
  },
};

/** `{_id: constant, n: {$sum: 1}}` counts, and storage may know the number. */
function countingForm({ id, fields }: GroupSpec): Stage | undefined {
  const [field] = fields;
  if (field === undefined || fields.length !== 1 || id.constant === undefined) return undefined;
  const { operator, operand } = field;
  const counts =
    operator === '$count' || (operator === '$sum' && operand.type === BSON_TYPE.int32 && numberOf(operand) === 1);
  if (!counts) return undefined;
  const value = id.constant;
  return countingStage((count) =>
    new BsonWriter().startDocument().value('_id', value).value(field.name, rawCount(count)).endDocument().finish(),
  );
}

function parseSpec(operand: RawValue, scope: ExpressionScope): GroupSpec {
  let id: Expression | undefined;
  const fields: AccumulatedField[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    if (reader.name() !== '_id') fields.push(parseAccumulatedField(reader, scope));
    else if (id !== undefined) throw new CommandError(15948, "a group's _id may only be specified once");
    else id = compileId(reader.value(), scope);
  }
  if (id === undefined) throw new CommandError(15955, 'a group specification must include an _id');
  return { id, fields, turn: scope.turn, keyOf: (value) => scope.order.keyOf(value) };
}

/** In a document with one field that field is null when it is missing. Source: recorded replies of MongoDB. */
function compileId(operand: RawValue, scope: ExpressionScope): Expression {
  const reader = new ElementReader(operand.bytes, operand.start);
  const isDocument = operand.type === BSON_TYPE.object && reader.next() && !reader.name().startsWith('$');
  if (!isDocument) return compileExpression(operand, scope);
  const name = reader.name();
  const inner = reader.value();
  const whole = compileExpression(operand, scope);
  if (reader.next() || whole.constant !== undefined) return whole;
  const field = compileExpression(inner, scope);
  return {
    constant: undefined,
    evaluate: (root) =>
      rawObject(
        new BsonWriter()
          .startDocument()
          .value(name, field.evaluate(root) ?? RAW_NULL)
          .endDocument()
          .finish(),
      ),
  };
}
