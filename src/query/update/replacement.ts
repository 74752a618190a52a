/** Updates that give the whole new document. */
import { CommandError } from '../../base/command_error.ts';
import { equalBytes } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { UpdateContext } from './context.ts';
import { ID_FIELD } from './document_id.ts';

const DB_REF_FIELDS = new Set(['$ref', '$id', '$db']);

/** Refuses top-level names that begin with a dollar sign. */
export function checkReplacement(update: RawValue): void {
  const reader = new ElementReader(update.bytes, update.start);
  while (reader.next()) {
    const name = reader.name();
    if (!name.startsWith('$') || DB_REF_FIELDS.has(name)) continue;
    throw new CommandError(
      'DollarPrefixedFieldName',
      `The dollar ($) prefixed field '${name}' in '${name}' is not allowed in the context of an update's replacement ` +
        'document. Consider using an aggregation pipeline with $replaceWith.',
    );
  }
}

/** The replacement with `_id` in front, taken from `document` when it has none, and with null timestamps filled in. */
export function replacementFor(document: Uint8Array, replacement: RawValue, context: UpdateContext): Uint8Array {
  const id = findField(replacement.bytes, ID_FIELD, replacement.start) ?? findField(document, ID_FIELD);
  const writer = new BsonWriter().startDocument();
  if (id !== undefined) writer.value(ID_FIELD, id);
  const reader = new ElementReader(replacement.bytes, replacement.start);
  while (reader.next()) {
    if (reader.nameEquals(ID_FIELD)) continue;
    if (context.keepsEmptyTimestamps !== true && isNullTimestamp(reader)) {
      writer.timestamp(replacement.bytes.subarray(reader.nameStart, reader.nameEnd), context.timestamp());
    } else {
      writer.element(reader.bytes, reader.elementStart, reader.end);
    }
  }
  return writer.endDocument().finish();
}

function isNullTimestamp(reader: ElementReader): boolean {
  if (reader.type !== BSON_TYPE.timestamp) return false;
  for (let i = reader.start; i < reader.end; i++) if (reader.bytes[i] !== 0) return false;
  return true;
}

/**
 * Whether the replacement as it was given is the document. One that leaves out `_id` never is, and counts as a change
 * even when the result is the same. Source: recorded replies of MongoDB.
 */
export function isSameDocument(document: Uint8Array, replacement: RawValue): boolean {
  return equalBytes(document, replacement.bytes.subarray(replacement.start, replacement.end));
}
