/**
 * Expressions of the aggregation language.
 *
 * An expression is compiled once and evaluated on documents as bytes. Its result is a view: into the document, into the
 * specification, or over fresh bytes. Operators are in a table (`expression/operators.ts`), one file for each family;
 * what does not look at the document is computed while compiling, so its errors show before any document is read.
 * Variables are in `expression/scope.ts`; arithmetic is in `number/`, the calendar and time zones in `date/`.
 */
import { CommandError } from '../base/command_error.ts';
import { fieldName } from '../bson/bytes.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { maybeStringOf, RAW_NULL, type RawValue } from '../bson/value.ts';
import { describeDocument } from './describe.ts';
import { constantExpression, folded } from './expression/arguments.ts';
import { arrayOf, objectOf, type NamedValue } from './expression/build.ts';
import { fieldPathExpression } from './expression/field_path.ts';
import { EXPRESSION_OPERATOR_BY_NAME } from './expression/operators.ts';
import { ExpressionScope, type CommandValues } from './expression/scope.ts';
import type { Expression } from './expression/types.ts';

export { constantExpression } from './expression/arguments.ts';
export { Cell, ExpressionScope } from './expression/scope.ts';
export type { CommandValues } from './expression/scope.ts';
export type { Expression } from './expression/types.ts';

/** The scope of a command's expressions. Throws CommandError for a bad `let`. */
export function commandScope(values: CommandValues): ExpressionScope {
  return ExpressionScope.of(compileIn, values);
}

/** The document and nothing else: no time, no chance. */
export const BARE_SCOPE: ExpressionScope = commandScope({});

/** `operand` must not change afterwards. Throws CommandError for what the server would refuse. */
export function compileExpression(operand: RawValue, scope: ExpressionScope = BARE_SCOPE): Expression {
  return compileIn(operand, scope);
}

function compileIn(operand: RawValue, scope: ExpressionScope): Expression {
  switch (operand.type) {
    case BSON_TYPE.string: {
      const text = maybeStringOf(operand) ?? '';
      return text.startsWith('$') ? fieldPathExpression(text, scope) : constantExpression(operand);
    }
    case BSON_TYPE.array:
      return compileArray(operand, scope);
    case BSON_TYPE.object:
      return compileObject(operand, scope);
    default:
      return constantExpression(operand);
  }
}

/** Missing items become null. */
function compileArray(operand: RawValue, scope: ExpressionScope): Expression {
  const items: Expression[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) items.push(compileIn(reader.value(), scope));
  return folded(items, (root) => arrayOf(items.map((item) => item.evaluate(root) ?? RAW_NULL)));
}

function compileObject(operand: RawValue, scope: ExpressionScope): Expression {
  const first = new ElementReader(operand.bytes, operand.start);
  if (first.next() && first.name().startsWith('$')) return compileOperator(first, operand, scope);
  const fields: { readonly name: Uint8Array; readonly expression: Expression }[] = [];
  const names = new Set<string>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    checkFieldName(name);
    if (names.has(name)) {
      const shown = describeDocument(operand.bytes, operand.start);
      throw new CommandError(16406, `duplicate field name specified in object literal: ${shown}`);
    }
    names.add(name);
    fields.push({ name: fieldName(name), expression: compileIn(reader.value(), scope) });
  }
  const parts = fields.map(({ expression }) => expression);
  return folded(parts, (root) => {
    const values: NamedValue[] = [];
    for (const { name, expression } of fields) {
      const value = expression.evaluate(root);
      if (value !== undefined) values.push({ name, value });
    }
    return objectOf(values);
  });
}

function checkFieldName(name: string): void {
  if (name.includes('.')) throw new CommandError(16412, "FieldPath field names may not contain '.'.");
  if (name.startsWith('$')) {
    throw new CommandError(
      16410,
      "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
    );
  }
  if (name === '') throw new CommandError(15998, 'FieldPath field names may not be empty strings.');
}

/** `first` is at the operator's name. */
function compileOperator(first: ElementReader, operand: RawValue, scope: ExpressionScope): Expression {
  const name = first.name();
  const value = first.value();
  if (first.next()) {
    const shown = describeDocument(operand.bytes, operand.start);
    throw new CommandError(15983, `An object representing an expression must have exactly one field: ${shown}`);
  }
  const operator = EXPRESSION_OPERATOR_BY_NAME.get(name);
  if (operator !== undefined) return operator.compile(value, scope);
  throw new CommandError('InvalidPipelineOperator', `Unrecognized expression '${name}'`);
}
