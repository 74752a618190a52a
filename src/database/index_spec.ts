/** Index specifications: what a client may ask for, and the one form in which they are stored, shown and logged. */
import { CommandError } from '../base/command_error.ts';
import { fieldName } from '../bson/bytes.ts';
import { ElementReader, findField, isEmptyDocument } from '../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias, type ValueSpan } from '../bson/types.ts';
import { isTruthy, numberOf, stringOf } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { describeDocument, describeValue } from '../query/describe.ts';
import { indexField, type IndexField } from './index_key.ts';

export interface IndexSpec {
  readonly name: string;
  readonly fields: readonly IndexField[];
  readonly isUnique: boolean;
  readonly isSparse: boolean;
  /** Kept up to date, but no query uses it. */
  readonly isHidden: boolean;
  /** The key pattern, a whole document. */
  readonly key: Uint8Array;
  /** {v: 2, unique?, key, name, …}: as the oplog carries it. */
  readonly document: Uint8Array;
}

const KEY = fieldName('key');
const NAME = fieldName('name');
const UNIQUE = fieldName('unique');
const SPARSE = fieldName('sparse');
const HIDDEN = fieldName('hidden');

/** Options that belong to index types and features there are none of yet. */
const UNSUPPORTED_OPTIONS: ReadonlySet<string> = new Set([
  'expireAfterSeconds',
  'partialFilterExpression',
  'collation',
  'wildcardProjection',
  'weights',
  'default_language',
  'language_override',
  'textIndexVersion',
  '2dsphereIndexVersion',
  'bits',
  'min',
  'max',
  'bucketSize',
  'clustered',
  'prepareUnique',
  'columnstoreProjection',
]);
const IGNORED_OPTIONS: ReadonlySet<string> = new Set(['dropDups', 'storageEngine', 'ns']);
const ID_INDEX_OPTIONS: ReadonlySet<string> = new Set(['v', 'key', 'name', 'ns', 'collation']);
const MAX_FIELDS = 32;

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

/** Reads back a spec in its stored form; nothing is checked. */
export function storedIndexSpec(document: Uint8Array): IndexSpec {
  const key = findField(document, KEY);
  const name = findField(document, NAME);
  const keyDocument = key === undefined ? new Uint8Array([5, 0, 0, 0, 0]) : key.bytes.slice(key.start, key.end);
  return {
    name: name === undefined ? '' : stringOf(name),
    fields: fieldsOf(keyDocument),
    isUnique: isSet(document, UNIQUE),
    isSparse: isSet(document, SPARSE),
    isHidden: isSet(document, HIDDEN),
    key: keyDocument,
    document,
  };
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
    if (!LISTED_FIRST.some((name) => reader.nameEquals(name))) writer.element(spec, reader.elementStart, reader.end);
  }
  return writer.endDocument().finish();
}

function fieldsOf(key: Uint8Array): IndexField[] {
  const fields: IndexField[] = [];
  const reader = new ElementReader(key);
  while (reader.next()) fields.push(indexField(reader.name(), numberOf(reader) < 0));
  return fields;
}

/** Whether the key pattern is {_id: 1} (any positive number). */
export function isIdKey(key: Uint8Array): boolean {
  const reader = new ElementReader(key);
  if (!reader.next() || reader.name() !== '_id') return false;
  return isNumericType(reader.type) && numberOf(reader) > 0 && !reader.next();
}

/**
 * Checks one item of `createIndexes.indexes` at `at` of `bytes` and brings it into its stored form.
 * Throws CommandError: 9, 14, 67, 197 for bad ones, 238 for features that are not there.
 */
export function parseIndexSpec(bytes: Uint8Array, at: number): IndexSpec {
  const source = bytes.slice(
    at,
    at + (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)),
  );
  try {
    return normalise(source);
  } catch (error) {
    if (!(error instanceof CommandError) || error.code === 238 || error.details['bare'] === true) throw bare(error);
    const text = `Error in specification ${describeDocument(source)} :: caused by :: ${error.message}`;
    throw new CommandError(error.code, text);
  }
}

