/** All values a path leads to, arrays on the way and at the end taken apart: what joins compare. */
import { findField, ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import type { FilterPath } from '../match/path.ts';

export function valuesAtPath(document: Uint8Array, path: FilterPath): RawValue[] {
  const values: RawValue[] = [];
  collect(rawObject(document), path, 0, values);
  return values;
}

function collect(value: RawValue, path: FilterPath, i: number, values: RawValue[]): void {
  if (i === path.names.length) {
    if (value.type !== BSON_TYPE.array) values.push(value);
    else forEachItem(value, (item) => values.push(item));
    return;
  }
  if (value.type === BSON_TYPE.object) {
    const inner = findField(value.bytes, path.names[i], value.start);
    if (inner !== undefined) collect(inner, path, i + 1, values);
  } else if (value.type === BSON_TYPE.array) {
    forEachItem(value, (item, index) => {
      if (index === path.indexes[i]) collect(item, path, i + 1, values);
      if (item.type === BSON_TYPE.object) collect(item, path, i, values);
    });
  }
}

function forEachItem(array: RawValue, visit: (item: RawValue, index: number) => void): void {
  const reader = new ElementReader(array.bytes, array.start);
  for (let index = 0; reader.next(); index++) visit(reader.value(), index);
}
