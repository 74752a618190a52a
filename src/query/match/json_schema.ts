/**
 * `$jsonSchema`: draft 4 of JSON Schema as MongoDB has it, with `bsonType`. A schema becomes one test of a value; each
 * keyword speaks about values of its own type only and passes all others. Names are names, never paths.
 */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { maybeStringOf, numberOf, stringOf, type RawValue } from '../../bson/value.ts';
import { compileRegex } from '../regex/compile_regex.ts';
import { itemsOf } from '../update/array_value.ts';
import { BINARY_ORDER } from '../value_order.ts';
import { comparisonTest } from './comparison.ts';
import { arrayKeywords } from './json_schema_arrays.ts';
import { countKeyword, failed, mistyped, onlyFor, type SchemaKeywords } from './json_schema_keywords.ts';
import { objectKeywords } from './json_schema_objects.ts';
import { MovableSpan } from './span.ts';
import { bsonTypeTest, jsonTypeTest } from './type_operator.ts';
import { allOf, always, anyOf, negate, type ValueTest } from './value_test.ts';

const TEXT_KEYWORDS = new Set(['title', 'description']);

const KEYWORDS = new Set([
  ...TEXT_KEYWORDS,
  ...['additionalItems', 'additionalProperties', 'allOf', 'anyOf', 'bsonType', 'dependencies', 'enum'],
  ...['exclusiveMaximum', 'exclusiveMinimum', 'items', 'maximum', 'maxItems', 'maxLength', 'maxProperties'],
  ...['minimum', 'minItems', 'minLength', 'minProperties', 'multipleOf', 'not', 'oneOf', 'pattern'],
  ...['patternProperties', 'properties', 'required', 'type', 'uniqueItems'],
]);

const UNSUPPORTED = new Set(['$ref', '$schema', 'default', 'definitions', 'format', 'id']);

/** Compiles the schema at `start`. Throws CommandError for what the server would refuse. */
export function compileSchema(bytes: Uint8Array, start: number): ValueTest {
  const keywords = readKeywords(bytes, start);
  return allOf([
    ...typeKeywords(keywords),
    ...numberKeywords(keywords),
    ...stringKeywords(keywords),
    ...arrayKeywords(keywords, compileSchema),
    ...objectKeywords(keywords, compileSchema),
    ...logicalKeywords(keywords),
  ]);
}

function readKeywords(bytes: Uint8Array, start: number): SchemaKeywords {
  const keywords = new Map<string, RawValue>();
  const reader = new ElementReader(bytes, start);
  while (reader.next()) {
    const name = reader.name();
    if (UNSUPPORTED.has(name)) throw failed(`$jsonSchema keyword '${name}' is not currently supported`);
    if (!KEYWORDS.has(name)) throw failed(`Unknown $jsonSchema keyword: ${name}`);
    if (keywords.has(name)) throw failed(`Duplicate $jsonSchema keyword: ${name}`);
    if (TEXT_KEYWORDS.has(name) && reader.type !== BSON_TYPE.string) throw mistyped(name, 'a string');
    keywords.set(name, reader.value());
  }
  return keywords;
}

function typeKeywords(keywords: SchemaKeywords): ValueTest[] {
  const type = keywords.get('type');
  const bsonType = keywords.get('bsonType');
  if (type !== undefined && bsonType !== undefined) {
    throw failed("Cannot specify both $jsonSchema keywords 'type' and 'bsonType'");
  }
  if (type !== undefined) return [jsonTypeTest(typeNames('type', type))];
  return bsonType === undefined ? [] : [bsonTypeTest(typeNames('bsonType', bsonType))];
}

function typeNames(keyword: string, value: RawValue): string[] {
  const items = value.type === BSON_TYPE.array ? itemsOf(value) : [value];
  if (items.length === 0) throw failed(`$jsonSchema keyword '${keyword}' must name at least one type`);
  const names = items.map((item) => {
    const name = maybeStringOf(item);
    if (name === undefined) throw mistyped(keyword, 'either a string or an array of strings');
    return name;
  });
  if (new Set(names).size < names.length) throw failed(`$jsonSchema keyword '${keyword}' has duplicate values`);
  return names;
}

