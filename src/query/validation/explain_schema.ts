/** Which rules of a `$jsonSchema` a value breaks. Rules come in MongoDB's order, whatever the order in the schema is. */
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Explaining } from './explaining.ts';
import { arrayRules } from './schema_array_rules.ts';
import { objectRules } from './schema_object_rules.ts';
import {
  itemsWithIndex,
  keywordsOf,
  meets,
  meetsKeywords,
  startRule,
  writeList,
  writeTexts,
  type SchemaCase,
} from './schema_rules.ts';

export function explainSchema(schema: RawValue, { document, isInverted, isShort }: Explaining): Uint8Array {
  const writer = new BsonWriter().startDocument().string('operatorName', '$jsonSchema');
  if (isInverted) return writer.string('reason', 'schema matched').endDocument().finish();
  writeTexts(writer, schema);
  const rules = brokenRules(schema, rawObject(document), isShort);
  return writeList(writer, 'schemaRulesNotSatisfied', rules).endDocument().finish();
}

function brokenRules(schema: RawValue, value: RawValue, isShort: boolean): Uint8Array[] {
  const broken: SchemaCase = { keywords: keywordsOf(schema), value, isShort };
  return [
    ...logicalRules(broken),
    ...scalarRules(broken),
    ...arrayRules(broken, brokenRules),
    ...objectRules(broken, brokenRules),
    ...typeRules(broken),
  ];
}

function logicalRules(broken: SchemaCase): Uint8Array[] {
  const rules: Uint8Array[] = [];
  if (breaks(broken, ['allOf'])) rules.push(explainSchemas(broken, 'allOf'));
  if (breaks(broken, ['anyOf'])) rules.push(explainSchemas(broken, 'anyOf'));
  if (breaks(broken, ['oneOf'])) rules.push(explainOneOf(broken));
  if (breaks(broken, ['not'])) {
    const writer = new BsonWriter().startDocument().string('operatorName', 'not');
    rules.push(writer.string('reason', 'child expression matched').endDocument().finish());
  }
  if (breaks(broken, ['enum'])) rules.push(valueRule(broken, ['enum'], 'value was not found in enum'));
  return rules;
}

/** The last name is an addition to the first. */
function breaks(broken: SchemaCase, names: readonly string[]): boolean {
  return broken.keywords.has(names[0]) && !meetsKeywords(broken, names);
}

/** `allOf` and `anyOf`: those that are not met. */
function explainSchemas(broken: SchemaCase, keyword: string): Uint8Array {
  const writer = new BsonWriter().startDocument().string('operatorName', keyword);
  writer.startArray('schemasNotSatisfied');
  let count = 0;
  const schemas = broken.keywords.get(keyword);
  for (const [i, schema] of schemas === undefined ? [] : itemsWithIndex(schemas)) {
    if (meets(schema, broken.value)) continue;
    writer.startSubdocument(count).int32('index', i);
    writeTexts(writer, schema);
    writeList(writer, 'details', brokenRules(schema, broken.value, broken.isShort)).end();
    count += 1;
  }
  return writer.end().endDocument().finish();
}

function explainOneOf(broken: SchemaCase): Uint8Array {
  const schemas = broken.keywords.get('oneOf');
  const met = [...(schemas === undefined ? [] : itemsWithIndex(schemas))].filter(([, one]) => meets(one, broken.value));
  if (met.length === 0) return explainSchemas(broken, 'oneOf');
  const writer = new BsonWriter().startDocument().string('operatorName', 'oneOf');
  writer.string('reason', 'more than one subschema matched').startArray('matchingSchemaIndexes');
  for (const [i, [index]] of met.entries()) writer.int32(i, index);
  return writer.end().endDocument().finish();
}

const SCALAR_RULES: readonly (readonly [readonly string[], string])[] = [
  [['maximum', 'exclusiveMaximum'], 'comparison failed'],
  [['minimum', 'exclusiveMinimum'], 'comparison failed'],
  [['maxLength'], 'specified string length was not satisfied'],
  [['minLength'], 'specified string length was not satisfied'],
  [['pattern'], 'regular expression did not match'],
  [['multipleOf'], 'considered value is not a multiple of the specified value'],
];

function scalarRules(broken: SchemaCase): Uint8Array[] {
  return SCALAR_RULES.filter(([names]) => breaks(broken, names)).map(([names, reason]) =>
    valueRule(broken, names, reason),
  );
}

function typeRules(broken: SchemaCase): Uint8Array[] {
  const rules: Uint8Array[] = [];
  for (const keyword of ['type', 'bsonType']) {
    if (!breaks(broken, [keyword])) continue;
    const writer = startRule(broken, [keyword]).string('reason', 'type did not match');
    if (!broken.isShort) writer.value('consideredValue', broken.value);
    rules.push(writer.string('consideredType', typeAlias(broken.value.type)).endDocument().finish());
  }
  return rules;
}

function valueRule(broken: SchemaCase, names: readonly string[], reason: string): Uint8Array {
  const writer = startRule(broken, names).string('reason', reason);
  const { type } = broken.value;
  if (!broken.isShort || (type !== BSON_TYPE.array && type !== BSON_TYPE.object)) {
    writer.value('consideredValue', broken.value);
  }
  return writer.endDocument().finish();
}
