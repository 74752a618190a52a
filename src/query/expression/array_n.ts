/** `$firstN $lastN $maxN $minN` of an array: `{n, input}`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { int64Of } from '../number/whole.ts';
import { folded } from './arguments.ts';
import { isArray, isNullish, typeNameOf } from './build.ts';
import { ItemList } from './item_list.ts';
import { ItemWalk } from './item_walk.ts';
import { SteppedSort } from './stepped_sort.ts';
import { loopOf } from './work.ts';
import type { ValueOrder } from '../value_order.ts';
import type { ExpressionScope } from './scope.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';

/** Which items, and in which order. */
interface Choice {
  readonly isTaken: (item: RawValue) => boolean;
  /** Undefined: they stay in their order. */
  readonly direction: 1 | -1 | undefined;
  readonly fromEnd: boolean;
}

/** Gathering the items, putting them in order, writing them. */
interface Choosing {
  readonly count: number;
  readonly items: ItemWalk;
  readonly gathered: RawValue[];
  sort: SteppedSort<RawValue> | undefined;
  readonly chosen: ItemList;
}

function arrayNOperator(name: `$${string}`, choice: Choice): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const { n, input } = parse(name, operand, scope);
      const evaluate = loopOf<Choosing>(scope.work, {
        start(root) {
          const count = countOperand(n.evaluate(root));
          const array = input.evaluate(root);
          if (!isArray(array)) throw new CommandError(5788200, `Input must be an array, but is ${typeNameOf(array)}`);
          return { count, items: new ItemWalk(array), gathered: [], sort: undefined, chosen: new ItemList(name) };
        },
        step: (choosing) => choose(choosing, choice, scope.order),
        end: ({ chosen }) => chosen.array(),
      });
      return folded([n, input], evaluate);
    },
  };
}

function choose(choosing: Choosing, { isTaken, direction, fromEnd }: Choice, order: ValueOrder): boolean {
  const { items, gathered, chosen, count } = choosing;
  if (items.hasItem()) {
    if (isTaken(items.item)) gathered.push(items.item);
    items.pass();
    return true;
  }
  if (direction !== undefined) {
    choosing.sort ??= new SteppedSort(gathered, (a, b) => order.compare(a, b) * direction);
    if (choosing.sort.step()) return true;
  }
  if (chosen.length >= Math.min(count, gathered.length)) return false;
  const from = fromEnd ? Math.max(0, gathered.length - count) : 0;
  chosen.push((choosing.sort?.items ?? gathered)[from + chosen.length]);
  return true;
}

function parse(name: string, operand: RawValue, scope: ExpressionScope): { n: Expression; input: Expression } {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(5787801, `specification must be an object; found ${name}: ${typeAlias(operand.type)}`);
  }
  let n: Expression | undefined;
  let input: Expression | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'n') n = scope.compile(reader.value());
    else if (key === 'input') input = scope.compile(reader.value());
    else throw new CommandError(5787901, `Unknown argument for ${name}: ${key}`);
  }
  if (n === undefined) throw new CommandError(5787906, `Missing value for 'n' in ${name}`);
  if (input === undefined) throw new CommandError(5787907, `Missing value for 'input' in ${name}`);
  return { n, input };
}

function countOperand(value: Value): number {
  const count = value === undefined ? undefined : int64Of(value);
  if (count === undefined) {
    throw new CommandError(5787902, `Value for 'n' must be of integral type, but found ${shownValue(value)}`);
  }
  if (count <= 0n) throw new CommandError(5787908, `'n' must be greater than 0, found ${count}`);
  return Number(count);
}

const ALL = (): boolean => true;

/** What there is besides null, undefined and missing, sorted; equal items stay in order. */
const isSomething = (item: RawValue): boolean => !isNullish(item);

export const ARRAY_N_OPERATORS: readonly ExpressionOperator[] = [
  arrayNOperator('$firstN', { isTaken: ALL, direction: undefined, fromEnd: false }),
  arrayNOperator('$lastN', { isTaken: ALL, direction: undefined, fromEnd: true }),
  arrayNOperator('$maxN', { isTaken: isSomething, direction: -1, fromEnd: false }),
  arrayNOperator('$minN', { isTaken: isSomething, direction: 1, fromEnd: false }),
];
