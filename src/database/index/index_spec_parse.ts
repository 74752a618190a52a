/**
 * From what a client asks for to the stored form of an index specification.
 *
 * Two steps, as error messages show: first the types of the parts are checked on the document as it was given; then it
 * has a version, and what the parts mean together is checked.
 */
import { CommandError } from '../../base/command_error.ts';
import { documentSize, ElementReader, findField, isEmptyDocument } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';
import { BSON_TYPE, isNumericType, typeAlias, type ValueSpan } from '../../bson/types.ts';
import {
  isTruthy,
  maybeStringOf,
  numberOf,
  rawBool,
  rawInt32,
  rawObject,
  stringOf,
  type RawValue,
} from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { isSameCollation, parseCollation, type Collation } from '../../query/collation.ts';
import { describeDocument, describeValue } from '../../query/describe.ts';
import type { IndexDraft, IndexKind, IndexSpec } from '../index_kinds/index_kind.ts';
import { isPlugin, kindOf, kindTaking } from '../index_kinds/kinds.ts';
import { isWildcardPath } from '../index_kinds/wildcard.ts';
import { idIndexSpec, isIdKey, storedIndexSpec } from './index_spec.ts';
import { parsePartialFilter } from './partial_filter.ts';

const VERSION = fieldName('v');

/** Options of all kinds, besides those that {@link IndexDraft} has fields for. */
const COMMON_OPTIONS: ReadonlySet<string> = new Set([
  'background',
  'collation',
  'expireAfterSeconds',
  'hidden',
  'partialFilterExpression',
]);
const FLAGS: ReadonlySet<string> = new Set(['unique', 'sparse', 'background']);
/** Options that belong to features there are none of. */
const UNSUPPORTED_OPTIONS: ReadonlySet<string> = new Set(['clustered', 'columnstoreProjection']);
const IGNORED_OPTIONS: ReadonlySet<string> = new Set(['dropDups', 'storageEngine', 'ns']);
const ID_INDEX_OPTIONS: ReadonlySet<string> = new Set(['v', 'key', 'name', 'ns', 'collation']);

/** More seconds than this lie before any date that there can be. Source: the largest int32. */
const EXPIRE_AFTER_SECONDS_MAX = 2 ** 31 - 1;

/**
 * Checks one item of `createIndexes.indexes` at `at` of `bytes` and brings it into its stored form.
 * `inherited`: the collation of the collection. Throws CommandError: 9, 14, 67, 197 for bad ones, 238 for features that
 * are not there.
 */
export function parseIndexSpec(bytes: Uint8Array, at: number, inherited: Collation | undefined): IndexSpec {
  const source = bytes.slice(at, at + documentSize(bytes, at));
  const parsed = inSpecification(source, () => parseTypes(source));
  checkExpiry(parsed, source);
  const versioned = withVersion(source);
  const collation = collationOf(parsed, versioned, inherited);
  if (isIdKey(parsed.key)) {
    checkIdOptions(versioned);
    checkIdCollation(parsed, collation, inherited);
    return storedIndexSpec(idIndexSpec(collation));
  }
  checkReservedNames(parsed.name, parsed.key);
  const draft = { ...parsed, options: new Map(withCollation(parsed.options, collation)) };
  const whole =
    parsed.options.has('collation') || collation === undefined ? versioned : withInherited(versioned, collation);
  return inSpecification(whole, () => {
    if (parsed.name === '') throw new CommandError('CannotCreateIndex', 'index name cannot be empty');
    if (parsed.name.includes('\0')) throw new CommandError('CannotCreateIndex', 'index name cannot contain NUL bytes');
    if (parsed.isUnique && parsed.options.has('prepareUnique')) {
      throw new CommandError('CannotCreateIndex', "index cannot have both 'unique' and 'prepareUnique'");
    }
    const partial = parsed.options.get('partialFilterExpression');
    if (partial !== undefined) {
      draft.options.set('partialFilterExpression', parsePartialFilter(partial, parsed.isSparse));
    }
    const kind = kindOf(patternOf(parsed.key));
    if (kind.name === 'btree' && parsed.options.has('wildcardProjection')) {
      const text = "The field 'wildcardProjection' is only allowed in a 'wildcard' index";
      throw new CommandError('BadValue', text);
    }
    if (collation !== undefined) checkCollatable(kind, collation);
    if (kind.name !== 'text') refuseWeights(draft);
    return storedIndexSpec(storedForm(kind.check(draft), parsed.version));
  });
}

/** The collation asked for, or the collection's; undefined for the simple one. */
function collationOf(
  { options, version }: ParsedSpec,
  specification: Uint8Array,
  inherited: Collation | undefined,
): Collation | undefined {
  const given = options.get('collation');
  // Indexes of version 1 know no collations.
  if (given === undefined) return version === 1 ? undefined : inherited;
  try {
    return parseCollation(given.bytes.slice(given.start, given.end));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const what = 'failed to add collation information to index spec for index creation';
    const text = `${what}: ${describeDocument(specification)} :: caused by :: ${error.message}`;
    throw new CommandError(error.code, text, {}, { cause: error });
  }
}

