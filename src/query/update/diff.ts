/**
 * The `$v: 2` form of edits in the oplog: `{$v: 2, diff: {d: {…}, u: {…}, i: {…}, s<field>: {…}}}`, for arrays
 * `{a: true, l: length, u<index>: value, s<index>: {…}}`.
 */
import { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import { fieldName, int32At, textOf } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { ArrayEdits, DocumentEdits, Edits, FieldValue, ItemEdit, NestedEdits } from './edits.ts';

const VERSION = fieldName('$v');
const DIFF = fieldName('diff');
const REMOVES = fieldName('d');
const REPLACES = fieldName('u');
const INSERTS = fieldName('i');
const IS_ARRAY = fieldName('a');
const LENGTH = fieldName('l');

/** The version of the form. */
const DIFF_VERSION = 2;

const NESTED_PREFIX = 0x73;
const VALUE_PREFIX = 0x75;

/** Two sections of a diff name the same field, or sections are out of order. Source: MongoDB's number for it. */
const MALFORMED_DIFF = 4728000;

const WRITER = new BsonWriter();

/** The whole `o` of an update entry, owned by the caller. */
export function writeDiff(edits: DocumentEdits): Uint8Array {
  WRITER.reset().startDocument().int32(VERSION, DIFF_VERSION).startSubdocument(DIFF);
  writeDocumentEdits(edits, WRITER);
  return WRITER.end().endDocument().finish();
}

/** Reads what {@link writeDiff} wrote; the edits are views into `entry`. Throws CommandError when it is malformed. */
export function readDiff(entry: Uint8Array): DocumentEdits {
  const version = findField(entry, VERSION);
  const diff = findField(entry, DIFF);
  const hasVersion = version?.type === BSON_TYPE.int32 && int32At(entry, version.start) === DIFF_VERSION;
  if (!hasVersion) throw malformed('an update entry has $v: 2');
  if (diff?.type !== BSON_TYPE.object) throw malformed('an update entry has a diff');
  return readDocumentEdits(entry, diff.start);
}

function writeDocumentEdits(edits: DocumentEdits, writer: BsonWriter): void {
  if (edits.removes.length > 0) {
    writer.startSubdocument(REMOVES);
    for (const name of edits.removes) writer.bool(name, false);
    writer.end();
  }
  writeFields(REPLACES, edits.replaces, writer);
  writeFields(INSERTS, edits.inserts, writer);
  for (const { name, edits: inner } of edits.nested) writeNested(prefixed(NESTED_PREFIX, name), inner, writer);
}

function writeFields(section: Uint8Array, fields: readonly FieldValue[], writer: BsonWriter): void {
  if (fields.length === 0) return;
  writer.startSubdocument(section);
  for (const { name, value } of fields) writer.value(name, value);
  writer.end();
}

function writeNested(name: Uint8Array, edits: Edits, writer: BsonWriter): void {
  writer.startSubdocument(name);
  if (edits.kind === 'document') writeDocumentEdits(edits, writer);
  else writeArrayEdits(edits, writer);
  writer.end();
}

function writeArrayEdits(edits: ArrayEdits, writer: BsonWriter): void {
  writer.bool(IS_ARRAY, true);
  if (edits.length !== undefined) writer.int32(LENGTH, edits.length);
  for (const item of edits.items) {
    if (item.kind === 'value') writer.value(`u${item.index}`, item.value);
    else writeNested(fieldName(`s${item.index}`), item.edits, writer);
  }
}

function prefixed(prefix: number, name: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(name.length + 1);
  bytes[0] = prefix;
  bytes.set(name, 1);
  return bytes;
}

function readDocumentEdits(bytes: Uint8Array, at: number): DocumentEdits {
  const removes: Uint8Array[] = [];
  const replaces: FieldValue[] = [];
  const inserts: FieldValue[] = [];
  const nested: NestedEdits[] = [];
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    if (reader.type !== BSON_TYPE.object) throw malformed(`section ${reader.name()} is not a document`);
    if (reader.nameEquals(REMOVES)) for (const field of readFields(reader)) removes.push(field.name);
    else if (reader.nameEquals(REPLACES)) for (const field of readFields(reader)) replaces.push(field);
    else if (reader.nameEquals(INSERTS)) for (const field of readFields(reader)) inserts.push(field);
    else if (bytes[reader.nameStart] === NESTED_PREFIX) {
      const name = bytes.subarray(reader.nameStart + 1, reader.nameEnd);
      nested.push({ name, edits: readNested(bytes, reader.start) });
    } else throw malformed(`unknown section ${reader.name()}`);
  }
  refuseRepeats([...removes, ...[...replaces, ...inserts, ...nested].map((field) => field.name)]);
  return { kind: 'document', removes, replaces, inserts, nested };
}

function readFields(section: ElementReader): FieldValue[] {
  const fields: FieldValue[] = [];
  const reader = new ElementReader(section.bytes, section.start);
  while (reader.next()) {
    fields.push({ name: reader.bytes.subarray(reader.nameStart, reader.nameEnd), value: reader.value() });
  }
  return fields;
}

function refuseRepeats(names: readonly Uint8Array[]): void {
  if (names.length < 2) return;
  const texts = new Set(names.map((name) => textOf(name, 0, name.length)));
  if (texts.size !== names.length) throw malformed('a field occurs twice in a diff');
}

function readNested(bytes: Uint8Array, at: number): Edits {
  const first = new ElementReader(bytes, at);
  const isArray = first.next() && first.nameEquals(IS_ARRAY);
  return isArray ? readArrayEdits(bytes, at) : readDocumentEdits(bytes, at);
}

function readArrayEdits(bytes: Uint8Array, at: number): ArrayEdits {
  const items: ItemEdit[] = [];
  let length: number | undefined;
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    if (reader.nameEquals(IS_ARRAY)) continue;
    if (reader.nameEquals(LENGTH) && reader.type === BSON_TYPE.int32) length = int32At(bytes, reader.start);
    else items.push(readItem(reader));
  }
  invariant(
    items.every((item, i) => i === 0 || items[i - 1].index < item.index),
    'the indexes of an array diff ascend',
  );
  return { kind: 'array', length, items };
}

function readItem(reader: ElementReader): ItemEdit {
  const prefix = reader.bytes[reader.nameStart];
  const index = Number(textOf(reader.bytes, reader.nameStart + 1, reader.nameEnd));
  if (!Number.isSafeInteger(index) || index < 0) throw malformed(`no index: ${reader.name()}`);
  if (prefix === VALUE_PREFIX) return { kind: 'value', index, value: reader.value() };
  if (prefix !== NESTED_PREFIX || reader.type !== BSON_TYPE.object) throw malformed(`unknown item ${reader.name()}`);
  return { kind: 'edits', index, edits: readNested(reader.bytes, reader.start) };
}

function malformed(message: string): CommandError {
  return new CommandError(MALFORMED_DIFF, message);
}
