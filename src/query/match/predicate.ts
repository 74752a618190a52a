/** A filter as a readable tree: what was asked, with the test of each leaf, before it is put together to run. */
import type { RawValue } from '../../bson/value.ts';
import type { Matcher } from './document_matcher.ts';
import type { ValueTest } from './value_test.ts';

export type ComparisonOperator = 'eq' | 'lt' | 'lte' | 'gt' | 'gte';

/** A condition on what a path leads to. It holds when any of the values the path leads to passes `test`. */
export interface Leaf {
  /** A dotted path; '' for conditions on the elements of an array in `$elemMatch`. */
  readonly path: string;
  readonly test: ValueTest;
  /** Whether an array at the end of the path is tested element by element and then as a whole, or only as a whole. */
  readonly expandArrays: boolean;
}

/** `itemTest` of 'other': the condition on the items of the array, where an operator has one (`$elemMatch`). */
export type Predicate =
  | { readonly kind: 'and' | 'or' | 'nor'; readonly children: readonly Predicate[] }
  | { readonly kind: 'not'; readonly child: Predicate }
  | { readonly kind: 'constant'; readonly value: boolean }
  /** A condition on the whole document. */
  | ({ readonly kind: 'document'; readonly operator: string } & Matcher)
  | (Leaf & { readonly kind: ComparisonOperator; readonly value: RawValue })
  | (Leaf & { readonly kind: 'in'; readonly values: readonly RawValue[] })
  | (Leaf & { readonly kind: 'exists' })
  | (Leaf & { readonly kind: 'other'; readonly operator: string; readonly itemTest?: ValueTest });

export type LeafPredicate = Extract<Predicate, Leaf>;

/** The conjunction of `children`; a single one stands for itself. */
export function conjunction(children: readonly Predicate[]): Predicate {
  const [only] = children;
  return only !== undefined && children.length === 1 ? only : { kind: 'and', children };
}
