/** `$mergeObjects $objectToArray $arrayToObject`: documents of many fields, which are made one by one. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName, writeInt32 } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL, rawObject, stringOf, type RawValue } from '../../bson/value.ts';
import { itemsOf } from '../update/array_value.ts';
import { compileAll, exactOperands, folded, operandsOf } from './arguments.ts';
import { copyInto, isArray, isNullish, typeNameOf } from './build.ts';
import { FieldTable } from './field_table.ts';
import { ItemList } from './item_list.ts';
import { ItemWalk } from './item_walk.ts';
import type { ExpressionScope } from './scope.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';
import { loopOf, type LoopKind } from './work.ts';

const KEY = fieldName('k');
const VALUE = fieldName('v');

/** Fields between two looks at the clock. */
const FIELDS_PER_STEP = 64;

/** An operator with one operand, which is null when that is. */
function nullableLoop<S extends object>(
  name: `$${string}`,
  loop: { start(value: RawValue): S; step(state: S): boolean; end(state: S): Value },
): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const parts = compileAll(exactOperands(name, operand, 1), scope);
      const kind: LoopKind<S> = {
        start(root) {
          const value = parts[0].evaluate(root);
          return isNullish(value) ? RAW_NULL : loop.start(value);
        },
        step: (state) => loop.step(state),
        end: (state) => loop.end(state),
      };
      return folded(parts, loopOf(scope.work, kind));
    },
  };
}

interface Listing {
  readonly fields: ElementReader;
  readonly items: ItemList;
}

export const objectToArrayOperator = nullableLoop<Listing>('$objectToArray', {
  start(object) {
    if (object.type !== BSON_TYPE.object) {
      throw new CommandError(40390, `$objectToArray requires a document input, found: ${typeNameOf(object)}`);
    }
    return { fields: new ElementReader(object.bytes, object.start), items: new ItemList('$objectToArray', 0) };
  },
  step({ fields, items }) {
    for (let i = 0; i < FIELDS_PER_STEP; i++) {
      if (!fields.next()) return false;
      items.push(pairOfField(fields));
    }
    return true;
  },
  end: ({ items }) => items.array(),
});

/** The types of `k` and `v` with their names, the length and the NUL of the name, and what a document has. */
const PAIR_OVERHEAD_BYTES = 16;

function pairOfField({ bytes, type, nameStart, nameEnd, start, end }: ElementReader): RawValue {
  const pair = new Uint8Array(PAIR_OVERHEAD_BYTES + nameEnd - nameStart + end - start);
  writeInt32(pair, 0, pair.length);
  pair[4] = BSON_TYPE.string;
  pair[5] = KEY[0];
  writeInt32(pair, 7, nameEnd - nameStart + 1);
  let at = 11;
  for (let from = nameStart; from < nameEnd; from++) pair[at++] = bytes[from];
  pair[at + 1] = type;
  pair[at + 2] = VALUE[0];
  copyInto(pair, at + 4, { bytes, type, start, end });
  return rawObject(pair);
}

interface Gathering {
  readonly walk: ItemWalk;
  /** Whether the first item is an array. */
  readonly hasArrays: boolean;
  readonly table: FieldTable;
}

export const arrayToObjectOperator = nullableLoop<Gathering>('$arrayToObject', {
  start(array) {
    if (!isArray(array)) {
      throw new CommandError(40386, `$arrayToObject requires an array input, found: ${typeNameOf(array)}`);
    }
    const walk = new ItemWalk(array);
    return { walk, hasArrays: walk.hasItem() && isArray(walk.item), table: new FieldTable() };
  },
  step({ walk, hasArrays, table }) {
    if (!walk.hasItem()) return table.write();
    const { item } = walk;
    const [key, value] = hasArrays ? pairOfArray(item) : pairOfObject(item, walk.passed === 0);
    const name = stringOf(key);
    if (name.includes('\0')) throw new CommandError(4940400, 'Key field cannot contain an embedded null byte');
    table.set(name, value, key.start + STRING_START, key.end - 1);
    walk.pass();
    return true;
  },
  end: ({ table }) => table.document(),
});

/** Where the bytes of a string begin. */
const STRING_START = 4;

