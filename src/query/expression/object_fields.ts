/** `$mergeObjects $objectToArray $arrayToObject $getField $setField $unsetField`. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { maybeStringOf, rawString, stringOf, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { itemsOf } from '../update/array_value.ts';
import { folded, nullableOperator } from './arguments.ts';
import { arrayOf, isArray, isNullish, objectOf, typeNameOf, type NamedValue } from './build.ts';
import type { ExpressionScope } from './scope.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';

const KEY = fieldName('k');
const VALUE = fieldName('v');

export const objectToArrayOperator = nullableOperator('$objectToArray', (object) => {
  if (object.type !== BSON_TYPE.object) {
    throw new CommandError(40390, `$objectToArray requires a document input, found: ${typeNameOf(object)}`);
  }
  const items: RawValue[] = [];
  const reader = new ElementReader(object.bytes, object.start);
  while (reader.next()) {
    items.push(
      objectOf([
        { name: KEY, value: rawString(reader.name()) },
        { name: VALUE, value: reader.value() },
      ]),
    );
  }
  return arrayOf(items);
});

export const arrayToObjectOperator = nullableOperator('$arrayToObject', (array) => {
  if (!isArray(array)) {
    throw new CommandError(40386, `$arrayToObject requires an array input, found: ${typeNameOf(array)}`);
  }
  const fields = new Map<string, RawValue>();
  const items = itemsOf(array);
  const [first] = items;
  for (const item of items) {
    const [name, value] = isArray(first) ? pairOfArray(item) : pairOfObject(item, item === first);
    if (name.includes('\0')) {
      throw new CommandError(4940400, 'Key field cannot contain an embedded null byte');
    }
    fields.set(name, value);
  }
  return objectOf([...fields].map(([name, value]) => ({ name: fieldName(name), value })));
});

function pairOfArray(item: RawValue): [string, RawValue] {
  if (!isArray(item)) {
    throw new CommandError(
      40396,
      '$arrayToObject requires a consistent input format. Elements mustall be arrays or all be objects. ' +
        `Array was detected, now found: ${typeNameOf(item)}`,
    );
  }
  const pair = itemsOf(item);
  const [key, value] = pair;
  if (pair.length !== 2) {
    throw new CommandError(
      40397,
      `$arrayToObject requires an array of size 2 arrays,found array of size: ${pair.length}`,
    );
  }
  if (key.type !== BSON_TYPE.string) {
    throw new CommandError(
      40395,
      '$arrayToObject requires an array of key-value pairs, where the key must be of type string. ' +
        `Found key type: ${typeNameOf(key)}`,
    );
  }
  return [stringOf(key), value];
}

function pairOfObject(item: RawValue, isFirst: boolean): [string, RawValue] {
  if (item.type !== BSON_TYPE.object) {
    const found = typeNameOf(item);
    throw isFirst
      ? new CommandError(40398, `Unrecognised input type format for $arrayToObject: ${found}`)
      : new CommandError(
          40391,
          '$arrayToObject requires a consistent input format. Elements mustall be arrays or all be objects. ' +
            `Object was detected, now found: ${found}`,
        );
  }
  let count = 0;
  const reader = new ElementReader(item.bytes, item.start);
  while (reader.next()) count++;
  if (count !== 2) {
    throw new CommandError(
      40392,
      `$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys:${count}`,
    );
  }
  const key = findField(item.bytes, KEY, item.start);
  const value = findField(item.bytes, VALUE, item.start);
  if (key === undefined || value === undefined) {
    throw new CommandError(40393, "$arrayToObject requires an object with keys 'k' and 'v'.");
  }
  if (key.type !== BSON_TYPE.string) {
    throw new CommandError(
      40394,
      "$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must be of type string. " +
        `Found type: ${typeNameOf(key)}`,
    );
  }
  return [stringOf(key), value];
}

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

function withField(object: RawValue, name: Uint8Array, value: Value): RawValue {
  const fields: NamedValue[] = [];
  let isFound = false;
  const reader = new ElementReader(object.bytes, object.start);
  while (reader.next()) {
    if (!reader.nameEquals(name)) {
      fields.push({ name: reader.bytes.subarray(reader.nameStart, reader.nameEnd), value: reader.value() });
    } else if (!isFound) {
      isFound = true;
      if (value !== undefined) fields.push({ name, value });
    }
  }
  if (!isFound && value !== undefined) fields.push({ name, value });
  return objectOf(fields);
}

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

/** Fields of later objects replace those of earlier ones, in place. */
export const mergeObjectsOperator: ExpressionOperator = {
  name: '$mergeObjects',
  compile(operand, scope) {
    const parts =
      operand.type === BSON_TYPE.array ? itemsOf(operand).map((part) => scope.compile(part)) : [scope.compile(operand)];
    return folded(parts, (root) => {
      const merge = new ObjectMerge();
      const [only] = parts;
      if (parts.length !== 1) {
        for (const part of parts) merge.add(part.evaluate(root));
        return merge.result();
      }
      const value = only.evaluate(root);
      if (isArray(value)) for (const item of itemsOf(value)) merge.add(item);
      else merge.add(value);
      return merge.result();
    });
  },
};

/** Merges documents one after the other. */
export class ObjectMerge {
  readonly #fields = new Map<string, NamedValue>();

  /** Null and missing add nothing. Throws 40400 for what is no document. The value must not change afterwards. */
  add(value: Value): void {
    if (isNullish(value)) return;
    if (value.type !== BSON_TYPE.object) {
      throw new CommandError(
        40400,
        `$mergeObjects requires object inputs, but input ${shownValue(value)} is of type ${typeNameOf(value)}`,
      );
    }
    const reader = new ElementReader(value.bytes, value.start);
    while (reader.next()) {
      const name = reader.bytes.subarray(reader.nameStart, reader.nameEnd);
      this.#fields.set(reader.name(), { name, value: reader.value() });
    }
  }

  result(): RawValue {
    return objectOf([...this.#fields.values()]);
  }
}
