/**
 * What one kind of index provides. A kind is a file in this folder and a row in `kinds.ts`; the rest of the program
 * (writes, builds, the catalog, the planner) sees only this interface.
 *
 * A spec passes through it twice: as a {@link IndexDraft} when a client asks for the index, and as the `IndexSpec` read
 * back from the stored document ever after. What must be checked is checked on the draft; what was filled in there
 * (defaults, versions) is in the stored document and is not worked out again.
 */
import type { RawValue } from '../../bson/value.ts';
import type { IntervalBounds } from '../planner/interval.ts';
import type { CompiledFilter } from '../../query/matcher.ts';
import type { EqualityKeys } from '../../query/collation/equality_keys.ts';
import type { LeafPredicate } from '../../query/match/predicate.ts';
import type { IndexField, KeyGenerator } from '../index/index_key.ts';

/** A specification as it is stored. */
export interface IndexSpec {
  readonly name: string;
  readonly kind: IndexKind;
  readonly fields: readonly IndexField[];
  readonly isUnique: boolean;
  readonly isSparse: boolean;
  /** Kept up to date, but no query uses it. */
  readonly isHidden: boolean;
  /** Only documents that match are listed; undefined: all. */
  readonly partialFilter: CompiledFilter | undefined;
  /** Seconds after the date in the one field of the index when a document expires. */
  readonly expireAfterSeconds: number | undefined;
  /** As it is stored; undefined for the simple one. */
  readonly collation: Uint8Array | undefined;
  /** How strings are listed under the collation. */
  readonly equality: EqualityKeys | undefined;
  readonly wildcardProjection: Uint8Array | undefined;
  /** The key pattern, a whole document. */
  readonly key: Uint8Array;
  /** {v: 2, unique?, key, name, …}: as the oplog carries it. */
  readonly document: Uint8Array;
}

/** A specification on its way in: names and types of its options were checked. */
export interface IndexDraft {
  /** The key pattern, a whole document. */
  readonly key: Uint8Array;
  readonly name: string;
  readonly isUnique: boolean;
  readonly isSparse: boolean;
  /** Every other option, in the order in which the client gave them. */
  readonly options: ReadonlyMap<string, RawValue>;
}

export interface IndexKind {
  /** MongoDB's word for it, as error messages have it. */
  readonly name: 'btree' | 'hashed' | 'wildcard' | 'text' | '2d' | '2dsphere';
  /** Options of `createIndexes` that no other kind takes. */
  readonly options: ReadonlySet<string>;
  /** Refuses a bad spec; returns what is stored, with defaults filled in. Usually the draft itself. */
  check(draft: IndexDraft): IndexDraft;
  /** Refuses what MongoDB finds only when it builds: such errors are told as those of the build. */
  checkBuild?(spec: IndexSpec): void;
  /** From documents to keys. Called once per index. */
  generator(spec: IndexSpec): KeyGenerator;
  /**
   * Where the values that meet `predicate` lie in a field of the index; undefined when that is unknown. Intervals ascend,
   * also for a descending field.
   */
  bounds(field: IndexField, predicate: LeafPredicate, spec: IndexSpec): IntervalBounds | undefined;
}