function bare(error: unknown): unknown {
  return error instanceof CommandError ? new CommandError(error.code, error.message) : error;
}

function normalise(source: Uint8Array): IndexSpec {
  let key: Uint8Array | undefined;
  let name: string | undefined;
  const flags = { version: 2, unique: false, sparse: false, hidden: false, background: false };
  const reader = new ElementReader(source);
  while (reader.next()) {
    const option = reader.name();
    if (option === 'key') key = parseKey(reader);
    else if (option === 'name') name = parseName(reader);
    else if (option === 'v') flags.version = parseVersion(reader, source);
    else if (option === 'unique' || option === 'sparse' || option === 'background') {
      flags[option] = parseFlag(reader, option);
    } else if (option === 'hidden') flags.hidden = parseHidden(reader);
    else checkOtherOption(option, source);
  }
  if (key === undefined) {
    throw new CommandError('FailedToParse', "The 'key' field is a required property of an index specification");
  }
  if (name === undefined) {
    throw new CommandError('FailedToParse', "The 'name' field is a required property of an index specification");
  }
  checkName(name, key);
  if (isIdKey(key)) {
    checkIdOptions(source);
    return storedIndexSpec(ID_INDEX_SPEC);
  }
  return storedIndexSpec(buildSpec(key, name, flags));
}

interface Flags {
  readonly version: number;
  readonly unique: boolean;
  readonly sparse: boolean;
  readonly hidden: boolean;
  readonly background: boolean;
}

function buildSpec(key: Uint8Array, name: string, flags: Flags): Uint8Array {
  const writer = new BsonWriter().startDocument().int32('v', flags.version);
  if (flags.unique) writer.bool('unique', true);
  writer.document('key', key).string('name', name);
  if (flags.background) writer.bool('background', true);
  if (flags.hidden) writer.bool('hidden', true);
  if (flags.sparse) writer.bool('sparse', true);
  return writer.endDocument().finish();
}

function parseKey(value: ValueSpan): Uint8Array {
  if (value.type !== BSON_TYPE.object) {
    throw new CommandError('TypeMismatch', `The field 'key' must be an object, but got ${typeAlias(value.type)}`);
  }
  const key = value.bytes.slice(value.start, value.end);
  if (isEmptyDocument(key)) throw new CommandError('CannotCreateIndex', 'Index keys cannot be an empty document.');
  const reader = new ElementReader(key);
  let count = 0;
  const seen = new Set<string>();
  while (reader.next()) {
    count++;
    const path = reader.name();
    if (seen.has(path)) throw duplicateKeyField(path, key);
    seen.add(path);
    checkKeyValue(reader);
    checkKeyPath(path);
  }
  if (count > MAX_FIELDS) {
    throw new CommandError(13103, `too many compound keys in index key pattern: ${describeDocument(key)}`);
  }
  return key;
}

function duplicateKeyField(path: string, key: Uint8Array): CommandError {
  return new CommandError(
    'BadValue',
    `The field '${path}' appears multiple times in the index key pattern ${describeDocument(key)}`,
  );
}

function checkKeyValue(value: ValueSpan): void {
  if (value.type === BSON_TYPE.string) {
    const plugin = stringOf(value);
    if (['text', '2d', '2dsphere', 'hashed', 'geoHaystack', 'columnstore'].includes(plugin)) {
      throw new CommandError('NotImplemented', `${plugin} indexes are not implemented`);
    }
    throw new CommandError('CannotCreateIndex', `Unknown index plugin '${plugin}'`);
  }
  if (!isNumericType(value.type)) {
    const type = typeAlias(value.type);
    throw new CommandError(
      'CannotCreateIndex',
      `Values in v:2 index key pattern cannot be of type ${type}. Only numbers > 0, numbers < 0, and strings are allowed.`,
    );
  }
  const direction = numberOf(value);
  if (direction === 0) throw new CommandError('CannotCreateIndex', 'Values in the index key pattern cannot be 0.');
  if (Number.isNaN(direction))
    throw new CommandError('CannotCreateIndex', 'Values in the index key pattern cannot be NaN.');
}

