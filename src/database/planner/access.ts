/** The ways to the records of a query. */
import type { Predicate } from '../../query/match/predicate.ts';
import type { SortField } from '../../query/sort.ts';
import type { Index } from '../index/index.ts';
import type { KeyRange } from '../key_range.ts';
import type { CachedChoice } from './plan_cache.ts';
import type { SpecialAccess } from './special_plan.ts';
import type { IndexBounds } from './index_bounds.ts';
import type { KeyCheck } from './ranges.ts';

/** Of records whose keys begin alike only the first is wanted. */
export interface DistinctPrefix {
  /** Leading fields of the index that are looked at. */
  readonly fields: number;
  /** Records without the last of these fields are all given: each may stand for what lists as null, or for nothing. */
  readonly keepsMissing: boolean;
}

export interface IndexAccess {
  readonly kind: 'index';
  /** Undefined: the one on `_id`. */
  readonly index: Index | undefined;
  readonly bounds: IndexBounds;
  /** What the bounds come to in the table: they ascend and do not overlap. */
  readonly ranges: readonly KeyRange[];
  /** What they say beyond that, key by key. */
  readonly checks: readonly KeyCheck[];
  readonly reverse: boolean;
  /** The ranges are those of `min` and `max`. */
  readonly isMinMax: boolean;
  readonly distinct?: DistinctPrefix;
}

/** One of several ways whose records are put together. */
export interface Branch {
  readonly access: IndexAccess;
  /** What is left to be tested of the branch's condition. */
  readonly residual: Predicate | undefined;
}

/** Records that any branch finds, each once. */
export interface UnionAccess {
  readonly kind: 'union';
  readonly branches: readonly Branch[];
  /** The order in which every branch gives them, and so all together; undefined: one branch after the other. */
  readonly order: readonly SortField[] | undefined;
  /** The branches are those of the whole filter, each planned by itself. */
  readonly isRooted: boolean;
}

export type Access =
  | { readonly kind: 'id'; readonly key: Uint8Array }
  | { readonly kind: 'collection'; readonly reverse: boolean }
  | IndexAccess
  | UnionAccess
  | SpecialAccess;

export interface Plan {
  readonly access: Access;
  /** The documents come in the order asked for. */
  readonly isSorted: boolean;
  /** The access finds exactly the documents that match: nothing is left to be tested on them. */
  readonly isExact: boolean;
  /** What is left to be tested on documents, once keys were. */
  readonly residual: Predicate | undefined;
  /** Set when the plan is taken because it won a trial before. */
  readonly cached?: CachedChoice;
}