function pairOfArray(item: RawValue): [RawValue, RawValue] {
  if (!isArray(item)) {
    throw new CommandError(
      40396,
      '$arrayToObject requires a consistent input format. Elements mustall be arrays or all be objects. ' +
        `Array was detected, now found: ${typeNameOf(item)}`,
    );
  }
  const pair = itemsOf(item);
  const [key, value] = pair;
  if (pair.length !== 2) {
    throw new CommandError(
      40397,
      `$arrayToObject requires an array of size 2 arrays,found array of size: ${pair.length}`,
    );
  }
  if (key.type !== BSON_TYPE.string) {
    throw new CommandError(
      40395,
      '$arrayToObject requires an array of key-value pairs, where the key must be of type string. ' +
        `Found key type: ${typeNameOf(key)}`,
    );
  }
  return [key, value];
}

function pairOfObject(item: RawValue, isFirst: boolean): [RawValue, RawValue] {
  if (item.type !== BSON_TYPE.object) {
    const found = typeNameOf(item);
    throw isFirst
      ? new CommandError(40398, `Unrecognised input type format for $arrayToObject: ${found}`)
      : new CommandError(
          40391,
          '$arrayToObject requires a consistent input format. Elements mustall be arrays or all be objects. ' +
            `Object was detected, now found: ${found}`,
        );
  }
  let count = 0;
  const reader = new ElementReader(item.bytes, item.start);
  while (reader.next()) count++;
  if (count !== 2) {
    throw new CommandError(
      40392,
      `$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys:${count}`,
    );
  }
  const key = findField(item.bytes, KEY, item.start);
  const value = findField(item.bytes, VALUE, item.start);
  if (key === undefined || value === undefined) {
    throw new CommandError(40393, "$arrayToObject requires an object with keys 'k' and 'v'.");
  }
  if (key.type !== BSON_TYPE.string) {
    throw new CommandError(
      40394,
      "$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must be of type string. " +
        `Found type: ${typeNameOf(key)}`,
    );
  }
  return [key, value];
}

interface Merging {
  readonly walk: ItemWalk | undefined;
  readonly table: FieldTable;
  /** The document whose fields are being taken, and the operand after it. */
  fields: ElementReader | undefined;
  next: number;
}

/** Fields of later objects replace those of earlier ones, in place. */
export const mergeObjectsOperator: ExpressionOperator = {
  name: '$mergeObjects',
  compile(operand, scope: ExpressionScope) {
    const parts = compileAll(operandsOf(operand), scope);
    const merge = loopOf<Merging>(scope.work, {
      start(root) {
        const only = parts.length === 1 ? parts[0].evaluate(root) : undefined;
        const fields = parts.length === 1 && !isArray(only) ? fieldsOf(only) : undefined;
        const walk = isArray(only) ? new ItemWalk(only) : undefined;
        return { walk, table: new FieldTable(), fields, next: parts.length === 1 ? 1 : 0 };
      },
      step(state, root) {
        if (state.fields !== undefined) takeFields(state, state.fields);
        else if (state.walk?.hasItem() === true) {
          state.fields = fieldsOf(state.walk.item);
          state.walk.pass();
        } else if (state.next < parts.length) {
          state.fields = fieldsOf(parts[state.next].evaluate(root));
          state.next++;
        } else return state.table.write();
        return true;
      },
      end: ({ table }) => table.document(),
    });
    return folded(parts, merge);
  },
};

function takeFields(state: Merging, fields: ElementReader): void {
  for (let i = 0; i < FIELDS_PER_STEP; i++) {
    if (!fields.next()) {
      state.fields = undefined;
      return;
    }
    state.table.set(fields.name(), fields.value(), fields.nameStart, fields.nameEnd);
  }
}

/** Null and missing have none. Throws 40400 for what is no document. */
function fieldsOf(value: Value): ElementReader | undefined {
  if (isNullish(value)) return undefined;
  if (value.type === BSON_TYPE.object) return new ElementReader(value.bytes, value.start);
  throw new CommandError(
    40400,
    `$mergeObjects requires object inputs, but input ${shownValue(value)} is of type ${typeNameOf(value)}`,
  );
}
