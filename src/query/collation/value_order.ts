/** The order of values under a collation: strings by its rules, at any depth; names of fields by their bytes. */
import { compareValues } from '../../bson/compare.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, canonicalType, type ValueSpan } from '../../bson/types.ts';
import { stringOf } from '../../bson/value.ts';
import type { Collation } from '../collation.ts';
import { BINARY_ORDER, type ValueOrder } from '../value_order.ts';
import { stringOrder, type StringOrder } from './string_order.ts';

/** The order of a collation; undefined is the simple one. Its keys are comparable among those of one order only. */
export function orderOf(collation: Collation | undefined): ValueOrder {
  if (collation === undefined) return BINARY_ORDER;
  const comparer = new Comparer(stringOrder(collation));
  const keys = new Keys(new StringClasses(stringOrder(collation)));
  return { compare: (a, b) => comparer.values(a, b), keyOf: (value) => keys.of(value), collation };
}

class Comparer {
  readonly #strings: StringOrder;

  constructor(strings: StringOrder) {
    this.#strings = strings;
  }

  values(a: ValueSpan, b: ValueSpan): number {
    const rank = canonicalType(a.type) - canonicalType(b.type);
    return rank === 0 ? this.#withinType(a, b) : rank;
  }

  #withinType(a: ValueSpan, b: ValueSpan): number {
    switch (a.type) {
      case BSON_TYPE.string:
      case BSON_TYPE.symbol: {
        const comparison = compareValues(a, b);
        return comparison === 0 ? 0 : this.#strings(stringOf(a), stringOf(b));
      }
      case BSON_TYPE.object:
        return this.#items(a, b, true);
      case BSON_TYPE.array:
        return this.#items(a, b, false);
      default:
        return compareValues(a, b);
    }
  }

  #items(a: ValueSpan, b: ValueSpan, hasNames: boolean): number {
    const left = new ElementReader(a.bytes, a.start);
    const right = new ElementReader(b.bytes, b.start);
    for (;;) {
      const more = left.next();
      if (!right.next()) return more ? 1 : 0;
      if (!more) return -1;
      const rank = canonicalType(left.type) - canonicalType(right.type);
      if (rank !== 0) return rank;
      const name = hasNames ? compareNames(left, right) : 0;
      if (name !== 0) return name;
      const value = this.#withinType(left, right);
      if (value !== 0) return value;
    }
  }
}

function compareNames(a: ElementReader, b: ElementReader): number {
  const length = Math.min(a.nameEnd - a.nameStart, b.nameEnd - b.nameStart);
  for (let i = 0; i < length; i++) {
    const difference = a.bytes[a.nameStart + i] - b.bytes[b.nameStart + i];
    if (difference !== 0) return difference;
  }
  return a.nameEnd - a.nameStart - (b.nameEnd - b.nameStart);
}

/** Values as texts in which each string stands as the number of its class. */
class Keys {
  readonly #classes: StringClasses;

  constructor(classes: StringClasses) {
    this.#classes = classes;
  }

  of(value: ValueSpan): string {
    switch (value.type) {
      case BSON_TYPE.string:
      case BSON_TYPE.symbol:
        return `s${this.#classes.of(stringOf(value))}`;
      case BSON_TYPE.object:
        return `o${this.#items(value, true)}`;
      case BSON_TYPE.array:
        return `a${this.#items(value, false)}`;
      default:
        return `v${BINARY_ORDER.keyOf(value)}`;
    }
  }

  #items(value: ValueSpan, hasNames: boolean): string {
    let text = '';
    const reader = new ElementReader(value.bytes, value.start);
    while (reader.next()) {
      const name = hasNames ? reader.name() : '';
      const key = this.of(reader);
      text += `${name.length}.${key.length}:${name}${key}`;
    }
    return text;
  }
}

/** Entries of a block before it is cut in two: adding one moves no more than this. */
const BLOCK_MAX = 512;

interface Entry {
  readonly text: string;
  readonly number: number;
}

/** Numbers for classes of strings that compare equal. Keeps one of each, in order, so that a new one finds its class. */
class StringClasses {
  readonly #order: StringOrder;
  readonly #known = new Map<string, number>();
  /** None is empty, but for the only one. */
  readonly #blocks: Entry[][] = [[]];
  #count = 0;

  constructor(order: StringOrder) {
    this.#order = order;
  }

  of(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const number = this.#find(text);
    this.#known.set(text, number);
    return number;
  }

  #find(text: string): number {
    const order = this.#order;
    const after = firstWhere(this.#blocks, ([first]) => first !== undefined && order(first.text, text) > 0);
    const at = Math.max(after - 1, 0);
    const block = this.#blocks[at];
    const place = firstWhere(block, (entry) => order(entry.text, text) >= 0);
    if (place < block.length && order(block[place].text, text) === 0) return block[place].number;
    const number = this.#count++;
    block.splice(place, 0, { text, number });
    if (block.length > BLOCK_MAX) this.#blocks.splice(at + 1, 0, block.splice(BLOCK_MAX / 2));
    return number;
  }
}

/** The first place from which on `test` holds; the length when it nowhere does. */
function firstWhere<T>(list: readonly T[], test: (item: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (test(list[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
