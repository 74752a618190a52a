/** `$push`, with `$each $slice $sort $position`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { integerOf, isWholeNumber, type RawValue } from '../../bson/value.ts';
import type { ValueOrder } from '../value_order.ts';
import { itemsOf, rawArrayOf } from './array_value.ts';
import { describeId } from './document_id.ts';
import { parseItemOrder, type ItemOrder } from './item_order.ts';
import { KEEP, simpleModifier, type LeafEdit, type LeafTarget } from './leaf.ts';

interface Push {
  readonly items: readonly RawValue[];
  readonly slice: number | undefined;
  readonly sort: ItemOrder | undefined;
  readonly position: number | undefined;
}

export const pushModifier = simpleModifier('$push', 'create', (operand, _path, { order }) => {
  const push = parsePush(operand, order);
  return (target) => applyPush(push, target);
});

function applyPush(push: Push, target: LeafTarget): LeafEdit {
  const { value } = target;
  if (value !== undefined && value.type !== BSON_TYPE.array) {
    throw new CommandError(
      'BadValue',
      `The field '${target.path}' must be an array but is of type ${typeAlias(value.type)} ` +
        `in document {${describeId(target.document)}}`,
    );
  }
  const old = value === undefined ? [] : itemsOf(value);
  const position = insertPosition(push.position, old.length);
  const inserted = [...old.slice(0, position), ...push.items, ...old.slice(position)];
  const sorted = push.sort === undefined ? inserted : inserted.toSorted(push.sort);
  const result = push.slice === undefined ? sorted : sliced(sorted, push.slice);
  if (value === undefined) return { kind: 'set', value: rawArrayOf(result) };
  if (push.items.length === 0 && isSameList(old, result)) return KEEP;
  if (result.length > old.length && isSameList(old, result.slice(0, old.length))) {
    return { kind: 'append', length: old.length, items: result.slice(old.length) };
  }
  return { kind: 'set', value: rawArrayOf(result) };
}

/** Views of the same items in the same order; a value that was pushed is never one of the old ones. */
function isSameList(a: readonly RawValue[], b: readonly RawValue[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

function insertPosition(position: number | undefined, length: number): number {
  if (position === undefined || position > length) return length;
  return position < 0 ? Math.max(length + position, 0) : position;
}

function sliced(items: readonly RawValue[], slice: number): readonly RawValue[] {
  if (slice === 0) return [];
  return slice < 0 ? items.slice(slice) : items.slice(0, slice);
}

function parsePush(operand: RawValue, order: ValueOrder): Push {
  const first = new ElementReader(operand.bytes, operand.start);
  const hasClauses = operand.type === BSON_TYPE.object && hasEach(operand, first);
  if (!hasClauses) return { items: [operand], slice: undefined, sort: undefined, position: undefined };
  const clauses = new Map<string, RawValue>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (!['$each', '$slice', '$sort', '$position'].includes(name)) {
      throw new CommandError('BadValue', `Unrecognized clause in $push: ${name}`);
    }
    if (clauses.has(name)) throw new CommandError('BadValue', `Only one ${name} is supported.`);
    clauses.set(name, reader.value());
  }
  const each = clauses.get('$each');
  if (each?.type !== BSON_TYPE.array) {
    throw new CommandError(
      'BadValue',
      `The argument to $each in $push must be an array but it was of type: ${typeAlias(each?.type ?? 0)}`,
    );
  }
  const sort = clauses.get('$sort');
  return {
    items: itemsOf(each),
    slice: wholeClause('$slice', clauses.get('$slice')),
    sort: sort === undefined ? undefined : parseItemOrder(sort, order),
    position: wholeClause('$position', clauses.get('$position')),
  };
}

function hasEach(operand: RawValue, reader: ElementReader): boolean {
  reader.reset(operand.bytes, operand.start);
  while (reader.next()) if (reader.name() === '$each') return true;
  return false;
}

function wholeClause(name: string, value: RawValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!isNumericType(value.type) || !isWholeNumber(value)) {
    throw new CommandError(
      'BadValue',
      `The value for ${name} must be an integer value, not of type: ${typeAlias(value.type)}`,
    );
  }
  return Number(integerOf(value));
}
