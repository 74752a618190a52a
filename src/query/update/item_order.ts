/** The order of `$sort` in `$push`: of whole items, or of documents by their fields. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf, RAW_NULL, type RawValue } from '../../bson/value.ts';
import type { ValueOrder } from '../value_order.ts';

export type ItemOrder = (a: RawValue, b: RawValue) => number;

export function parseItemOrder(sort: RawValue, { compare }: ValueOrder): ItemOrder {
  if (isNumericType(sort.type)) {
    const direction = directionOf(sort);
    return (a, b) => direction * compare(a, b);
  }
  if (sort.type !== BSON_TYPE.object) {
    throw new CommandError(
      'BadValue',
      'The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields',
    );
  }
  return fieldOrder(sort, compare);
}

interface OrderField {
  readonly names: readonly Uint8Array[];
  readonly direction: number;
}

function fieldOrder(sort: RawValue, compare: ValueOrder['compare']): ItemOrder {
  if (isEmptyDocument(sort.bytes, sort.start)) {
    throw new CommandError('BadValue', 'The $sort pattern is empty when it should be a set of fields.');
  }
  const fields: OrderField[] = [];
  const reader = new ElementReader(sort.bytes, sort.start);
  while (reader.next()) fields.push(parseField(reader));
  return (a, b) => {
    for (const { names, direction } of fields) {
      const comparison = compare(valueAt(a, names), valueAt(b, names));
      if (comparison !== 0) return direction * comparison;
    }
    return 0;
  };
}

/** The value at the path, arrays on it entered by index only; null when it is missing. */
function valueAt(item: RawValue, names: readonly Uint8Array[]): RawValue {
  let value = item;
  for (const name of names) {
    const isContainer = value.type === BSON_TYPE.object || value.type === BSON_TYPE.array;
    const inner = isContainer ? findField(value.bytes, name, value.start) : undefined;
    if (inner === undefined) return RAW_NULL;
    value = inner;
  }
  return value;
}

function parseField(reader: ElementReader): OrderField {
  const path = reader.name();
  if (path === '') throw new CommandError('BadValue', 'The $sort field cannot be empty');
  if (path.split('.').includes('')) {
    throw new CommandError('BadValue', `The $sort field is a dotted field but has an empty part: ${path}`);
  }
  return { names: path.split('.').map(fieldName), direction: directionOf(reader) };
}

function directionOf(value: RawValue | ElementReader): number {
  const direction = isNumericType(value.type) ? numberOf(value) : Number.NaN;
  if (direction === 1 || direction === -1) return direction;
  throw new CommandError('BadValue', 'The $sort element value must be either 1 or -1');
}
