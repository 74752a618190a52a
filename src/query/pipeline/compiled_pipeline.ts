/** A compiled pipeline, and what of it storage may do. */
import type { CompiledFilter } from '../matcher.ts';
import type { SortSpec } from '../sort.ts';
import type { DistinctGroup } from './rewrite/distinct_group.ts';
import type { Source } from './source.ts';
import type { WriteSpec } from './write_spec.ts';

/** What the storage side may do itself, so that the pipeline starts after it. Taken in this order. */
export interface Pushdown {
  readonly filter: CompiledFilter | undefined;
  readonly sort: SortSpec | undefined;
  readonly skip: number;
  /** Infinity when there is none. Counted after `skip`. */
  readonly limit: number;
  /** How many leading stages the four above stand for. */
  readonly stages: number;
}

export interface CompiledPipeline {
  /** The stages as they are run. */
  readonly stages: readonly Uint8Array[];
  readonly pushdown: Pushdown;
  /**
   * Set when the pipeline only counts what `pushdown` selects (`$count`, or `$group` by a constant with one `$sum: 1`):
   * the document that is the whole result, undefined for no result.
   */
  readonly countOnly: ((count: number) => Uint8Array | undefined) | undefined;
  /** Of a `$sample` that comes first: storage may choose the documents itself, and the pipeline starts after it. */
  readonly sampleSize: number | undefined;
  /** Set when it ends with `$out` or `$merge`: the documents are to be written, and none is returned. */
  readonly write: WriteSpec | undefined;
  /** Whether its first stage makes documents of its own. */
  readonly isSource: boolean;
  /** What of documents the stages after `pushdown` look at, as a projection; undefined when that may be anything. */
  needs(): Uint8Array | undefined;
  /** Set when the stage after `pushdown` needs only one document of each value of a field. */
  distinctGroup(): DistinctGroup | undefined;
  /** Runs the stages from index `from` on (0, or `pushdown.stages` when the source did those). */
  open(source: Source, from: number): Source;
}
