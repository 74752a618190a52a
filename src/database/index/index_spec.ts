/** Index specifications: what a client may ask for, and the one form in which they are stored, shown and logged. */
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { isNumericType } from '../../bson/types.ts';
import { isTruthy, numberOf, stringOf } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { EqualityKeys } from '../../query/collation/equality_keys.ts';
import { parseCollation, type Collation } from '../../query/collation.ts';
import { BARE_SCOPE, type ExpressionScope } from '../../query/expression.ts';
import { compileFilter } from '../../query/matcher.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import { kindOf } from '../index_kinds/kinds.ts';
import { indexField, type IndexField } from './index_key.ts';

const KEY = fieldName('key');
const NAME = fieldName('name');
const UNIQUE = fieldName('unique');
const SPARSE = fieldName('sparse');
const HIDDEN = fieldName('hidden');
const PARTIAL_FILTER = fieldName('partialFilterExpression');
const EXPIRE_AFTER = fieldName('expireAfterSeconds');
const COLLATION = fieldName('collation');
const WILDCARD_PROJECTION = fieldName('wildcardProjection');

/** The spec of the index every collection has. */
export const ID_INDEX_SPEC: Uint8Array = new BsonWriter()
  .startDocument()
  .int32('v', 2)
  .startSubdocument('key')
  .int32('_id', 1)
  .end()
  .string('name', '_id_')
  .endDocument()
  .finish();

/** That spec in a collection with a collation of its own. */
export function idIndexSpec(collation: Collation | undefined): Uint8Array {
  if (collation === undefined) return ID_INDEX_SPEC;
  const writer = new BsonWriter().startDocument().fieldsOf(ID_INDEX_SPEC);
  return writer.document('collation', collation.document).endDocument().finish();
}

/** Reads back a spec in its stored form; nothing is checked. */
export function storedIndexSpec(document: Uint8Array): IndexSpec {
  const name = findField(document, NAME);
  const key = documentIn(document, KEY) ?? new Uint8Array([5, 0, 0, 0, 0]);
  const fields = fieldsOf(key);
  const partialFilter = documentIn(document, PARTIAL_FILTER);
  const expireAfter = findField(document, EXPIRE_AFTER);
  const collation = documentIn(document, COLLATION);
  const equality = equalityOf(collation);
  return {
    name: name === undefined ? '' : stringOf(name),
    kind: kindOf(fields),
    fields,
    isUnique: isSet(document, UNIQUE),
    isSparse: isSet(document, SPARSE),
    isHidden: isSet(document, HIDDEN),
    partialFilter: partialFilter === undefined ? undefined : compileFilter(partialFilter, scopeOf(equality)),
    expireAfterSeconds: expireAfter === undefined ? undefined : numberOf(expireAfter),
    collation,
    equality,
    wildcardProjection: documentIn(document, WILDCARD_PROJECTION),
    key,
    document,
  };
}

function equalityOf(collation: Uint8Array | undefined): EqualityKeys | undefined {
  const parsed = collation === undefined ? undefined : parseCollation(collation);
  return parsed === undefined ? undefined : new EqualityKeys(parsed);
}

function scopeOf(equality: EqualityKeys | undefined): ExpressionScope {
  return equality === undefined ? BARE_SCOPE : BARE_SCOPE.ordered(equality.order);
}

function documentIn(document: Uint8Array, name: Uint8Array): Uint8Array | undefined {
  const value = findField(document, name);
  return value?.bytes.slice(value.start, value.end);
}

function isSet(document: Uint8Array, name: Uint8Array): boolean {
  const flag = findField(document, name);
  return flag !== undefined && isTruthy(flag);
}

/** The order in which `listIndexes` shows the parts of a spec; what is not here follows as it is. */
const LISTED_FIRST = ['v', 'key', 'name', 'background', 'unique', 'hidden'].map((name) => fieldName(name));

/** A spec as `listIndexes` shows it. */
export function listedSpec(spec: Uint8Array): Uint8Array {
  const writer = new BsonWriter().startDocument();
  for (const name of LISTED_FIRST) {
    const value = findField(spec, name);
    if (value !== undefined) writer.value(name, value);
  }
  const reader = new ElementReader(spec);
  while (reader.next()) {
    if (LISTED_FIRST.some((name) => reader.nameEquals(name))) continue;
    if (reader.nameEquals(EXPIRE_AFTER)) writer.int32(EXPIRE_AFTER, numberOf(reader));
    else writer.element(spec, reader.elementStart, reader.end);
  }
  return writer.endDocument().finish();
}

function fieldsOf(key: Uint8Array): IndexField[] {
  const fields: IndexField[] = [];
  const reader = new ElementReader(key);
  while (reader.next()) {
    const isDirection = isNumericType(reader.type);
    const plugin = isDirection ? undefined : stringOf(reader);
    fields.push(indexField(reader.name(), isDirection && numberOf(reader) < 0, plugin));
  }
  return fields;
}

/** Whether the key pattern is {_id: 1} (any positive number). */
export function isIdKey(key: Uint8Array): boolean {
  const reader = new ElementReader(key);
  if (!reader.next() || reader.name() !== '_id') return false;
  return isNumericType(reader.type) && numberOf(reader) > 0 && !reader.next();
}
