/** Keywords of `$jsonSchema` about arrays, and `enum`, which compares as they do. */
import { ElementReader } from '../../bson/elements.ts';
import { KeyWriter } from '../../bson/key.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { keyText } from '../key_text.ts';
import { itemsOf, rawArrayOf } from '../update/array_value.ts';
import {
  countTests,
  failed,
  mistyped,
  onlyFor,
  type CompileSchema,
  type SchemaKeywords,
} from './json_schema_keywords.ts';
import { MovableSpan } from './span.ts';
import { always, never, type ValueTest } from './value_test.ts';

const isArray = (type: number): boolean => type === BSON_TYPE.array;

export function arrayKeywords(keywords: SchemaKeywords, compile: CompileSchema): ValueTest[] {
  const tests = countTests(keywords, 'minItems', 'maxItems');
  const unique = keywords.get('uniqueItems');
  if (unique !== undefined && unique.type !== BSON_TYPE.bool) throw mistyped('uniqueItems', 'a boolean');
  if (unique !== undefined && unique.bytes[unique.start] !== 0) tests.push(hasUniqueItems);
  tests.push(...itemTests(keywords, compile));
  return [...tests.map((test) => onlyFor(isArray, test)), ...enumTest(keywords)];
}

function itemTests(keywords: SchemaKeywords, compile: CompileSchema): ValueTest[] {
  const rest = additionalItems(keywords, compile);
  const items = keywords.get('items');
  if (items === undefined) return [];
  if (items.type === BSON_TYPE.object) {
    const schema = compile(items.bytes, items.start);
    return [(bytes, _type, start) => everyItem(bytes, start, () => schema)];
  }
  if (items.type !== BSON_TYPE.array) throw mistyped('items', 'an array or an object');
  const schemas = itemsOf(items).map((item) => {
    if (item.type !== BSON_TYPE.object) throw mistyped('items', 'an array of objects');
    return compile(item.bytes, item.start);
  });
  return [(bytes, _type, start) => everyItem(bytes, start, (index) => schemas[index] ?? rest)];
}

function additionalItems(keywords: SchemaKeywords, compile: CompileSchema): ValueTest {
  const rest = keywords.get('additionalItems');
  if (rest === undefined) return always;
  if (rest.type === BSON_TYPE.bool) return rest.bytes[rest.start] === 0 ? never : always;
  if (rest.type === BSON_TYPE.object) return compile(rest.bytes, rest.start);
  throw mistyped('additionalItems', 'either an object or a boolean');
}

function everyItem(bytes: Uint8Array, start: number, schemaOf: (index: number) => ValueTest): boolean {
  const reader = new ElementReader(bytes, start);
  for (let index = 0; reader.next(); index++) {
    if (!schemaOf(index)(reader.bytes, reader.type, reader.start, reader.end)) return false;
  }
  return true;
}

const hasUniqueItems: ValueTest = (bytes, _type, start) => {
  const keys = new Set<string>();
  let count = 0;
  const reader = new ElementReader(bytes, start);
  while (reader.next()) {
    keys.add(unorderedKey(reader.value()));
    count++;
  }
  return keys.size === count;
};

function enumTest(keywords: SchemaKeywords): ValueTest[] {
  const list = keywords.get('enum');
  if (list === undefined) return [];
  if (list.type !== BSON_TYPE.array) throw mistyped('enum', 'an array');
  const values = itemsOf(list);
  const keys = new Set(values.map(unorderedKey));
  if (values.length === 0) throw failed("$jsonSchema keyword 'enum' cannot be an empty array");
  if (keys.size < values.length) throw failed("$jsonSchema keyword 'enum' array cannot contain duplicate values");
  const span = new MovableSpan();
  return [
    (bytes, type, start, end) => {
      const { bytes: own } = span.set(bytes, type, start, end);
      const reader = new ElementReader(wrapped(own, type, start, end));
      reader.next();
      return keys.has(unorderedKey(reader.value()));
    },
  ];
}

function wrapped(bytes: Uint8Array, type: number, start: number, end: number): Uint8Array {
  const writer = new BsonWriter().startDocument();
  return writer.value('v', { bytes, type, start, end }).endDocument().finish();
}

const KEYS = new KeyWriter();

/** Equal for values that are the same when the order of fields does not count. */
function unorderedKey(value: RawValue): string {
  return keyText(KEYS.reset().append(sorted(value)).finish());
}

function sorted(value: RawValue): RawValue {
  if (value.type === BSON_TYPE.array) return rawArrayOf(itemsOf(value).map(sorted));
  if (value.type !== BSON_TYPE.object) return value;
  const fields: (readonly [string, RawValue])[] = [];
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) fields.push([reader.name(), sorted(reader.value())]);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  const writer = new BsonWriter().startDocument();
  for (const [name, field] of fields) writer.value(name, field);
  return rawObject(writer.endDocument().finish());
}
