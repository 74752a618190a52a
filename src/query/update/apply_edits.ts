/** Edits to bytes. Must never fail on a document they were not made for: entries are applied again during recovery. */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { ArrayEdits, DocumentEdits, Edits, FieldValue, ItemEdit } from './edits.ts';

const WRITER = new BsonWriter();

/** The edited document, owned by the caller. */
export function applyEdits(document: Uint8Array, edits: DocumentEdits): Uint8Array {
  WRITER.reset().startDocument();
  applyToDocument(edits, document, 0, WRITER);
  return WRITER.endDocument().finish();
}

/**
 * Writes the fields of the document at `at`, edited, into the document that is open. A name that occurs twice is edited
 * at its first place.
 */
function applyToDocument(edits: DocumentEdits, bytes: Uint8Array, at: number, writer: BsonWriter): void {
  const reader = new ElementReader(bytes, at);
  const done = new Set<unknown>();
  let runStart = at + 4;
  while (reader.next()) {
    const replacement = named(edits.replaces, reader);
    const nested = replacement === undefined ? named(edits.nested, reader) : undefined;
    const edit = replacement ?? nested ?? dropped(edits, reader);
    if (edit === undefined || done.has(edit)) continue;
    done.add(edit);
    writer.element(bytes, runStart, reader.elementStart);
    runStart = reader.end;
    if (replacement !== undefined) writer.value(replacement.name, replacement.value);
    else if (nested !== undefined) writeNested(nested.name, nested.edits, reader, writer);
  }
  writer.element(bytes, runStart, reader.end);
  for (const field of edits.replaces) if (!done.has(field)) writer.value(field.name, field.value);
  for (const field of edits.inserts) writer.value(field.name, field.value);
}

function named<T extends { readonly name: Uint8Array }>(fields: readonly T[], reader: ElementReader): T | undefined {
  for (const field of fields) if (reader.nameEquals(field.name)) return field;
  return undefined;
}

/** The edit that takes the field away from its place: inserted fields move to the end. */
function dropped(edits: DocumentEdits, reader: ElementReader): Uint8Array | FieldValue | undefined {
  for (const name of edits.removes) if (reader.nameEquals(name)) return name;
  return named(edits.inserts, reader);
}

function writeNested(name: Uint8Array | number, edits: Edits, value: ElementReader, writer: BsonWriter): void {
  if (edits.kind === 'document' && value.type === BSON_TYPE.object) {
    writer.startSubdocument(name);
    applyToDocument(edits, value.bytes, value.start, writer);
    writer.end();
  } else if (edits.kind === 'array' && value.type === BSON_TYPE.array) {
    writer.startArray(name);
    applyToArray(edits, value.bytes, value.start, writer);
    writer.end();
  } else {
    writer.null(name);
  }
}

function applyToArray(edits: ArrayEdits, bytes: Uint8Array, start: number, writer: BsonWriter): void {
  const { items } = edits;
  const length = edits.length ?? Infinity;
  const reader = new ElementReader(bytes, start);
  let next = 0;
  let index = 0;
  for (; index < length && reader.next(); index++) {
    if (next < items.length && items[next].index === index) writeItem(items[next++], reader, writer);
    else writer.value(index, reader);
  }
  for (; next < items.length; index++) {
    if (items[next].index === index) writeItem(items[next++], undefined, writer);
    else writer.null(index);
  }
}

function writeItem(item: ItemEdit, old: ElementReader | undefined, writer: BsonWriter): void {
  if (item.kind === 'value') writer.value(item.index, item.value);
  else if (old !== undefined) writeNested(item.index, item.edits, old, writer);
  else writer.null(item.index);
}
