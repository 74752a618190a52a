/** A filter as a readable tree: what was asked, with the test of each leaf, before it is put together to run. */
import type { RawValue } from '../../bson/value.ts';
import type { Collation } from '../collation.ts';
import type { NearQuery } from '../geo/near.ts';
import type { Region } from '../geo/region.ts';
import type { Work } from '../expression/work.ts';
import type { DocumentMetadata } from '../metadata.ts';
import type { Matcher } from './document_matcher.ts';
import type { TextCondition } from './text_condition.ts';
import type { ValueTest } from './value_test.ts';

export type ComparisonOperator = 'eq' | 'lt' | 'lte' | 'gt' | 'gte';

/** A regular expression as text. */
export interface RegexParts {
  readonly pattern: string;
  readonly options: string;
}

/** A condition on what a path leads to. It holds when any of the values the path leads to passes `test`. */
export interface Leaf {
  /** A dotted path; '' for conditions on the elements of an array in `$elemMatch`. */
  readonly path: string;
  readonly test: ValueTest;
  /** Whether an array at the end of the path is tested element by element and then as a whole, or only as a whole. */
  readonly expandArrays: boolean;
}

/** What `$elemMatch` asks of one item: operators on the item itself, or a filter on items that are documents. */
export interface ItemCondition {
  readonly predicate: Predicate;
  readonly isValueForm: boolean;
}

/** `$near`, and where to put how far each document is. */
export interface NearCondition {
  readonly query: NearQuery;
  readonly metadata: DocumentMetadata;
}

/**
 * `itemTest` of 'other': the condition on the items of the array, where an operator has one (`$elemMatch`). The rest says
 * what was asked for, to planner and explain: `regex` of `$regex`, `types` (a flag per type byte) of `$type`, `item` of
 * `$elemMatch`, `region` of `$geoWithin` and `$geoIntersects`, `near` of `$near`, and the operand as it was given.
 */
export type Predicate =
  | { readonly kind: 'and' | 'or' | 'nor'; readonly children: readonly Predicate[] }
  | { readonly kind: 'not'; readonly child: Predicate }
  | { readonly kind: 'constant'; readonly value: boolean }
  /** A condition on the whole document. */
  | ({
      readonly kind: 'document';
      readonly operator: string;
      readonly operand?: RawValue;
      readonly text?: TextCondition;
      /** Of an expression, which may take long. */
      readonly work?: Work;
    } & Matcher)
  | (Leaf & Collated & { readonly kind: ComparisonOperator; readonly value: RawValue })
  | (Leaf & Collated & { readonly kind: 'in'; readonly values: readonly RawValue[] })
  | (Leaf & { readonly kind: 'exists' })
  | (Leaf & {
      readonly kind: 'other';
      readonly operator: string;
      readonly itemTest?: ValueTest;
      readonly operand?: RawValue;
      readonly regex?: RegexParts;
      /** Of a condition that may take long. */
      readonly work?: Work;
      readonly types?: Uint8Array;
      readonly item?: ItemCondition;
      readonly region?: Region;
      readonly near?: NearCondition;
    });

/** Present when strings among the values are compared by a collation: only an index of the same one has bounds for it. */
export interface Collated {
  readonly collation?: Collation;
}

export type LeafPredicate = Extract<Predicate, Leaf>;

/** The conjunction of `children`; a single one stands for itself. */
export function conjunction(children: readonly Predicate[]): Predicate {
  const [only] = children;
  return only !== undefined && children.length === 1 ? only : { kind: 'and', children };
}