function numberKeywords(keywords: SchemaKeywords): ValueTest[] {
  const tests: ValueTest[] = [
    ...bound(keywords, 'minimum', 'exclusiveMinimum', ['gte', 'gt']),
    ...bound(keywords, 'maximum', 'exclusiveMaximum', ['lte', 'lt']),
  ];
  const divisor = keywords.get('multipleOf');
  if (divisor === undefined) return tests;
  if (!isNumericType(divisor.type)) throw mistyped('multipleOf', 'a number');
  const step = numberOf(divisor);
  if (!(step > 0)) throw failed("$jsonSchema keyword 'multipleOf' must have a positive value");
  const span = new MovableSpan();
  const isMultiple: ValueTest = (bytes, type, start, end) => numberOf(span.set(bytes, type, start, end)) % step === 0;
  return [...tests, onlyFor(isNumericType, isMultiple)];
}

function bound(
  keywords: SchemaKeywords,
  keyword: string,
  exclusiveKeyword: string,
  [inclusive, exclusive]: readonly ['gte', 'gt'] | readonly ['lte', 'lt'],
): ValueTest[] {
  const limit = keywords.get(keyword);
  const flag = keywords.get(exclusiveKeyword);
  if (limit === undefined) {
    if (flag === undefined) return [];
    throw failed(`$jsonSchema keyword '${keyword}' must be a present if ${exclusiveKeyword} is present`);
  }
  if (!isNumericType(limit.type)) throw mistyped(keyword, 'a number');
  if (flag !== undefined && flag.type !== BSON_TYPE.bool) throw mistyped(exclusiveKeyword, 'a boolean');
  const isExclusive = flag !== undefined && flag.bytes[flag.start] !== 0;
  return [onlyFor(isNumericType, comparisonTest(isExclusive ? exclusive : inclusive, limit, BINARY_ORDER))];
}

const isString = (type: number): boolean => type === BSON_TYPE.string;

function stringKeywords(keywords: SchemaKeywords): ValueTest[] {
  const tests: ValueTest[] = [];
  const span = new MovableSpan();
  const textOf = (bytes: Uint8Array, type: number, start: number, end: number): string =>
    stringOf(span.set(bytes, type, start, end));
  const min = countKeyword(keywords, 'minLength');
  const max = countKeyword(keywords, 'maxLength');
  if (min !== undefined) tests.push((bytes, type, start, end) => codePoints(textOf(bytes, type, start, end)) >= min);
  if (max !== undefined) tests.push((bytes, type, start, end) => codePoints(textOf(bytes, type, start, end)) <= max);
  const pattern = keywords.get('pattern');
  if (pattern !== undefined) {
    if (pattern.type !== BSON_TYPE.string) throw mistyped('pattern', 'a string');
    const regex = compileRegex(stringOf(pattern), '');
    tests.push((bytes, type, start, end) => regex.test(textOf(bytes, type, start, end)));
  }
  return tests.map((test) => onlyFor(isString, test));
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function logicalKeywords(keywords: SchemaKeywords): ValueTest[] {
  const tests: ValueTest[] = [];
  const all = schemaList(keywords, 'allOf');
  if (all !== undefined) tests.push(allOf(all));
  const any = schemaList(keywords, 'anyOf');
  if (any !== undefined) tests.push(anyOf(any));
  const one = schemaList(keywords, 'oneOf');
  if (one !== undefined) tests.push((...value) => one.filter((test) => test(...value)).length === 1);
  const not = keywords.get('not');
  if (not !== undefined) {
    if (not.type !== BSON_TYPE.object) throw mistyped('not', 'an object');
    tests.push(negate(compileSchema(not.bytes, not.start)));
  }
  return tests.length === 0 ? [always] : tests;
}

function schemaList(keywords: SchemaKeywords, keyword: string): ValueTest[] | undefined {
  const list = keywords.get(keyword);
  if (list === undefined) return undefined;
  if (list.type !== BSON_TYPE.array) throw mistyped(keyword, 'an array');
  const schemas = itemsOf(list).map((schema) => {
    if (schema.type !== BSON_TYPE.object) throw mistyped(keyword, 'an array of objects');
    return compileSchema(schema.bytes, schema.start);
  });
  if (schemas.length === 0) {
    throw new CommandError('BadValue', `$jsonSchema keyword '${keyword}' must be a non-empty array`);
  }
  return schemas;
}