function refuseWeights({ options }: IndexDraft): void {
  if (!options.has('weights')) return;
  throw new CommandError('CannotCreateIndex', "only a text index may have 'weights'");
}

function checkIdCollation(
  { options }: IndexDraft,
  collation: Collation | undefined,
  inherited: Collation | undefined,
): void {
  if (isSameCollation(collation, inherited)) return;
  const given = options.get('collation');
  const shown = given === undefined ? '{}' : describeValue(given);
  const own = inherited === undefined ? '{ locale: "simple" }' : describeDocument(inherited.document);
  throw new CommandError(
    'BadValue',
    'The _id index must have the same collation as the collection. ' +
      `Index collation: ${shown}, collection collation: ${own}`,
  );
}

/** With all fields of the collation where it was given, or at the end. */
function withCollation(
  options: ReadonlyMap<string, RawValue>,
  collation: Collation | undefined,
): ReadonlyMap<string, RawValue> {
  const changed = new Map(options);
  if (collation === undefined) changed.delete('collation');
  else changed.set('collation', rawObject(collation.document));
  return changed;
}

function withInherited(specification: Uint8Array, { document }: Collation): Uint8Array {
  const writer = new BsonWriter().startDocument().fieldsOf(specification);
  return writer.document('collation', document).endDocument().finish();
}

/** Kinds that never compare strings as values. */
const NOT_COLLATABLE: ReadonlySet<string> = new Set(['text', '2d']);

function checkCollatable({ name }: IndexKind, { document }: Collation): void {
  if (!NOT_COLLATABLE.has(name)) return;
  const text = `Index type '${name}' does not support collation: ${describeDocument(document)}`;
  throw new CommandError('CannotCreateIndex', text);
}

/** The specification at `at` without the fields that no index has. */
export function withKnownOptions(bytes: Uint8Array, at: number): Uint8Array {
  const writer = new BsonWriter().startDocument();
  const reader = new ElementReader(bytes, at);
  while (reader.next()) if (isKnown(reader.name())) writer.element(bytes, reader.elementStart, reader.end);
  return writer.endDocument().finish();
}

const OWN_FIELDS: ReadonlySet<string> = new Set(['key', 'name', 'v', 'collation']);
const OPTION_SETS = [OWN_FIELDS, FLAGS, COMMON_OPTIONS, IGNORED_OPTIONS, UNSUPPORTED_OPTIONS];

function isKnown(option: string): boolean {
  return OPTION_SETS.some((set) => set.has(option)) || kindTaking(option) !== undefined;
}

interface ParsedSpec extends IndexDraft {
  readonly version: number;
}

/** Runs a check whose errors name the specification. */
function inSpecification<T>(specification: Uint8Array, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof CommandError) || error.code === 238) throw error;
    const text = `Error in specification ${describeDocument(specification)} :: caused by :: ${error.message}`;
    throw new CommandError(error.code, text, {}, { cause: error });
  }
}

function withVersion(source: Uint8Array): Uint8Array {
  if (findField(source, VERSION) !== undefined) return source;
  return new BsonWriter().startDocument().fieldsOf(source).int32('v', 2).endDocument().finish();
}

function parseTypes(source: Uint8Array): ParsedSpec {
  let key: Uint8Array | undefined;
  let name: string | undefined;
  let version = 2;
  const flags = { unique: false, sparse: false };
  const options = new Map<string, RawValue>();
  const reader = new ElementReader(source);
  while (reader.next()) {
    const option = reader.name();
    if (option === 'key') key = parseKey(reader);
    else if (option === 'name') name = parseName(reader);
    else if (option === 'v') version = parseVersion(reader, source);
    else if (option === 'unique' || option === 'sparse') flags[option] = parseFlag(reader, option);
    else {
      const value = parseOption(option, reader, source);
      if (value !== undefined) options.set(option, value);
    }
  }
  if (key === undefined) {
    throw new CommandError('FailedToParse', "The 'key' field is a required property of an index specification");
  }
  if (name === undefined) {
    throw new CommandError('FailedToParse', "The 'name' field is a required property of an index specification");
  }
  if (version === 1 && options.has('collation')) {
    const text = `Invalid index specification ${describeDocument(source)}; cannot create an index with the 'collation' option and v=1`;
    throw new CommandError('CannotCreateIndex', text);
  }
  return { key, name, version, isUnique: flags.unique, isSparse: flags.sparse, options };
}

/** Undefined for what is passed over. Throws for names that no index has. */
function parseOption(option: string, value: ElementReader, source: Uint8Array): RawValue | undefined {
  if (FLAGS.has(option)) return parseFlag(value, option) ? rawBool(true) : undefined;
  if (option === 'hidden') return parseHidden(value) ? rawBool(true) : undefined;
  if (option === 'prepareUnique') return parseFlag(value, option) ? rawBool(true) : undefined;
  if (option === 'partialFilterExpression') return documentOption(value, option);
  if (option === 'collation') return collationOption(value);
  if (COMMON_OPTIONS.has(option) || kindTaking(option) !== undefined) return value.value();
  if (IGNORED_OPTIONS.has(option)) return undefined;
  if (UNSUPPORTED_OPTIONS.has(option)) {
    throw new CommandError('NotImplemented', `the index option '${option}' is not implemented`);
  }
  const text = `The field '${option}' is not valid for an index specification. Specification: ${describeDocument(source)}`;
  throw new CommandError('InvalidIndexSpecificationOption', text);
}

