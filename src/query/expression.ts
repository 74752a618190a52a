/**
 * Expressions of the aggregation language, as far as they are built: field paths, constants, `$literal`, `$$ROOT`, and
 * documents and arrays of those. Operators have a table (`expression/operators.ts`) that grows row by row; known ones
 * that are not built are refused as such.
 *
 * An expression is compiled once and evaluated on documents as bytes. Its result is a view: into the document, into the
 * specification, or over fresh bytes.
 */
import { CommandError } from '../base/command_error.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { maybeStringOf, RAW_NULL, rawObject, type RawValue } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { fieldPathExpression } from './expression/field_path.ts';
import { EXPRESSION_OPERATOR_BY_NAME, isExpressionOperator } from './expression/operators.ts';
import type { Expression } from './expression/types.ts';
import { rawArrayOf } from './update/array_value.ts';

export type { Expression } from './expression/types.ts';

const NO_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

export function constantExpression(value: RawValue): Expression {
  return { constant: value, evaluate: () => value };
}

/** `operand` must not change afterwards. Throws CommandError for what the server would refuse. */
export function compileExpression(operand: RawValue): Expression {
  switch (operand.type) {
    case BSON_TYPE.string: {
      const text = maybeStringOf(operand) ?? '';
      return text.startsWith('$') ? fieldPathExpression(text) : constantExpression(operand);
    }
    case BSON_TYPE.array:
      return compileArray(operand);
    case BSON_TYPE.object:
      return compileObject(operand);
    default:
      return constantExpression(operand);
  }
}

/** Missing items become null. */
function compileArray(operand: RawValue): Expression {
  const items: Expression[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) items.push(compileExpression(reader.value()));
  return folded(items, (root) => rawArrayOf(items.map((item) => item.evaluate(root) ?? RAW_NULL)));
}

function compileObject(operand: RawValue): Expression {
  const first = new ElementReader(operand.bytes, operand.start);
  if (first.next() && first.name().startsWith('$')) return compileOperator(first);
  const fields: { readonly name: string; readonly expression: Expression }[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    checkFieldName(name);
    fields.push({ name, expression: compileExpression(reader.value()) });
  }
  const parts = fields.map(({ expression }) => expression);
  return folded(parts, (root) => {
    const writer = new BsonWriter().startDocument();
    for (const { name, expression } of fields) {
      const value = expression.evaluate(root);
      if (value !== undefined) writer.value(name, value);
    }
    return rawObject(writer.endDocument().finish());
  });
}

/** Evaluated once and for all when none of its parts looks at the document. */
function folded(parts: readonly Expression[], evaluate: (root: Uint8Array) => RawValue): Expression {
  if (parts.some((part) => part.constant === undefined)) return { constant: undefined, evaluate };
  return constantExpression(evaluate(NO_DOCUMENT));
}

function checkFieldName(name: string): void {
  if (name.includes('.')) {
    throw new CommandError(16405, `dotted field names are only allowed at the top level, found '${name}'`);
  }
  if (name.startsWith('$')) {
    throw new CommandError(15983, `an object representing an expression must have exactly one field, found '${name}'`);
  }
}

/** `first` is at the operator's name. */
function compileOperator(first: ElementReader): Expression {
  const name = first.name();
  const value = first.value();
  if (first.next()) {
    throw new CommandError(15983, 'An object representing an expression must have exactly one field');
  }
  const operator = EXPRESSION_OPERATOR_BY_NAME.get(name);
  if (operator !== undefined) return operator.compile(value, compileExpression);
  if (isExpressionOperator(name)) {
    throw new CommandError('NotImplemented', `the expression ${name} is not implemented`);
  }
  throw new CommandError('InvalidPipelineOperator', `Unrecognized expression '${name}'`);
}
