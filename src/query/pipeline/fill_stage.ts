/** `$fill`: values for fields that are null or missing: given ones, the last one before, or by interpolation. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { maybeStringOf, rawObject, rawString, stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import type { SortSpec } from '../sort.ts';
import { itemsOf } from '../update/array_value.ts';
import { linearFillFunction, locfFunction } from '../window/fill_functions.ts';
import { BlockingSource } from './blocking_source.ts';
import { MapSource } from './map_source.ts';
import { valueThroughDocuments, withValueAt } from './set_at_path.ts';
import { checkOutput, sortOf, WindowWork, type WindowField } from './set_window_fields_stage.ts';
import type { Source } from './source.ts';
import type { StageKind } from './stage.ts';

interface FixedField {
  readonly path: readonly Uint8Array[];
  readonly expression: Expression;
}

interface FillSpec {
  readonly partitionBy: Expression | undefined;
  readonly sort: SortSpec | undefined;
  /** By method. */
  readonly fields: readonly WindowField[];
  /** By value. */
  readonly fixed: readonly FixedField[];
}

export const fillStage: StageKind = {
  name: '$fill',
  parse(operand, context) {
    const spec = parseSpec(operand, context.scope);
    const open = (source: Source): Source => {
      const filled =
        spec.fields.length === 0 ? source : new BlockingSource(source, new WindowWork(spec, context), context.scope);
      return spec.fixed.length === 0
        ? filled
        : new MapSource(filled, (document) => withFixed(spec.fixed, document), context.scope.work);
    };
    return { kind: 'other', open };
  },
};

function withFixed(fixed: readonly FixedField[], document: Uint8Array): Uint8Array {
  let result = document;
  for (const { path, expression } of fixed) {
    const value = valueThroughDocuments(document, path);
    if (value !== undefined && value.type !== BSON_TYPE.null && value.type !== BSON_TYPE.undefined) continue;
    result = withValueAt(result, path, expression.evaluate(document));
  }
  return result;
}

function parseSpec(operand: RawValue, scope: ExpressionScope): FillSpec {
  if (operand.type !== BSON_TYPE.object) {
    throw failed(`the $fill stage specification must be an object, found ${typeAlias(operand.type)}`);
  }
  let partitionBy: RawValue | undefined;
  let partitionByFields: RawValue | undefined;
  let sort: SortSpec | undefined;
  let output: RawValue | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'partitionBy') partitionBy = reader.value();
    else if (name === 'partitionByFields') partitionByFields = reader.value();
    else if (name === 'sortBy') sort = sortOf('$fill', reader.value(), scope);
    else if (name === 'output') output = reader.value();
    else throw new CommandError(40415, `BSON field '$fill.${name}' is an unknown field.`);
  }
  checkOutput('$fill', output);
  if (partitionBy !== undefined && partitionByFields !== undefined) {
    throw new CommandError(6050204, "Maximum one of 'partitionBy' and 'partitionByFields can be specified in '$fill'");
  }
  const by = partitionByFields === undefined ? partitionBy : partitionDocument('$fill', partitionByFields);
  const { fields, fixed } = parseOutput(output, sort, scope);
  return { partitionBy: by === undefined ? undefined : compileExpression(by, scope), sort, fields, fixed };
}

/** Names of fields as the expression of a document that holds them all. */
export function partitionDocument(stage: string, names: RawValue): RawValue {
  checkType(`${stage}.partitionByFields`, names, BSON_TYPE.array);
  const writer = new BsonWriter().startDocument();
  for (const [i, name] of itemsOf(names).entries()) {
    checkType(`${stage}.partitionByFields.${i}`, name, BSON_TYPE.string);
    const text = stringOf(name);
    fieldPathComponents(text);
    writer.value(`f${i}`, rawString(`$${text}`));
  }
  return rawObject(writer.endDocument().finish());
}

function checkType(field: string, value: RawValue, expected: number): void {
  if (value.type === expected) return;
  const types = `'${typeAlias(value.type)}', expected type '${typeAlias(expected)}'`;
  throw new CommandError('TypeMismatch', `BSON field '${field}' is the wrong type ${types}`);
}

function parseOutput(
  output: RawValue,
  sort: SortSpec | undefined,
  scope: ExpressionScope,
): { readonly fields: WindowField[]; readonly fixed: FixedField[] } {
  const fields: WindowField[] = [];
  const fixed: FixedField[] = [];
  const reader = new ElementReader(output.bytes, output.start);
  while (reader.next()) {
    const name = reader.name();
    const path = fieldPathComponents(name).map(fieldName);
    const [key, value] = onlyField(name, reader);
    if (key === 'value') {
      fixed.push({ path, expression: compileExpression(value, scope) });
      continue;
    }
    const kind = methodOf(value);
    if (sort === undefined && kind === locfFunction) {
      throw failed("'sortBy' is required when a method is used in $fill");
    }
    const context = { scope, sortFields: sort?.fields ?? [], hasWindow: false, window: () => undefined };
    fields.push({ path, compiled: kind.compile(rawString(`$${name}`), context) });
  }
  if (fields.length + fixed.length === 0) {
    throw new CommandError(6050203, "The output field of '$fill' must contain at least one field");
  }
  return { fields, fixed };
}

/** The one of `value` and `method` that an output has. */
function onlyField(name: string, spec: ElementReader): readonly [string, RawValue] {
  if (spec.type !== BSON_TYPE.object) {
    throw new CommandError(6050200, `Each output of $fill must be an object, but '${name}' is not`);
  }
  let field: readonly [string, RawValue] | undefined;
  const inner = new ElementReader(spec.bytes, spec.start);
  while (inner.next()) {
    const key = inner.name();
    if (key !== 'value' && key !== 'method') {
      throw new CommandError(40415, `BSON field '$fill.output.${key}' is an unknown field.`);
    }
    if (field !== undefined) throw oneOfBoth();
    field = [key, inner.value()];
  }
  if (field === undefined) throw oneOfBoth();
  return field;
}

function oneOfBoth(): CommandError {
  return new CommandError(6050202, "Exactly one of 'value' and 'method' must be specified for each output of $fill");
}

function methodOf(value: RawValue): typeof locfFunction {
  const method = maybeStringOf(value);
  if (method === 'locf') return locfFunction;
  if (method === 'linear') return linearFillFunction;
  throw new CommandError(6050202, "Method must be either 'locf' or 'linear'");
}

function failed(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}
