/** A document with another value at a path. */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';

const FIRST_SIZE_BYTES_MAX = 16 * 1024;

const NO_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

/**
 * The field keeps its place when it is there. What is on the way and no document is replaced by one. Undefined removes
 * the field; then nothing is made on the way.
 */
export function withValueAt(
  document: Uint8Array,
  names: readonly Uint8Array[],
  value: RawValue | undefined,
): Uint8Array {
  // What is replaced may have been nearly all of it.
  const writer = new BsonWriter(Math.min(document.length + 64, FIRST_SIZE_BYTES_MAX)).startDocument();
  fields(new ElementReader(document), names, value, writer);
  return writer.endDocument().finish();
}

function fields(
  reader: ElementReader,
  names: readonly Uint8Array[],
  value: RawValue | undefined,
  writer: BsonWriter,
): void {
  const [name, ...rest] = names;
  let isThere = false;
  while (reader.next()) {
    if (isThere || name === undefined || !reader.nameEquals(name)) {
      writer.element(reader.bytes, reader.elementStart, reader.end);
      continue;
    }
    isThere = true;
    const isDocument = reader.type === BSON_TYPE.object;
    if (rest.length === 0) {
      if (value !== undefined) writer.value(name, value);
    } else if (isDocument || value !== undefined) {
      writer.startSubdocument(name);
      fields(
        isDocument ? new ElementReader(reader.bytes, reader.start) : new ElementReader(NO_DOCUMENT),
        rest,
        value,
        writer,
      );
      writer.end();
    } else {
      writer.element(reader.bytes, reader.elementStart, reader.end);
    }
  }
  if (isThere || name === undefined || value === undefined) return;
  if (rest.length === 0) {
    writer.value(name, value);
    return;
  }
  writer.startSubdocument(name);
  fields(new ElementReader(NO_DOCUMENT), rest, value, writer);
  writer.end();
}

/** The value at a path through documents only; arrays are not entered. */
export function valueThroughDocuments(document: Uint8Array, names: readonly Uint8Array[]): RawValue | undefined {
  let at: RawValue | undefined;
  for (const [i, name] of names.entries()) {
    const reader =
      i === 0
        ? new ElementReader(document)
        : at?.type === BSON_TYPE.object
          ? new ElementReader(at.bytes, at.start)
          : undefined;
    at = undefined;
    while (reader?.next() === true) {
      if (!reader.nameEquals(name)) continue;
      at = reader.value();
      break;
    }
    if (at === undefined) return undefined;
  }
  return at;
}
