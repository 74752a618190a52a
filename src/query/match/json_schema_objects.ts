/** Keywords of `$jsonSchema` about documents. */
import { fieldName, textOf } from '../../bson/bytes.ts';
import { ElementReader, findElement, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { maybeStringOf, type RawValue } from '../../bson/value.ts';
import { compileRegex, type CompiledRegex } from '../regex/compile_regex.ts';
import { itemsOf } from '../update/array_value.ts';
import {
  countTests,
  failed,
  mistyped,
  onlyFor,
  type CompileSchema,
  type SchemaKeywords,
} from './json_schema_keywords.ts';
import { never, type ValueTest } from './value_test.ts';

const isObject = (type: number): boolean => type === BSON_TYPE.object;

export function objectKeywords(keywords: SchemaKeywords, compile: CompileSchema): ValueTest[] {
  const tests = countTests(keywords, 'minProperties', 'maxProperties');
  const required = keywords.get('required');
  if (required !== undefined) tests.push(hasFields(names('required', required)));
  tests.push(...propertyTests(keywords, compile), ...dependencyTests(keywords, compile));
  return tests.map((test) => onlyFor(isObject, test));
}

function names(keyword: string, list: RawValue): Uint8Array[] {
  if (list.type !== BSON_TYPE.array) throw mistyped(keyword, 'an array');
  const found = itemsOf(list).map((item) => {
    const name = maybeStringOf(item);
    if (name === undefined) throw mistyped(keyword, 'an array of strings');
    return name;
  });
  if (found.length === 0) throw failed(`$jsonSchema keyword '${keyword}' cannot be an empty array`);
  if (new Set(found).size < found.length) {
    throw failed(`$jsonSchema keyword '${keyword}' array cannot contain duplicate values`);
  }
  return found.map(fieldName);
}

/** More fields than this are looked for in one walk over the document. */
const SEARCHED_FIELDS_MAX = 16;

function hasFields(wanted: readonly Uint8Array[]): ValueTest {
  if (wanted.length > SEARCHED_FIELDS_MAX)
    return hasManyFields(new Set(wanted.map((name) => textOf(name, 0, name.length))));
  return (bytes, _type, start) => wanted.every((name) => findElement(bytes, start, name) >= 0);
}

function hasManyFields(wanted: ReadonlySet<string>): ValueTest {
  return (bytes, _type, start) => {
    const found = new Set<string>();
    const reader = new ElementReader(bytes, start);
    while (reader.next()) {
      const name = reader.name();
      if (wanted.has(name)) found.add(name);
    }
    return found.size === wanted.size;
  };
}

interface Properties {
  readonly named: ReadonlyMap<string, ValueTest>;
  readonly patterns: readonly { readonly regex: CompiledRegex; readonly test: ValueTest }[];
  /** For fields that neither names; undefined when they are free. */
  readonly others: ValueTest | undefined;
}

function propertyTests(keywords: SchemaKeywords, compile: CompileSchema): ValueTest[] {
  const named = schemasByName(keywords, 'properties', compile);
  const patterns = [...schemasByName(keywords, 'patternProperties', compile)].map(([pattern, test]) => ({
    regex: compileRegex(pattern, ''),
    test,
  }));
  const others = additionalProperties(keywords, compile);
  if (named.size === 0 && patterns.length === 0 && others === undefined) return [];
  const properties: Properties = { named, patterns, others };
  return [(bytes, _type, start) => meetsProperties(properties, bytes, start)];
}

function meetsProperties({ named, patterns, others }: Properties, bytes: Uint8Array, start: number): boolean {
  const reader = new ElementReader(bytes, start);
  while (reader.next()) {
    const name = reader.name();
    const own = named.get(name);
    const tests = patterns.filter(({ regex }) => regex.test(name)).map(({ test }) => test);
    if (own !== undefined) tests.push(own);
    if (tests.length === 0 && others !== undefined) tests.push(others);
    if (!tests.every((test) => test(reader.bytes, reader.type, reader.start, reader.end))) return false;
  }
  return true;
}

function additionalProperties(keywords: SchemaKeywords, compile: CompileSchema): ValueTest | undefined {
  const rest = keywords.get('additionalProperties');
  if (rest === undefined) return undefined;
  if (rest.type === BSON_TYPE.bool) return rest.bytes[rest.start] === 0 ? never : undefined;
  if (rest.type === BSON_TYPE.object) return compile(rest.bytes, rest.start);
  throw mistyped('additionalProperties', 'an object or a boolean');
}

function schemasByName(keywords: SchemaKeywords, keyword: string, compile: CompileSchema): Map<string, ValueTest> {
  const schemas = new Map<string, ValueTest>();
  const value = keywords.get(keyword);
  if (value === undefined) return schemas;
  if (value.type !== BSON_TYPE.object) throw mistyped(keyword, 'an object');
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    if (reader.type !== BSON_TYPE.object) throw mistyped(`${keyword}.${reader.name()}`, 'an object');
    schemas.set(reader.name(), compile(reader.bytes, reader.start));
  }
  return schemas;
}

/** Of further fields, or of a whole schema, when a field is there. */
function dependencyTests(keywords: SchemaKeywords, compile: CompileSchema): ValueTest[] {
  const value = keywords.get('dependencies');
  if (value === undefined) return [];
  if (value.type !== BSON_TYPE.object) throw mistyped('dependencies', 'an object');
  const tests: ValueTest[] = [];
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    const name = fieldName(reader.name());
    const test =
      reader.type === BSON_TYPE.object
        ? compile(reader.bytes, reader.start)
        : hasFields(names('dependencies', reader.value()));
    tests.push(
      (bytes, type, start, end) => findField(bytes, name, start) === undefined || test(bytes, type, start, end),
    );
  }
  return tests;
}
