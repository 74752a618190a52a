/** Stages as they are written, for whoever rearranges or shows a pipeline: a name and an operand. */
import { ElementReader } from '../../../bson/elements.ts';
import { BSON_TYPE } from '../../../bson/types.ts';
import { numberOf, rawInt64, rawObject, stringOf, type RawValue } from '../../../bson/value.ts';
import { BsonWriter } from '../../../bson/writer.ts';

/** One stage of a pipeline that was found to be right. */
export interface StageSpec {
  readonly name: string;
  readonly operand: RawValue;
  /** Of a `$redact`: the condition behind it is tested before it as well. */
  readonly isTestedBefore?: true;
}

/** `stage`: a document with one field. */
export function specOf(stage: Uint8Array): StageSpec {
  const reader = new ElementReader(stage);
  reader.next();
  return { name: reader.name(), operand: reader.value() };
}

export function stageOf({ name, operand }: StageSpec): Uint8Array {
  return new BsonWriter().startDocument().value(name, operand).endDocument().finish();
}

/** A stage whose operand is a document. */
export function documentSpec(name: string, write: (writer: BsonWriter) => void): StageSpec {
  const writer = new BsonWriter().startDocument();
  write(writer);
  return { name, operand: rawObject(writer.endDocument().finish()) };
}

/** `$skip` or `$limit`. */
export function countSpec(name: '$skip' | '$limit', count: number): StageSpec {
  return { name, operand: rawInt64(BigInt(count)) };
}

export function countIn({ operand }: StageSpec): number {
  return numberOf(operand);
}

/** The fields of a document, in order. */
export function fieldsIn(document: RawValue): [name: string, value: RawValue][] {
  const fields: [string, RawValue][] = [];
  const reader = new ElementReader(document.bytes, document.start);
  while (reader.next()) fields.push([reader.name(), reader.value()]);
  return fields;
}

/** The text of a field of a document; undefined when it is something else. */
export function textIn(document: RawValue, name: string): string | undefined {
  if (document.type !== BSON_TYPE.object) return undefined;
  const value = fieldsIn(document).find(([field]) => field === name)?.[1];
  return value?.type === BSON_TYPE.string ? stringOf(value) : undefined;
}

/** Whether one of the paths is the other, or leads into it. */
export function overlaps(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}
