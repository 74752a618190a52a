/** `$getField $setField $unsetField`. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName, writeInt32 } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { maybeStringOf, rawObject, stringOf, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { folded } from './arguments.ts';
import { isNullish, objectOf, typeNameOf } from './build.ts';
import type { ExpressionScope } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';
import { checkValueSize } from './value_limits.ts';

/** Both arguments are required. Null input gives null, a missing field is missing. */
export const getFieldOperator: ExpressionOperator = {
  name: '$getField',
  compile(operand, scope) {
    const { fieldPart, input } = getFieldParts(operand, scope);
    const field = scope.compile(fieldPart);
    checkIsName('$getField', field, 5654602);
    return folded([field, input], (root) => {
      const name = field.evaluate(root);
      if (name?.type !== BSON_TYPE.string) {
        const found = typeNameOf(name);
        throw new CommandError(3041704, `$getField requires 'field' to evaluate to type String, but got ${found}`);
      }
      const object = input.evaluate(root);
      if (object === undefined) return undefined;
      if (isNullish(object)) return RAW_NULL;
      if (object.type !== BSON_TYPE.object) {
        const found = typeNameOf(object);
        throw new CommandError(3041705, `$getField requires 'input' to evaluate to type Object, but got ${found}`);
      }
      const text = stringOf(name);
      return text.includes('\0') ? undefined : findField(object.bytes, fieldName(text), object.start);
    });
  },
};

function getFieldParts(operand: RawValue, scope: ExpressionScope): { fieldPart: RawValue; input: Expression } {
  const current = scope.variable('CURRENT');
  if (operand.type !== BSON_TYPE.object || isOperatorObject(operand)) return { fieldPart: operand, input: current };
  let fieldPart: RawValue | undefined;
  let input: Expression | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'field') fieldPart = reader.value();
    else if (key === 'input') input = scope.compile(reader.value());
    else throw new CommandError(3041701, `$getField found an unknown argument: ${key}`);
  }
  if (fieldPart === undefined) throw new CommandError(3041702, "$getField requires 'field' to be specified");
  if (input === undefined) throw new CommandError(3041703, "$getField requires 'input' to be specified");
  return { fieldPart, input };
}

function isOperatorObject(operand: RawValue): boolean {
  const first = new ElementReader(operand.bytes, operand.start);
  return first.next() && first.name().startsWith('$');
}

function checkIsName(operator: string, field: Expression, code: number): void {
  if (field.constant === undefined || field.constant.type === BSON_TYPE.string) return;
  const found = typeAlias(field.constant.type);
  throw new CommandError(code, `${operator} requires 'field' to evaluate to type String, but got ${found}`);
}

/** The name must be written down: paths and computed names are refused, even those that never change. */
function writtenName(operator: string, operand: RawValue, scope: ExpressionScope): Expression {
  const isPath = maybeStringOf(operand)?.startsWith('$') === true;
  if (isPath) {
    throw new CommandError(
      4161108,
      `A field path reference which is not allowed in this context. Did you mean {$literal: '${stringOf(operand)}'}?`,
    );
  }
  const field = scope.compile(operand);
  if (field.constant === undefined || isComputed(operand)) {
    throw new CommandError(4161106, `${operator} requires 'field' to evaluate to a constant`);
  }
  checkIsName(operator, field, 4161107);
  return field;
}

function isComputed(operand: RawValue): boolean {
  if (operand.type !== BSON_TYPE.object) return false;
  const first = new ElementReader(operand.bytes, operand.start);
  return !(first.next() && ['$literal', '$const'].includes(first.name()));
}

/** Replaces in place or adds at the end; a value that is missing removes the field. */
function fieldChangeOperator(name: '$setField' | '$unsetField'): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const { field, input, value } = changeParts(name, operand, scope);
      const constant = field.constant ?? RAW_NULL;
      const target = fieldName(stringOf(constant));
      return folded([input, value], (root) => {
        const object = input.evaluate(root);
        if (isNullish(object)) return RAW_NULL;
        if (object.type !== BSON_TYPE.object) {
          const found = typeNameOf(object);
          throw new CommandError(4161105, `${name} requires 'input' to evaluate to type Object, but got ${found}`);
        }
        return withField(object, target, value.evaluate(root));
      });
    },
  };
}

export const setFieldOperator = fieldChangeOperator('$setField');
export const unsetFieldOperator = fieldChangeOperator('$unsetField');

/** A copy without the fields of that name; the value is in the place of the first of them, or at the end. */
function withField(object: RawValue, name: Uint8Array, value: Value): RawValue {
  const { bytes, start, end } = object;
  const cuts: ElementRange[] = [];
  let cutBytes = 0;
  const reader = new ElementReader(bytes, start);
  while (reader.next()) {
    if (!reader.nameEquals(name)) continue;
    cuts.push({ from: reader.elementStart, to: reader.end });
    cutBytes += reader.end - reader.elementStart;
  }
  if (cuts.length === 0) cuts.push({ from: end - 1, to: end - 1 });
  const field = value === undefined ? undefined : objectOf([{ name, value }]);
  const fieldBytes = field?.bytes.subarray(4, field.end - 1) ?? NOTHING;
  const size = end - start - cutBytes + fieldBytes.length;
  checkValueSize(size);
  const made = new Uint8Array(size);
  writeInt32(made, 0, size);
  let at = 4;
  let from = start + 4;
  for (const [i, cut] of cuts.entries()) {
    made.set(bytes.subarray(from, cut.from), at);
    at += cut.from - from;
    if (i === 0) made.set(fieldBytes, at);
    if (i === 0) at += fieldBytes.length;
    from = cut.to;
  }
  made.set(bytes.subarray(from, end), at);
  return rawObject(made);
}

interface ElementRange {
  readonly from: number;
  readonly to: number;
}

const NOTHING = new Uint8Array(0);

interface ChangeParts {
  readonly field: Expression;
  readonly input: Expression;
  readonly value: Expression;
}

function changeParts(name: '$setField' | '$unsetField', operand: RawValue, scope: ExpressionScope): ChangeParts {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(4161100, `${name} only supports an object as its argument`);
  }
  let field: RawValue | undefined;
  let input: Expression | undefined;
  let value: Expression | undefined = name === '$unsetField' ? scope.variable('REMOVE') : undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'field') field = reader.value();
    else if (key === 'input') input = scope.compile(reader.value());
    else if (key === 'value' && name === '$setField') value = scope.compile(reader.value());
    else throw new CommandError(4161101, `${name} found an unknown argument: ${key}`);
  }
  if (field === undefined) throw new CommandError(4161102, `${name} requires 'field' to be specified`);
  if (value === undefined) throw new CommandError(4161103, `${name} requires 'value' to be specified`);
  if (input === undefined) throw new CommandError(4161109, `${name} requires 'input' to be specified`);
  return { field: writtenName(name, field, scope), input, value };
}
