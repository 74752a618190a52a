/** `$type`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { integerOf, isWholeNumber, maybeStringOf, numberOf, type RawValue } from '../../bson/value.ts';
import type { FieldOperator } from './field_operator.ts';
import type { ValueTest } from './value_test.ts';

const BY_ALIAS: ReadonlyMap<string, number> = new Map(
  Object.values(BSON_TYPE).map((type) => [typeAlias(type) as string, type]),
);

const MIN_KEY_CODE = -1;

/** One flag per type byte. */
type TypeSet = Uint8Array;

export const typeOperator: FieldOperator = {
  name: '$type',
  parse(path, operand) {
    const types: TypeSet = new Uint8Array(256);
    if (operand.type === BSON_TYPE.array) {
      const reader = new ElementReader(operand.bytes, operand.start);
      while (reader.next()) addType(types, reader.value());
    } else {
      addType(types, operand);
    }
    if (!types.includes(1)) throw new CommandError('FailedToParse', `${path} must match at least one type`);
    const test: ValueTest = (_bytes, type) => types[type] === 1;
    return { kind: 'other', operator: '$type', path, test, expandArrays: true, operand, types };
  },
};

/** The test of types by the names that `$type` has. */
export function bsonTypeTest(names: readonly string[]): ValueTest {
  const types: TypeSet = new Uint8Array(256);
  for (const name of names) addAlias(types, name);
  return (_bytes, type) => types[type] === 1;
}

const JSON_TYPES: ReadonlyMap<string, string> = new Map([
  ['array', 'array'],
  ['boolean', 'bool'],
  ['null', 'null'],
  ['number', 'number'],
  ['object', 'object'],
  ['string', 'string'],
]);

/** The test of types by the names that JSON Schema has. */
export function jsonTypeTest(names: readonly string[]): ValueTest {
  return bsonTypeTest(
    names.map((name) => {
      const alias = JSON_TYPES.get(name);
      if (alias !== undefined) return alias;
      if (name === 'integer')
        throw new CommandError('FailedToParse', "$jsonSchema type 'integer' is not currently supported.");
      throw new CommandError('BadValue', `Unknown type name alias: ${name}`);
    }),
  );
}

function addAlias(types: TypeSet, alias: string): void {
  if (alias !== 'number') {
    types[typeOfAlias(alias)] = 1;
    return;
  }
  for (const type of Object.values(BSON_TYPE)) if (isNumericType(type)) types[type] = 1;
}

function addType(types: TypeSet, operand: RawValue): void {
  const alias = maybeStringOf(operand);
  if (alias === undefined) types[typeOfCode(operand)] = 1;
  else addAlias(types, alias);
}

function typeOfAlias(alias: string): number {
  const type = BY_ALIAS.get(alias);
  if (type === undefined) throw new CommandError('BadValue', `Unknown type name alias: ${alias}`);
  return type;
}

function typeOfCode(operand: RawValue): number {
  if (!isNumericType(operand.type)) {
    throw new CommandError('TypeMismatch', 'type must be represented as a number or a string');
  }
  const code = isWholeNumber(operand) ? Number(integerOf(operand)) : numberOf(operand);
  const type = code === MIN_KEY_CODE ? BSON_TYPE.minKey : code;
  if (code < MIN_KEY_CODE || code > BSON_TYPE.maxKey || typeAlias(type) === 'missing') {
    throw new CommandError('BadValue', `Invalid numerical type code: ${code}`);
  }
  return type;
}
