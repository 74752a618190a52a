/**
 * The edits that turn one document into another, for updates that compute the whole new document. Fields that are in
 * both, in the same order, are compared; what is only in the old one, or stands elsewhere in the new one, goes and comes
 * again at the end.
 */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { itemsOf } from './array_value.ts';
import type { ArrayEdits, DocumentEdits, Edits, FieldValue, ItemEdit, NestedEdits } from './edits.ts';

/** Both are offsets of documents. */
export function documentDiff(before: ValueSpan, after: ValueSpan): DocumentEdits {
  const removes = new Map<string, Uint8Array>();
  const replaces: FieldValue[] = [];
  const inserts: FieldValue[] = [];
  const nested: NestedEdits[] = [];
  const from = new ElementReader(before.bytes, before.start);
  const to = new ElementReader(after.bytes, after.start);
  let hasNew = to.next();
  while (from.next()) {
    const name = nameOf(from);
    if (!hasNew || !to.nameEquals(name)) {
      removes.set(from.name(), name);
      continue;
    }
    if (!sameBytes(from, to)) {
      const edits = innerDiff(from, to);
      if (edits === undefined) replaces.push({ name, value: to.value() });
      else nested.push({ name, edits });
    }
    hasNew = to.next();
  }
  for (; hasNew; hasNew = to.next()) {
    removes.delete(to.name());
    inserts.push({ name: nameOf(to), value: to.value() });
  }
  return { kind: 'document', removes: [...removes.values()], replaces, inserts, nested };
}

function nameOf(reader: ElementReader): Uint8Array {
  return reader.bytes.slice(reader.nameStart, reader.nameEnd);
}

/** Undefined where one value takes the place of another. */
function innerDiff(before: ValueSpan, after: ValueSpan): Edits | undefined {
  if (before.type !== after.type) return undefined;
  if (before.type === BSON_TYPE.object) return documentDiff(before, after);
  return before.type === BSON_TYPE.array ? arrayDiff(before, after) : undefined;
}

function arrayDiff(before: ValueSpan, after: ValueSpan): ArrayEdits {
  const old = itemsOf(before);
  const items: ItemEdit[] = [];
  const values = itemsOf(after);
  for (const [index, value] of values.entries()) {
    const previous: RawValue | undefined = old[index];
    if (previous !== undefined && sameBytes(previous, value)) continue;
    const edits = previous === undefined ? undefined : innerDiff(previous, value);
    items.push(edits === undefined ? { kind: 'value', index, value } : { kind: 'edits', index, edits });
  }
  return { kind: 'array', length: values.length < old.length ? values.length : undefined, items };
}

function sameBytes(a: ValueSpan, b: ValueSpan): boolean {
  const size = a.end - a.start;
  if (a.type !== b.type || size !== b.end - b.start) return false;
  for (let i = 0; i < size; i++) if (a.bytes[a.start + i] !== b.bytes[b.start + i]) return false;
  return true;
}