function documentOption(value: ElementReader, option: string): RawValue {
  if (value.type === BSON_TYPE.object) return value.value();
  throw new CommandError('TypeMismatch', `The field '${option}' must be an object, but got ${typeAlias(value.type)}`);
}

function collationOption(value: ElementReader): RawValue {
  const collation = documentOption(value, 'collation');
  if (!isEmptyDocument(collation.bytes, collation.start)) return collation;
  throw new CommandError('BadValue', "The field 'collation' cannot be an empty object.");
}

/** The stored form: the common parts in a fixed order, then the rest in the client's. */
function storedForm(draft: IndexDraft, version: number): Uint8Array {
  const writer = new BsonWriter().startDocument().int32('v', version);
  if (draft.isUnique) writer.bool('unique', true);
  writer.value('key', rawObject(draft.key)).string('name', draft.name);
  for (const option of ['background', 'hidden']) {
    if (draft.options.has(option)) writer.bool(option, true);
  }
  if (draft.isSparse) writer.bool('sparse', true);
  for (const [option, value] of draft.options) {
    if (option === 'background' || option === 'hidden') continue;
    writer.value(option, option === 'expireAfterSeconds' ? rawInt32(Math.trunc(numberOf(value))) : value);
  }
  return writer.endDocument().finish();
}

interface PatternField {
  readonly path: string;
  readonly plugin: string | undefined;
}

function patternOf(key: Uint8Array): PatternField[] {
  const fields: PatternField[] = [];
  const reader = new ElementReader(key);
  while (reader.next()) {
    fields.push({ path: reader.name(), plugin: reader.type === BSON_TYPE.string ? stringOf(reader) : undefined });
  }
  return fields;
}
function parseKey(value: ValueSpan): Uint8Array {
  if (value.type !== BSON_TYPE.object) {
    throw new CommandError('TypeMismatch', `The field 'key' must be an object, but got ${typeAlias(value.type)}`);
  }
  const key = value.bytes.slice(value.start, value.end);
  if (isEmptyDocument(key)) throw new CommandError('CannotCreateIndex', 'Index keys cannot be an empty document.');
  const reader = new ElementReader(key);
  const seen = new Set<string>();
  while (reader.next()) {
    const path = reader.name();
    if (seen.has(path)) throw duplicateKeyField(path, key);
    seen.add(path);
    checkKeyValue(reader);
    if (path !== '_fts' || maybeStringOf(reader) !== 'text') checkKeyPath(path);
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
    if (isPlugin(plugin)) return;
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
    if (segment === '$**' && i === segments.length - 1 && isWildcardPath(path)) continue;
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

/** These errors do not name the specification. */
function checkReservedNames(name: string, key: Uint8Array): void {
  if (name === '*') throw new CommandError('BadValue', "The index name '*' is not valid.");
  const text = describeDocument(key);
  const [first, second] = patternOf(key);
  if (first.path === '_id' && first.plugin === undefined && second === undefined) {
    throw new CommandError('BadValue', `The field 'key' for an _id index must be {_id: 1}, but got ${text}`);
  }
  if (name !== '_id_') return;
  throw new CommandError(
    'BadValue',
    `The index name '_id_' is reserved for the _id index, which must have key pattern {_id: 1}, found key: ${text}`,
  );
}

/** Throws CannotCreateIndex with the specification at the end. */
function checkExpiry({ key, options }: ParsedSpec, source: Uint8Array): void {
  const seconds = options.get('expireAfterSeconds');
  if (seconds === undefined || isIdKey(key)) return;
  const refuse = (text: string): CommandError =>
    new CommandError('CannotCreateIndex', `${text}. Index spec: ${describeDocument(source)}`);
  const option = "TTL index 'expireAfterSeconds' option";
  if (!isNumericType(seconds.type)) {
    throw refuse(`${option} must be numeric, but received a type of '${typeAlias(seconds.type)}'`);
  }
  const value = numberOf(seconds);
  if (value < 0) throw refuse(`${option} cannot be less than 0`);
  if (!(value <= EXPIRE_AFTER_SECONDS_MAX)) {
    throw refuse(`${option} must be within an acceptable range, try a lower number`);
  }
  if (patternOf(key).length > 1) {
    throw refuse('TTL indexes are single-field indexes, compound indexes do not support TTL');
  }
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

function checkIdOptions(source: Uint8Array): void {
  const reader = new ElementReader(source);
  while (reader.next()) {
    const option = reader.name();
    if (ID_INDEX_OPTIONS.has(option)) continue;
    const text = `The field '${option}' is not valid for an _id index specification. Specification: ${describeDocument(source)}`;
    throw new CommandError('InvalidIndexSpecificationOption', text);
  }
}
