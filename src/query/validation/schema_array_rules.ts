/** Which rules about arrays a value breaks. */
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileSchema } from '../match/json_schema.ts';
import { itemsOf, rawArrayOf } from '../update/array_value.ts';
import {
  endWithDetails,
  itemsWithIndex,
  meets,
  meetsKeywords,
  startRule,
  writeTexts,
  type ExplainRules,
  type SchemaCase,
} from './schema_rules.ts';

export function arrayRules(broken: SchemaCase, explain: ExplainRules): Uint8Array[] {
  if (broken.value.type !== BSON_TYPE.array) return [];
  return [...lengthRules(broken), ...uniqueRule(broken), ...itemRules(broken, explain)];
}

function lengthRules(broken: SchemaCase): Uint8Array[] {
  const names = ['maxItems', 'minItems'].filter((name) => broken.keywords.has(name) && !meetsKeywords(broken, [name]));
  return names.map((name) => {
    const writer = startRule(broken, [name]).string('reason', 'array did not match specified length');
    if (!broken.isShort) writer.value('consideredValue', broken.value);
    return writer.int32('numberOfItems', itemsOf(broken.value).length).endDocument().finish();
  });
}

function uniqueRule(broken: SchemaCase): Uint8Array[] {
  const keyword = broken.keywords.get('uniqueItems');
  if (keyword === undefined || meetsKeywords(broken, ['uniqueItems'])) return [];
  const writer = startRule(broken, ['uniqueItems']).string('reason', 'found a duplicate item');
  if (!broken.isShort) writer.value('consideredValue', broken.value);
  const duplicate = firstDuplicate(broken.value);
  if (duplicate !== undefined) writer.value('duplicatedValue', duplicate);
  return [writer.endDocument().finish()];
}

/** The first item that is the same as one before it. */
function firstDuplicate(array: RawValue): RawValue | undefined {
  const items = itemsOf(array);
  const schema = new BsonWriter().startDocument().bool('uniqueItems', true).endDocument().finish();
  const isUnique = compileSchema(schema, 0);
  for (let count = 2; count <= items.length; count++) {
    const { bytes, type, start, end } = rawArrayOf(items.slice(0, count));
    if (!isUnique(bytes, type, start, end)) return items[count - 1];
  }
  return undefined;
}

function itemRules(broken: SchemaCase, explain: ExplainRules): Uint8Array[] {
  const items = broken.keywords.get('items');
  if (items === undefined) return [];
  if (items.type === BSON_TYPE.object) {
    return oneSchemaRule(broken, { keyword: 'items', schema: items, from: 0 }, explain);
  }
  const schemas = itemsOf(items);
  const rules = listedSchemasRule(broken, schemas, explain);
  const rest = broken.keywords.get('additionalItems');
  if (rest?.type === BSON_TYPE.object) {
    const schema = { keyword: 'additionalItems', schema: rest, from: schemas.length };
    rules.push(...oneSchemaRule(broken, schema, explain));
  } else if (rest !== undefined && rest.bytes[rest.start] === 0) {
    rules.push(...additionalItemsRule(broken, schemas.length));
  }
  return rules;
}

interface ItemSchema {
  readonly keyword: string;
  readonly schema: RawValue;
  /** The first item it is about. */
  readonly from: number;
}

function oneSchemaRule(broken: SchemaCase, { keyword, schema, from }: ItemSchema, explain: ExplainRules): Uint8Array[] {
  for (const [i, item] of itemsWithIndex(broken.value)) {
    if (i < from || meets(schema, item)) continue;
    const writer = new BsonWriter().startDocument().string('operatorName', keyword);
    writeTexts(writer, schema);
    const what = keyword === 'items' ? 'item' : 'additional item';
    writer.string('reason', `At least one ${what} did not match the sub-schema`).int32('itemIndex', i);
    return [endWithDetails(writer, explain(schema, item, broken.isShort))];
  }
  return [];
}

function listedSchemasRule(broken: SchemaCase, schemas: readonly RawValue[], explain: ExplainRules): Uint8Array[] {
  const details: Uint8Array[] = [];
  for (const [i, item] of itemsWithIndex(broken.value)) {
    const schema = schemas[i];
    if (schema === undefined || meets(schema, item)) continue;
    const writer = new BsonWriter().startDocument().int32('itemIndex', i);
    details.push(endWithDetails(writer, explain(schema, item, broken.isShort)));
  }
  if (details.length === 0) return [];
  const writer = new BsonWriter().startDocument().string('operatorName', 'items');
  return [endWithDetails(writer, details)];
}

function additionalItemsRule(broken: SchemaCase, from: number): Uint8Array[] {
  const additional = itemsOf(broken.value).slice(from);
  if (additional.length === 0) return [];
  const writer = startRule(broken, ['additionalItems']).string('reason', 'found additional items');
  return [writer.value('additionalItems', rawArrayOf(additional)).endDocument().finish()];
}