function checkKeyPath(path: string): void {
  if (path === '') throw new CommandError('CannotCreateIndex', 'Index keys cannot be an empty field.');
  if (path === '_fts') {
    throw new CommandError('CannotCreateIndex', "Index key contains an illegal field name: '_fts'");
  }
  const segments = path.split('.');
  for (const [i, segment] of segments.entries()) {
    if (segment === '') throw new CommandError('CannotCreateIndex', 'Index keys cannot contain an empty field.');
    if (segment === '$**') throw new CommandError('NotImplemented', 'wildcard indexes are not implemented');
    if (!segment.startsWith('$')) continue;
    if (i > 0 && ['$id', '$ref', '$db'].includes(segment)) continue;
    throw new CommandError(
      'CannotCreateIndex',
      "Index key contains an illegal field name: field name starts with '$'.",
    );
  }
}

function parseName(value: ValueSpan): string {
  if (value.type !== BSON_TYPE.string) {
    throw new CommandError('TypeMismatch', `The field 'name' must be a string, but got ${typeAlias(value.type)}`);
  }
  return stringOf(value);
}

function checkName(name: string, key: Uint8Array): void {
  if (name === '') throw new CommandError('CannotCreateIndex', 'index name cannot be empty');
  if (name === '*') throw new CommandError('BadValue', "The index name '*' is not valid.", { bare: true });
  if (isIdKey(key)) return;
  const reader = new ElementReader(key);
  if (reader.next() && reader.name() === '_id' && !reader.next()) {
    const text = describeDocument(key);
    throw new CommandError('BadValue', `The field 'key' for an _id index must be {_id: 1}, but got ${text}`, {
      bare: true,
    });
  }
  if (name !== '_id_') return;
  throw new CommandError(
    'BadValue',
    `The index name '_id_' is reserved for the _id index, which must have key pattern {_id: 1}, found key: ${describeDocument(key)}`,
    { bare: true },
  );
}

function parseVersion(value: ValueSpan, source: Uint8Array): number {
  if (!isNumericType(value.type)) {
    throw new CommandError('TypeMismatch', `The field 'v' must be a number, but got ${typeAlias(value.type)}`);
  }
  const version = numberOf(value);
  if (version === 1 || version === 2) return version;
  const text = describeDocument(source);
  throw new CommandError(
    'CannotCreateIndex',
    `Invalid index specification ${text}; cannot create an index with v=${describeValue(value)}`,
  );
}

function parseFlag(value: ValueSpan, option: string): boolean {
  if (value.type === BSON_TYPE.bool || isNumericType(value.type)) return isTruthy(value);
  throw new CommandError(
    'BadValue',
    `The field '${option} has value ${option}: ${describeValue(value)}, which is not convertible to bool`,
  );
}

function parseHidden(value: ValueSpan): boolean {
  if (value.type !== BSON_TYPE.bool) {
    throw new CommandError('TypeMismatch', `The field 'name' must be a bool, but got ${typeAlias(value.type)}`);
  }
  return isTruthy(value);
}

function checkOtherOption(option: string, source: Uint8Array): void {
  if (IGNORED_OPTIONS.has(option)) return;
  if (UNSUPPORTED_OPTIONS.has(option)) {
    throw new CommandError('NotImplemented', `the index option '${option}' is not implemented`);
  }
  const text = `The field '${option}' is not valid for an index specification. Specification: ${describeDocument(source)}`;
  throw new CommandError('InvalidIndexSpecificationOption', text);
}

function checkIdOptions(source: Uint8Array): void {
  const reader = new ElementReader(source);
  while (reader.next()) {
    const option = reader.name();
    if (ID_INDEX_OPTIONS.has(option)) continue;
    const text = `The field '${option}' is not valid for an _id index specification. Specification: ${describeDocument(source)}`;
    throw new CommandError('InvalidIndexSpecificationOption', text, { bare: true });
  }
}
