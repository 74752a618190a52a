/** `$sortArray`: by the items as a whole, or by fields of theirs. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { isNumeric, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { fieldPathComponents } from '../field_path.ts';
import { int32Of } from '../number/whole.ts';
import { itemsOf } from '../update/array_value.ts';
import { folded } from './arguments.ts';
import { isArray, isNullish, typeNameOf } from './build.ts';
import { valueAt } from './field_path.ts';
import { ItemList } from './item_list.ts';
import { ItemWalk } from './item_walk.ts';
import { SteppedSort } from './stepped_sort.ts';
import { loopOf } from './work.ts';
import type { ValueOrder } from '../value_order.ts';
import type { ExpressionScope } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression } from './types.ts';

type Comparator = (a: RawValue, b: RawValue) => number;

export const sortArrayOperator: ExpressionOperator = {
  name: '$sortArray',
  compile(operand, scope) {
    const { input, compare } = parse(operand, scope);
    const sort = loopOf<Sorting>(scope.work, {
      start(root) {
        const array = input.evaluate(root);
        if (isNullish(array)) return RAW_NULL;
        if (!isArray(array)) {
          const found = typeNameOf(array);
          throw new CommandError(
            2942504,
            `The input argument to $sortArray must be an array, but was of type: ${found}`,
          );
        }
        return { items: new ItemWalk(array), gathered: [], sort: undefined, sorted: new ItemList('$sortArray') };
      },
      step: (sorting) => goOn(sorting, compare),
      end: ({ sorted }) => sorted.array(),
    });
    return folded([input], sort);
  },
};

/** Gathering the items, sorting them, writing them. */
interface Sorting {
  readonly items: ItemWalk;
  readonly gathered: RawValue[];
  sort: SteppedSort<RawValue> | undefined;
  readonly sorted: ItemList;
}

function goOn(sorting: Sorting, compare: Comparator): boolean {
  const { items, gathered, sorted } = sorting;
  if (items.hasItem()) {
    gathered.push(items.item);
    items.pass();
    return true;
  }
  sorting.sort ??= new SteppedSort(gathered, compare);
  if (sorting.sort.step()) return true;
  if (sorted.length === gathered.length) return false;
  sorted.push(sorting.sort.items[sorted.length]);
  return true;
}

function parse(operand: RawValue, scope: ExpressionScope): { input: Expression; compare: Comparator } {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(2942500, `$sortArray requires an object as an argument, found: ${typeAlias(operand.type)}`);
  }
  let input: Expression | undefined;
  let compare: Comparator | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'input') input = scope.compile(reader.value());
    else if (key === 'sortBy') compare = comparatorOf(reader.value(), scope.order);
    else throw new CommandError(2942501, `$sortArray found an unknown argument: ${key}`);
  }
  if (input === undefined) throw new CommandError(2942502, "$sortArray requires 'input' to be specified");
  if (compare === undefined) throw new CommandError(2942503, "$sortArray requires 'sortBy' to be specified");
  return { input, compare };
}

interface SortPart {
  readonly names: readonly Uint8Array[];
  readonly direction: number;
}

function comparatorOf(sortBy: RawValue, order: ValueOrder): Comparator {
  if (isNumeric(sortBy)) {
    const direction = directionOf(sortBy);
    return (a, b) => order.compare(a, b) * direction;
  }
  if (sortBy.type !== BSON_TYPE.object) {
    throw new CommandError(2942507, 'Illegal sortBy: it must be a document, 1 or -1');
  }
  const parts: SortPart[] = [];
  const reader = new ElementReader(sortBy.bytes, sortBy.start);
  while (reader.next()) {
    parts.push({ names: fieldPathComponents(reader.name()).map(fieldName), direction: directionOf(reader.value()) });
  }
  if (parts.length === 0) throw new CommandError(2942508, 'sortBy needs at least one field');
  return (a, b) => {
    for (const { names, direction } of parts) {
      const result = order.compare(keyOf(a, names, direction, order), keyOf(b, names, direction, order)) * direction;
      if (result !== 0) return result;
    }
    return 0;
  };
}

function directionOf(value: RawValue): number {
  const direction = isNumeric(value) ? int32Of(value) : undefined;
  if (direction === 1 || direction === -1) return direction;
  throw new CommandError(15975, '$sortArray key ordering must be 1 (for ascending) or -1 (for descending)');
}

/** Of an array its smallest item, or its largest when descending; nothing sorts as null. */
function keyOf(item: RawValue, names: readonly Uint8Array[], direction: number, order: ValueOrder): RawValue {
  const value = item.type === BSON_TYPE.object ? valueAt(item, names, 0) : undefined;
  if (value === undefined) return RAW_NULL;
  if (value.type !== BSON_TYPE.array) return value;
  let best: RawValue | undefined;
  for (const part of itemsOf(value)) {
    if (best === undefined || order.compare(part, best) * direction < 0) best = part;
  }
  return best ?? RAW_NULL;
}
