/** What one stage of a pipeline provides; the table is in stages.ts. */
import type { RawValue } from '../../bson/value.ts';
import type { CompiledFilter } from '../matcher.ts';
import type { SortSpec } from '../sort.ts';
import type { Source } from './source.ts';

/** A compiled stage. The kinds other than 'other' are those that storage can do itself. */
export type Stage =
  | { readonly kind: 'match'; readonly filter: CompiledFilter; open(source: Source): Source }
  /** `limit`: how many documents the stages after it take at most. */
  | { readonly kind: 'sort'; readonly spec: SortSpec; open(source: Source, limit: number): Source }
  | { readonly kind: 'skip' | 'limit'; readonly count: number; open(source: Source): Source }
  /** Makes one document of all: their number. `result` is undefined for none. */
  | { readonly kind: 'count'; result(count: number): Uint8Array | undefined; open(source: Source): Source }
  | { readonly kind: 'other'; open(source: Source): Source };

export interface StageKind {
  readonly name: `$${string}`;
  /** The operand is a view into the pipeline, which stays as it is. */
  parse(operand: RawValue): Stage;
}
