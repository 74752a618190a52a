/**
 * A matcher for filters of one shape: put together once, and given the values of a filter before it is used. It serves one query
 * at a time.
 */
import { ElementReader } from '../../bson/elements.ts';
import { RawValue } from '../../bson/value.ts';
import { BINARY_ORDER } from '../value_order.ts';
import { comparisonTest } from './comparison.ts';
import { compilePredicate } from './compile.ts';
import type { Matcher } from './document_matcher.ts';
import type { Hole } from './filter_shape.ts';
import { membershipTest } from './in_operator.ts';
import type { ComparisonOperator, LeafPredicate, Predicate } from './predicate.ts';
import { never, type ValueTest } from './value_test.ts';

/** The place of a test that differs from query to query. */
interface Slot {
  readonly hole: number;
  readonly kind: ComparisonOperator | 'in';
  test: ValueTest;
}

export class OpenMatcher {
  readonly matcher: Matcher;
  readonly #slots: Slot[] = [];

  /** `holeOf`: which hole of the shape the operand of a condition is; -1 when it belongs to the shape. */
  constructor(predicate: Predicate, holeOf: (leaf: LeafPredicate) => number) {
    this.matcher = compilePredicate(this.#opened(predicate, holeOf));
  }

  /** From now on the matcher is that of `filter`, which must stay as it is while it is used. */
  fill(filter: Uint8Array, holes: readonly Hole[]): Matcher {
    for (const slot of this.#slots) {
      const { type, start, end } = holes[slot.hole];
      slot.test =
        slot.kind === 'in'
          ? membershipTest(itemsOf(filter, start), BINARY_ORDER)
          : comparisonTest(slot.kind, new RawValue(type, filter, start, end), BINARY_ORDER);
    }
    return this.matcher;
  }

  #opened(predicate: Predicate, holeOf: (leaf: LeafPredicate) => number): Predicate {
    switch (predicate.kind) {
      case 'and':
      case 'or':
      case 'nor':
        return { ...predicate, children: predicate.children.map((child) => this.#opened(child, holeOf)) };
      case 'not':
        return { ...predicate, child: this.#opened(predicate.child, holeOf) };
      case 'eq':
      case 'lt':
      case 'lte':
      case 'gt':
      case 'gte':
      case 'in': {
        const hole = holeOf(predicate);
        if (hole < 0) return predicate;
        const slot: Slot = { hole, kind: predicate.kind, test: never };
        this.#slots.push(slot);
        return { ...predicate, test: (bytes, type, start, end) => slot.test(bytes, type, start, end) };
      }
      default:
        return predicate;
    }
  }
}

function itemsOf(bytes: Uint8Array, start: number): RawValue[] {
  const items: RawValue[] = [];
  const reader = new ElementReader(bytes, start);
  while (reader.next()) items.push(reader.value());
  return items;
}
