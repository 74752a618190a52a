/** Sort keys under a collation: the values themselves, in an array, and the comparison of two such arrays. */
import { ElementReader } from '../../bson/elements.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { ValueOrder } from '../value_order.ts';
import type { KeySink, SortKeyField } from './sort_key.ts';

export class CollatedKeyWriter implements KeySink {
  readonly #writer = new BsonWriter();
  #count = 0;

  reset(): this {
    this.#writer.reset().startDocument();
    this.#count = 0;
    return this;
  }

  append(value: ValueSpan): this {
    this.#writer.value(this.#count++, value);
    return this;
  }

  finish(): Uint8Array {
    return this.#writer.endDocument().finish();
  }
}

/** Compares the keys of such a writer. */
export function collatedComparison(
  fields: readonly SortKeyField[],
  { compare }: ValueOrder,
): (a: Uint8Array, b: Uint8Array) => number {
  return (a, b) => {
    const left = new ElementReader(a);
    const right = new ElementReader(b);
    for (const { descending } of fields) {
      left.next();
      right.next();
      const comparison = compare(left, right);
      if (comparison !== 0) return descending ? -comparison : comparison;
    }
    return 0;
  };
}
