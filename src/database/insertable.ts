/** What a document must be, and how it is changed, before it is stored. */
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import { BSON_OBJECT_SIZE_BYTES_MAX } from '../base/limits.ts';
import type { Timestamp } from '../base/optime.ts';
import { fieldName, uint32At } from '../bson/bytes.ts';
import { documentSize, ElementReader } from '../bson/elements.ts';
import { BSON_TYPE, typeAlias, type ValueSpan } from '../bson/types.ts';
import type { RawValue } from '../bson/value.ts';
import { documentDepth, STORED_DOCUMENT_LIMITS } from '../bson/validate.ts';
import { BsonWriter } from '../bson/writer.ts';

/** Where fresh ids and times come from. */
export interface Generators {
  /** 12 fresh bytes. */
  objectId(): Uint8Array;
  /** A fresh cluster time, for top-level fields that hold an empty timestamp. */
  timestamp(): Timestamp;
}

export const ID_NAME: Uint8Array = fieldName('_id');

const READER = new ElementReader();
const WRITER = new BsonWriter(1024);

/**
 * The document at `at` of `bytes` as it is stored: `_id` first (a new one when there is none), empty timestamps of the
 * top level filled in unless they are to be kept. Usually that is the document itself, and the result is a view.
 * Throws CommandError 2, 15, 52 or 10334. The bytes were validated.
 */
export function insertableDocument(
  bytes: Uint8Array,
  at: number,
  generators: Generators,
  keepsEmptyTimestamps = false,
): Uint8Array {
  const size = documentSize(bytes, at);
  if (size > BSON_OBJECT_SIZE_BYTES_MAX) throw tooLarge(size);
  let idPosition = -1;
  let hasEmptyTimestamp = false;
  let isNested = false;
  const reader = READER.reset(bytes, at);
  for (let i = 0; reader.next(); i++) {
    const { type } = reader;
    if (idPosition < 0 && reader.nameEquals(ID_NAME)) {
      idPosition = i;
      checkIdType(reader);
    } else if (isEmptyTimestamp(reader)) {
      hasEmptyTimestamp = !keepsEmptyTimestamps;
    }
    if (type === BSON_TYPE.object || type === BSON_TYPE.array) isNested = true;
  }
  if (isNested) checkDepth(bytes, at);
  if (idPosition === 0 && !hasEmptyTimestamp) {
    return at === 0 && size === bytes.length ? bytes : bytes.subarray(at, at + size);
  }
  const document = rebuild(bytes, at, idPosition >= 0, hasEmptyTimestamp, generators);
  if (document.length > BSON_OBJECT_SIZE_BYTES_MAX) throw tooLarge(document.length);
  return document;
}

function tooLarge(size: number): CommandError {
  const text = `object to insert too large. size in bytes: ${size}, max size: ${BSON_OBJECT_SIZE_BYTES_MAX}`;
  return new CommandError('BSONObjectTooLarge', text);
}

/** Throws BadValue for types that cannot identify a document. */
export function checkIdType(id: ValueSpan): void {
  const { type } = id;
  if (type !== BSON_TYPE.array && type !== BSON_TYPE.regex && type !== BSON_TYPE.undefined) {
    if (type === BSON_TYPE.object) checkIdFields(id);
    return;
  }
  throw new CommandError('BadValue', `can't use ${type === BSON_TYPE.array ? 'an' : 'a'} ${typeAlias(type)} for _id`);
}

function checkIdFields(id: ValueSpan): void {
  const fields = new ElementReader(id.bytes, id.start);
  while (fields.next()) {
    if (id.bytes[fields.nameStart] !== 0x24) continue;
    const text = `_id fields may not contain '$'-prefixed fields: ${fields.name()} is not valid for storage.`;
    throw new CommandError('DollarPrefixedFieldName', text);
  }
}

function checkDepth(bytes: Uint8Array, at: number): void {
  if (documentDepth(bytes, at) <= STORED_DOCUMENT_LIMITS.depthMax) return;
  const text = `cannot insert document because it exceeds ${STORED_DOCUMENT_LIMITS.depthMax} levels of nesting`;
  throw new CommandError('Overflow', text);
}

function isEmptyTimestamp(value: ValueSpan): boolean {
  if (value.type !== BSON_TYPE.timestamp) return false;
  return uint32At(value.bytes, value.start) === 0 && uint32At(value.bytes, value.start + 4) === 0;
}

// oxlint-disable-next-line max-params -- the two flags are what one walk found out
function rebuild(
  bytes: Uint8Array,
  at: number,
  hasId: boolean,
  fillsTimestamps: boolean,
  generators: Generators,
): Uint8Array {
  const writer = WRITER.reset().startDocument();
  if (!hasId) writer.objectId(ID_NAME, generators.objectId());
  const reader = new ElementReader(bytes, at);
  while (hasId && reader.next()) {
    if (!reader.nameEquals(ID_NAME)) continue;
    writer.element(bytes, reader.elementStart, reader.end);
    break;
  }
  reader.reset(bytes, at);
  let isIdWritten = false;
  while (reader.next()) {
    if (hasId && !isIdWritten && reader.nameEquals(ID_NAME)) {
      isIdWritten = true;
    } else if (fillsTimestamps && isEmptyTimestamp(reader)) {
      writer.timestamp(bytes.slice(reader.nameStart, reader.nameEnd), generators.timestamp());
    } else {
      writer.element(bytes, reader.elementStart, reader.end);
    }
  }
  return writer.endDocument().finish();
}

/** The `_id` of a stored document. */
export function idOf(document: Uint8Array): RawValue {
  const reader = READER.reset(document, 0);
  while (reader.next()) if (reader.nameEquals(ID_NAME)) return reader.value();
  invariant(false, 'every stored document has an _id');
}

/** {_id: …} of a stored document: how oplog entries name it. */
export function documentKeyOf(document: Uint8Array): Uint8Array {
  const reader = READER.reset(document, 0);
  while (reader.next()) {
    if (!reader.nameEquals(ID_NAME)) continue;
    const key = new Uint8Array(reader.end - reader.elementStart + 5);
    key[0] = key.length;
    key[1] = key.length >> 8;
    key[2] = key.length >> 16;
    key[3] = key.length >> 24;
    key.set(document.subarray(reader.elementStart, reader.end), 4);
    return key;
  }
  invariant(false, 'every stored document has an _id');
}
