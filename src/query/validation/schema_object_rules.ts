/** Which rules about documents a value breaks. */
import { countElements } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { stringOf, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileRegex } from '../regex/compile_regex.ts';
import { itemsOf } from '../update/array_value.ts';
import {
  endWithDetails,
  fieldsWithName,
  meets,
  meetsKeywords,
  startRule,
  writeList,
  writeTexts,
  type ExplainRules,
  type SchemaCase,
} from './schema_rules.ts';

export function objectRules(broken: SchemaCase, explain: ExplainRules): Uint8Array[] {
  if (broken.value.type !== BSON_TYPE.object) return [];
  const rules = [...propertiesRule(broken, explain), ...additionalPropertiesRule(broken, explain)];
  rules.push(...patternPropertiesRule(broken, explain));
  const required = broken.keywords.get('required');
  const missing = required === undefined ? [] : missingOf(broken.value, itemsOf(required).map(stringOf));
  if (missing.length > 0) {
    const writer = startRule(broken, ['required']);
    rules.push(writeNames(writer, 'missingProperties', missing).endDocument().finish());
  }
  return [...rules, ...countRules(broken), ...dependenciesRule(broken, explain)];
}

function countRules(broken: SchemaCase): Uint8Array[] {
  const names = ['minProperties', 'maxProperties'].filter((name) => broken.keywords.has(name));
  return names
    .filter((name) => !meetsKeywords(broken, [name]))
    .map((name) => {
      const writer = startRule(broken, [name]).string('reason', 'specified number of properties was not satisfied');
      const count = countElements(broken.value.bytes, broken.value.start);
      return writer.int32('numberOfProperties', count).endDocument().finish();
    });
}

/** Sorted, as they are reported. */
function missingOf(value: RawValue, names: readonly string[]): string[] {
  const there = new Set([...fieldsWithName(value)].map(([name]) => name));
  return names.filter((name) => !there.has(name)).toSorted();
}

function writeNames(writer: BsonWriter, name: string, names: readonly string[]): BsonWriter {
  writer.startArray(name);
  for (const [i, one] of names.entries()) writer.string(i, one);
  return writer.end();
}

function propertiesRule(broken: SchemaCase, explain: ExplainRules): Uint8Array[] {
  const properties = broken.keywords.get('properties');
  if (properties === undefined) return [];
  const fields = new Map(fieldsWithName(broken.value));
  const failures: Uint8Array[] = [];
  for (const [name, schema] of fieldsWithName(properties)) {
    const field = fields.get(name);
    if (field === undefined || meets(schema, field)) continue;
    const writer = new BsonWriter().startDocument().string('propertyName', name);
    writeTexts(writer, schema);
    failures.push(endWithDetails(writer, explain(schema, field, broken.isShort)));
  }
  if (failures.length === 0) return [];
  const writer = new BsonWriter().startDocument().string('operatorName', 'properties');
  return [writeList(writer, 'propertiesNotSatisfied', failures).endDocument().finish()];
}

/** The fields that neither `properties` nor `patternProperties` speaks about. */
function additionalFields(broken: SchemaCase): (readonly [string, RawValue])[] {
  const { keywords, value } = broken;
  const properties = keywords.get('properties');
  const patterns = keywords.get('patternProperties');
  const named = new Set(properties === undefined ? [] : [...fieldsWithName(properties)].map(([name]) => name));
  const regexes = (patterns === undefined ? [] : [...fieldsWithName(patterns)]).map(([text]) => compileRegex(text, ''));
  return [...fieldsWithName(value)].filter(([name]) => !named.has(name) && !regexes.some((regex) => regex.test(name)));
}

function additionalPropertiesRule(broken: SchemaCase, explain: ExplainRules): Uint8Array[] {
  const rest = broken.keywords.get('additionalProperties');
  if (rest === undefined) return [];
  const additional = additionalFields(broken);
  if (rest.type === BSON_TYPE.bool) {
    if (rest.bytes[rest.start] !== 0 || additional.length === 0) return [];
    const names = additional.map(([name]) => name);
    return [
      writeNames(startRule(broken, ['additionalProperties']), 'additionalProperties', names)
        .endDocument()
        .finish(),
    ];
  }
  const failing = additional.find(([, field]) => !meets(rest, field));
  if (failing === undefined) return [];
  const [name, field] = failing;
  const writer = new BsonWriter().startDocument().string('operatorName', 'additionalProperties');
  writeTexts(writer, rest);
  writer.string('reason', 'at least one additional property did not match the subschema');
  writer.string('failingProperty', name);
  return [endWithDetails(writer, explain(rest, field, broken.isShort))];
}

function patternPropertiesRule(broken: SchemaCase, explain: ExplainRules): Uint8Array[] {
  const patterns = broken.keywords.get('patternProperties');
  if (patterns === undefined) return [];
  const failures: Uint8Array[] = [];
  for (const [pattern, schema] of fieldsWithName(patterns)) {
    const regex = compileRegex(pattern, '');
    for (const [name, field] of fieldsWithName(broken.value)) {
      if (!regex.test(name) || meets(schema, field)) continue;
      const writer = new BsonWriter().startDocument().string('propertyName', name);
      writeTexts(writer, schema);
      writer.string('regexMatched', pattern);
      failures.push(endWithDetails(writer, explain(schema, field, broken.isShort)));
      break;
    }
  }
  if (failures.length === 0) return [];
  const writer = new BsonWriter().startDocument().string('operatorName', 'patternProperties');
  return [endWithDetails(writer, failures)];
}

function dependenciesRule(broken: SchemaCase, explain: ExplainRules): Uint8Array[] {
  const dependencies = broken.keywords.get('dependencies');
  if (dependencies === undefined) return [];
  const fields = new Map(fieldsWithName(broken.value));
  const failures: Uint8Array[] = [];
  for (const [name, dependency] of fieldsWithName(dependencies)) {
    if (!fields.has(name)) continue;
    const writer = new BsonWriter().startDocument().string('conditionalProperty', name);
    if (dependency.type === BSON_TYPE.object) {
      if (meets(dependency, broken.value)) continue;
      writeList(writer, 'details', explain(dependency, broken.value, broken.isShort));
    } else {
      const missing = missingOf(broken.value, itemsOf(dependency).map(stringOf));
      if (missing.length === 0) continue;
      writeNames(writer, 'missingProperties', missing);
    }
    failures.push(writer.endDocument().finish());
  }
  if (failures.length === 0) return [];
  const writer = new BsonWriter().startDocument().string('operatorName', 'dependencies');
  return [writeList(writer, 'failingDependencies', failures).endDocument().finish()];
}
