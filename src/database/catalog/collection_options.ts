/** The options of a collection as it is stored with them: what `create` and `collMod` set, and the catalog keeps. */
import { fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { isTruthy, maybeStringOf, numberOf } from '../../bson/value.ts';
import { parseCollation, type Collation } from '../../query/collation.ts';
import { BsonWriter } from '../../bson/writer.ts';

/** A capped collection drops its oldest documents to stay within these. */
export interface CappedLimits {
  /** Of the documents alone. */
  readonly sizeBytes: number;
  /** Infinity when there is none. */
  readonly documents: number;
}

export type ValidationLevel = 'off' | 'strict' | 'moderate';
export type ValidationAction = 'error' | 'warn' | 'errorAndLog';

/** What documents are checked against when they are written. */
export interface ValidatorOptions {
  /** A filter document. */
  readonly filter: Uint8Array;
  readonly level: ValidationLevel;
  readonly action: ValidationAction;
}

export interface CollectionOptions {
  readonly capped: CappedLimits | undefined;
  readonly validator: ValidatorOptions | undefined;
  /** `{v, key, name, unique}`: documents come in the order of their `_id`. */
  readonly clusteredIndex: Uint8Array | undefined;
  readonly collation: Collation | undefined;
}

const CAPPED = fieldName('capped');
const SIZE = fieldName('size');
const MAX = fieldName('max');
const VALIDATOR = fieldName('validator');
const LEVEL = fieldName('validationLevel');
const ACTION = fieldName('validationAction');
const COLLATION = fieldName('collation');
const CLUSTERED_INDEX = fieldName('clusteredIndex');

/** Reads back options in their stored form; nothing is checked. */
export function readCollectionOptions(options: Uint8Array): CollectionOptions {
  return {
    capped: cappedOf(options),
    validator: validatorOf(options),
    clusteredIndex: documentIn(options, CLUSTERED_INDEX),
    collation: collationOf(options),
  };
}

function collationOf(options: Uint8Array): Collation | undefined {
  const spec = documentIn(options, COLLATION);
  return spec === undefined ? undefined : parseCollation(spec);
}

function cappedOf(options: Uint8Array): CappedLimits | undefined {
  const capped = findField(options, CAPPED);
  if (capped === undefined || !isTruthy(capped)) return undefined;
  const size = findField(options, SIZE);
  const max = findField(options, MAX);
  const documents = max === undefined ? 0 : numberOf(max);
  return {
    sizeBytes: size === undefined ? Infinity : numberOf(size),
    documents: documents > 0 && documents < CAPPED_DOCUMENTS_MAX ? documents : Infinity,
  };
}

/** `max` of a capped collection that says nothing. */
export const CAPPED_DOCUMENTS_MAX = 0x7fff_ffff;

function validatorOf(options: Uint8Array): ValidatorOptions | undefined {
  const filter = documentIn(options, VALIDATOR);
  if (filter === undefined) return undefined;
  const level = textIn(options, LEVEL);
  const action = textIn(options, ACTION);
  return {
    filter,
    level: level === 'off' || level === 'moderate' ? level : 'strict',
    action: action === 'warn' || action === 'errorAndLog' ? action : 'error',
  };
}

function documentIn(options: Uint8Array, name: Uint8Array): Uint8Array | undefined {
  const value = findField(options, name);
  return value?.type === BSON_TYPE.object ? options.subarray(value.start, value.end) : undefined;
}

function textIn(options: Uint8Array, name: Uint8Array): string | undefined {
  const value = findField(options, name);
  return value === undefined ? undefined : maybeStringOf(value);
}

/** The order in which options are stored, logged and shown. */
const ORDER = [
  'capped',
  'size',
  'max',
  'autoIndexId',
  'temp',
  'changeStreamPreAndPostImages',
  'storageEngine',
  'indexOptionDefaults',
  'validator',
  'validationLevel',
  'validationAction',
  'viewOn',
  'pipeline',
  'collation',
  'clusteredIndex',
  'expireAfterSeconds',
] as const;

/** An option that can be stored. */
export type OptionName = (typeof ORDER)[number];

/** Writes its value under its name. */
export type OptionWriter = (writer: BsonWriter) => unknown;

/** The options document with `changes` made to it; undefined takes an option away. */
export function withOptions(
  options: Uint8Array,
  changes: ReadonlyMap<OptionName, OptionWriter | undefined>,
): Uint8Array {
  const writer = new BsonWriter().startDocument();
  for (const name of ORDER) {
    const change = changes.get(name);
    if (change !== undefined) change(writer);
    else if (!changes.has(name)) {
      const value = findField(options, fieldName(name));
      if (value !== undefined) writer.value(name, value);
    }
  }
  return writer.endDocument().finish();
}
