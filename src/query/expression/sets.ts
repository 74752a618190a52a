/**
 * Operators on arrays as sets: order and repetition mean nothing, numbers are equal by value. Sets may be large: they are
 * made, and looked through, item by item.
 */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { isTruthy, RAW_NULL, rawBool, type RawValue } from '../../bson/value.ts';
import { compileAll, exactOperands, folded, operandsOf, unaryOperator } from './arguments.ts';
import { isArray, isNullish, typeNameOf } from './build.ts';
import { ItemList } from './item_list.ts';
import { ItemWalk } from './item_walk.ts';
import type { ValueOrder } from '../value_order.ts';
import type { ExpressionScope } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import { SteppedSort } from './stepped_sort.ts';
import type { Expression, Value } from './types.ts';
import { loopOf, type LoopKind } from './work.ts';

type KeyedItems = Map<string, RawValue>;

/** The operands of an operator, one after the other. */
interface Walking {
  readonly items: KeyedItems;
  /** The operand whose items are being walked, and the one after it. */
  walk: ItemWalk | undefined;
  next: number;
}

/** Puts the items in the order of values, and writes them. */
class Sorted {
  readonly #sort: SteppedSort<RawValue>;
  readonly #list: ItemList;
  readonly #count: number;

  constructor(items: KeyedItems, order: ValueOrder, operator: string) {
    this.#sort = new SteppedSort([...items.values()], order.compare);
    this.#list = new ItemList(operator);
    this.#count = items.size;
  }

  step(): boolean {
    if (this.#sort.step()) return true;
    if (this.#list.length === this.#count) return false;
    this.#list.push(this.#sort.items[this.#list.length]);
    return true;
  }

  array(): RawValue {
    return this.#list.array();
  }
}

function operandError(code: number, name: string, value: Value): CommandError {
  return new CommandError(
    code,
    `All operands of ${name} must be arrays. One argument is of type: ${typeNameOf(value)}`,
  );
}

/** An operator whose operands are looked at one by one, as far as its loop asks for them. */
function setOperator<S extends object>(
  name: `$${string}`,
  kind: (parts: readonly Expression[], scope: ExpressionScope) => LoopKind<S>,
): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const parts = compileAll(operandsOf(operand), scope);
      return folded(parts, loopOf(scope.work, kind(parts, scope)));
    },
  };
}

interface Gathering extends Walking {
  isNull: boolean;
  sorted: Sorted | undefined;
}

export const setUnionOperator = setOperator<Gathering>('$setUnion', (parts, { order }) => ({
  start: () => ({ items: new Map(), walk: undefined, next: 0, isNull: false, sorted: undefined }),
  step(state, root) {
    const { walk, items } = state;
    if (walk?.hasItem() === true) {
      const key = order.keyOf(walk.item);
      if (!items.has(key)) items.set(key, walk.item);
      walk.pass();
      return true;
    }
    if (state.next === parts.length) {
      state.sorted ??= new Sorted(items, order, '$setUnion');
      return state.sorted.step();
    }
    const array = parts[state.next].evaluate(root);
    if (isNullish(array)) state.isNull = true;
    if (isNullish(array)) return false;
    if (!isArray(array)) throw operandError(17043, '$setUnion', array);
    state.walk = new ItemWalk(array);
    state.next++;
    return true;
  },
  end: ({ isNull, sorted }) => (isNull ? RAW_NULL : sorted?.array()),
}));

interface Intersecting extends Gathering {
  items: KeyedItems;
  /** Items of all operands that were walked before. */
  common: KeyedItems | undefined;
}

/** Once it is empty, what comes after is not looked at. */
export const setIntersectionOperator = setOperator<Intersecting>('$setIntersection', (parts, { order }) => ({
  start: () => ({
    items: new Map(),
    common: undefined,
    walk: undefined,
    next: 0,
    isNull: false,
    sorted: undefined,
  }),
  step(state, root) {
    const { walk, items, common } = state;
    if (walk?.hasItem() === true) {
      const key = order.keyOf(walk.item);
      const item = common === undefined ? walk.item : common.get(key);
      if (item !== undefined && !items.has(key)) items.set(key, item);
      walk.pass();
      return true;
    }
    if (state.next === parts.length || (walk !== undefined && items.size === 0)) {
      state.sorted ??= new Sorted(items, order, '$setIntersection');
      return state.sorted.step();
    }
    const array = parts[state.next].evaluate(root);
    if (isNullish(array)) state.isNull = true;
    if (isNullish(array)) return false;
    if (!isArray(array)) throw operandError(17047, '$setIntersection', array);
    if (walk !== undefined) {
      state.common = items;
      state.items = new Map();
    }
    state.walk = new ItemWalk(array);
    state.next++;
    return true;
  },
  end: ({ isNull, sorted }) => (isNull ? RAW_NULL : sorted?.array()),
}));

/** The keys of one array; then the items of another are compared with them. */
interface Comparing {
  readonly keys: Set<string>;
  readonly of: ItemWalk;
  readonly with: ItemWalk;
  readonly kept: ItemList;
  isSubset: boolean;
}

