/** Arrays as lists of values, and back. */
import { ElementReader } from '../../bson/elements.ts';
import { rawArray, type RawValue } from '../../bson/value.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';

/** Views of the items of an array value. */
export function itemsOf(array: ValueSpan): RawValue[] {
  const items: RawValue[] = [];
  const reader = new ElementReader(array.bytes, array.start);
  while (reader.next()) items.push(reader.value());
  return items;
}

export function rawArrayOf(items: readonly RawValue[]): RawValue {
  const writer = new BsonWriter().startDocument();
  for (const [i, item] of items.entries()) writer.value(i, item);
  return rawArray(writer.endDocument().finish());
}
