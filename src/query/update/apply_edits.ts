/** Edits to bytes. Must never fail on a document they were not made for: entries are applied again during recovery. */
import { textOf } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { ArrayEdits, DocumentEdits, Edits, FieldValue, ItemEdit, NestedEdits } from './edits.ts';

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
  const finder = finderOf(edits);
  const done = new Set<unknown>();
  let runStart = at + 4;
  while (reader.next()) {
    const edit = finder.find(reader);
    if (edit === undefined || done.has(edit)) continue;
    done.add(edit);
    writer.element(bytes, runStart, reader.elementStart);
    runStart = reader.end;
    if (edit instanceof Uint8Array) continue;
    if ('value' in edit) writer.value(edit.name, edit.value);
    else writeNested(edit.name, edit.edits, reader, writer);
  }
  writer.element(bytes, runStart, reader.end);
  for (const field of edits.replaces) if (!done.has(field)) writer.value(field.name, field.value);
  for (const field of edits.inserts) writer.value(field.name, field.value);
}

/** What happens to a field at its place; where only its name is given, it goes: inserted fields move to the end. */
type FieldEdit = FieldValue | NestedEdits | Uint8Array;

interface EditFinder {
  find(field: ElementReader): FieldEdit | undefined;
}

/** With more edits than this, they are found through a table of their names. */
const SEARCHED_EDITS_MAX = 16;

function finderOf(edits: DocumentEdits): EditFinder {
  const { removes, replaces, inserts, nested } = edits;
  const count = removes.length + replaces.length + inserts.length + nested.length;
  return count > SEARCHED_EDITS_MAX ? new EditTable(edits) : new EditSearch(edits);
}

class EditSearch implements EditFinder {
  readonly #edits: DocumentEdits;

  constructor(edits: DocumentEdits) {
    this.#edits = edits;
  }

  find(field: ElementReader): FieldEdit | undefined {
    const { removes, replaces, inserts, nested } = this.#edits;
    for (const edit of replaces) if (field.nameEquals(edit.name)) return edit;
    for (const edit of nested) if (field.nameEquals(edit.name)) return edit;
    for (const name of removes) if (field.nameEquals(name)) return name;
    for (const { name } of inserts) if (field.nameEquals(name)) return name;
    return undefined;
  }
}

class EditTable implements EditFinder {
  readonly #byName = new Map<string, FieldEdit>();

  constructor({ removes, replaces, inserts, nested }: DocumentEdits) {
    for (const edit of replaces) this.#byName.set(textOfName(edit.name), edit);
    for (const edit of nested) this.#byName.set(textOfName(edit.name), edit);
    for (const name of removes) this.#byName.set(textOfName(name), name);
    for (const { name } of inserts) this.#byName.set(textOfName(name), name);
  }

  find(field: ElementReader): FieldEdit | undefined {
    return this.#byName.get(field.name());
  }
}

function textOfName(name: Uint8Array): string {
  return textOf(name, 0, name.length);
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