interface Pair {
  readonly of: RawValue;
  readonly with: RawValue;
}

interface PairKind {
  /** Undefined when one is null. */
  readonly pairOf: (left: Value, right: Value) => Pair | undefined;
  /** Called with the key of each item; whether to go on. */
  readonly see: (state: Comparing, key: string) => boolean;
  readonly end: (state: Comparing) => Value;
}

function pairOperator(name: `$${string}`, { pairOf, see, end }: PairKind): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const [left, right] = compileAll(exactOperands(name, operand, 2), scope);
      const run = loopOf<Comparing>(scope.work, {
        start(root) {
          const pair = pairOf(left.evaluate(root), right.evaluate(root));
          if (pair === undefined) return RAW_NULL;
          return {
            keys: new Set(),
            of: new ItemWalk(pair.of),
            with: new ItemWalk(pair.with),
            kept: new ItemList(name),
            isSubset: true,
          };
        },
        step: (state) => compareNext(state, scope.order, see),
        end,
      });
      return folded([left, right], run);
    },
  };
}

function compareNext(state: Comparing, order: ValueOrder, see: PairKind['see']): boolean {
  if (state.of.hasItem()) {
    state.keys.add(order.keyOf(state.of.item));
    state.of.pass();
    return true;
  }
  if (!state.with.hasItem()) return false;
  const goesOn = see(state, order.keyOf(state.with.item));
  state.with.pass();
  return goesOn;
}

export const setDifferenceOperator = pairOperator('$setDifference', {
  pairOf(left, right) {
    if (isNullish(left) || isNullish(right)) return undefined;
    if (!isArray(left)) throw pairError('$setDifference', 17048, 'First', left);
    if (!isArray(right)) throw pairError('$setDifference', 17049, 'Second', right);
    return { of: right, with: left };
  },
  see({ keys, kept, with: { item } }, key) {
    if (!keys.has(key)) kept.push(item);
    keys.add(key);
    return true;
  },
  end: ({ kept }) => kept.array(),
});

export const setIsSubsetOperator = pairOperator('$setIsSubset', {
  pairOf(left, right) {
    if (!isArray(left)) throw pairError('$setIsSubset', 17046, 'First', left);
    if (!isArray(right)) throw pairError('$setIsSubset', 17042, 'Second', right);
    return { of: right, with: left };
  },
  see(state, key) {
    state.isSubset = state.keys.has(key);
    return state.isSubset;
  },
  end: ({ isSubset }) => rawBool(isSubset),
});

function pairError(name: string, code: number, which: string, value: Value): CommandError {
  const found = typeNameOf(value);
  return new CommandError(code, `both operands of ${name} must be arrays. ${which} argument is of type: ${found}`);
}

interface Equating extends Walking {
  /** Of the first operand, once it was walked. */
  first: KeyedItems | undefined;
  items: KeyedItems;
  isEqual: boolean;
}

const setEqualsList = setOperator<Equating>('$setEquals', (parts, { order }) => ({
  start: () => ({ items: new Map(), first: undefined, walk: undefined, next: 0, isEqual: true }),
  step(state, root) {
    const { walk, items, first } = state;
    if (walk?.hasItem() === true) {
      const key = order.keyOf(walk.item);
      items.set(key, walk.item);
      state.isEqual = first === undefined || first.has(key);
      walk.pass();
      return state.isEqual;
    }
    if (walk !== undefined) {
      state.first ??= items;
      state.isEqual = items.size === state.first.size;
      state.items = new Map();
      state.walk = undefined;
      return state.isEqual;
    }
    if (state.next === parts.length) return false;
    const array = parts[state.next].evaluate(root);
    if (!isArray(array)) throw operandError(17044, '$setEquals', array);
    state.walk = new ItemWalk(array);
    state.next++;
    return true;
  },
  end: ({ isEqual }) => rawBool(isEqual),
}));

export const setEqualsOperator: ExpressionOperator = {
  name: '$setEquals',
  compile(operand, scope) {
    const count = operandsOf(operand).length;
    if (count < 2) throw new CommandError(17045, `$setEquals needs at least two arguments had: ${count}`);
    return setEqualsList.compile(operand, scope);
  },
};

export const allElementsTrueOperator = unaryOperator('$allElementsTrue', (array) => {
  if (isArray(array)) return rawBool(!hasItem(array, (item) => !isTruthy(item)));
  throw new CommandError(17040, `$allElementsTrue's argument must be an array, but is ${typeNameOf(array)}`);
});

export const anyElementTrueOperator = unaryOperator('$anyElementTrue', (array) => {
  if (isArray(array)) return rawBool(hasItem(array, isTruthy));
  throw new CommandError(17041, `$anyElementTrue's argument must be an array, but is ${typeNameOf(array)}`);
});

function hasItem(array: RawValue, isSought: (item: ValueSpan) => boolean): boolean {
  const reader = new ElementReader(array.bytes, array.start);
  while (reader.next()) if (isSought(reader)) return true;
  return false;
}
