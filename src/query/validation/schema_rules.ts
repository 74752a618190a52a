/** What the explanations of all `$jsonSchema` keywords share. */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileSchema } from '../match/json_schema.ts';

/** One schema while it is explained: its keywords, and the value that does not meet it. */
export interface SchemaCase {
  readonly keywords: ReadonlyMap<string, RawValue>;
  readonly value: RawValue;
  readonly isShort: boolean;
}

/** Explains the rules of a schema that a value breaks: one document each. */
export type ExplainRules = (schema: RawValue, value: RawValue, isShort: boolean) => Uint8Array[];

export function keywordsOf(schema: RawValue): Map<string, RawValue> {
  const keywords = new Map<string, RawValue>();
  const reader = new ElementReader(schema.bytes, schema.start);
  while (reader.next()) keywords.set(reader.name(), reader.value());
  return keywords;
}

/** Whether the value meets the schema that is the document `schema`. */
export function meets(schema: RawValue, value: RawValue): boolean {
  return compileSchema(schema.bytes, schema.start)(value.bytes, value.type, value.start, value.end);
}

/** Whether the value meets a schema of these keywords alone. */
export function meetsKeywords({ keywords, value }: SchemaCase, names: readonly string[]): boolean {
  const schema = specified(keywords, names);
  return compileSchema(schema, 0)(value.bytes, value.type, value.start, value.end);
}

/** The keywords as they were written, as a document. */
export function specified(keywords: ReadonlyMap<string, RawValue>, names: readonly string[]): Uint8Array {
  const writer = new BsonWriter().startDocument();
  for (const [name, value] of keywords) if (names.includes(name)) writer.value(name, value);
  return writer.endDocument().finish();
}

/** {operatorName, specifiedAs, …}: what most rules begin with. */
export function startRule({ keywords, isShort }: SchemaCase, names: readonly string[]): BsonWriter {
  const writer = new BsonWriter().startDocument().string('operatorName', names[0]);
  if (!isShort) writer.document('specifiedAs', specified(keywords, names));
  return writer;
}

/** `title` and `description` of a schema stand beside what is said about it. */
export function writeTexts(writer: BsonWriter, schema: RawValue): void {
  const reader = new ElementReader(schema.bytes, schema.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'title' || name === 'description') writer.value(name, reader.value());
  }
}

export function writeList(writer: BsonWriter, name: string, documents: readonly Uint8Array[]): BsonWriter {
  writer.startArray(name);
  for (const [i, document] of documents.entries()) writer.document(i, document);
  return writer.end();
}

/** The rule that `writer` has begun, with the rules of the sub-schema that `value` breaks. */
export function endWithDetails(writer: BsonWriter, details: readonly Uint8Array[]): Uint8Array {
  return writeList(writer, 'details', details).endDocument().finish();
}

/** Views of the items of an array with their indexes, or nothing for another value. */
export function* itemsWithIndex(value: RawValue): Generator<readonly [number, RawValue]> {
  if (value.type !== BSON_TYPE.array) return;
  const reader = new ElementReader(value.bytes, value.start);
  for (let i = 0; reader.next(); i++) yield [i, reader.value()];
}

/** The fields of an object, or nothing for another value. */
export function* fieldsWithName(value: RawValue): Generator<readonly [string, RawValue]> {
  if (value.type !== BSON_TYPE.object) return;
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) yield [reader.name(), reader.value()];
}
