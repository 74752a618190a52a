/** What one stage of a pipeline provides; the table is in stages.ts. */
import type { RawValue } from '../../bson/value.ts';
import type { ExpressionScope } from '../expression.ts';
import type { CompiledFilter } from '../matcher.ts';
import type { FieldPlaces } from './field_places.ts';
import type { StageMemory } from './memory_budget.ts';
import type { CompiledPipeline, Pushdown } from './compiled_pipeline.ts';
import type { SortSpec } from '../sort.ts';
import type { Source } from './source.ts';
import type { ListSystemDocuments } from './system_request.ts';
import type { WriteSpec } from './write_spec.ts';

/** A compiled stage. The kinds other than 'other' are those that storage can do itself. */
export type Stage =
  /** `next`: what the stage does after it has selected. */
  | { readonly kind: 'match'; readonly filter: CompiledFilter; readonly next?: Stage; open(source: Source): Source }
  /** `limit`: how many documents the stages after it take at most. */
  | { readonly kind: 'sort'; readonly spec: SortSpec; open(source: Source, limit: number): Source }
  | { readonly kind: 'skip' | 'limit'; readonly count: number; open(source: Source): Source }
  /** Makes one document of all: their number. `result` is undefined for none. */
  | { readonly kind: 'count'; result(count: number): Uint8Array | undefined; open(source: Source): Source }
  /** So many documents by chance. */
  | { readonly kind: 'sample'; readonly size: number; open(source: Source): Source }
  /** The last stage of a pipeline that writes; what it is given passes through it to whoever writes. */
  | { readonly kind: 'write'; readonly write: WriteSpec; open(source: Source): Source }
  | { readonly kind: 'other'; open(source: Source): Source };

/** The other collections of the database, for stages that read them. Declared here, done by whoever runs pipelines. */
export interface Collections {
  /** The documents that `wanted` selects, in its order. A collection that does not exist has none. */
  open(ns: string, wanted: Pushdown): Source;
}

/** Looks on while a pipeline is compiled and run, as explain does. */
export interface PipelineWatch {
  /** The stage with that index is compiled next. */
  enter(index: number): void;
  /** For a pipeline inside the stage that is being compiled. */
  inside(): PipelineWatch;
  /** The stage with that index gives what `source` gives. */
  over(source: Source, index: number): Source;
}

/** Where a pipeline stands: as that of a command, or inside a stage. */
export type PipelinePlace = 'command' | 'facet' | 'lookup' | 'unionWith';

export interface StageContext {
  /** What the stage's expressions see. */
  readonly scope: ExpressionScope;
  readonly db: string;
  /** What the pipeline is about: a collection, or `db.$cmd.aggregate`. */
  readonly ns: string;
  readonly system: ListSystemDocuments;
  /** What each stage may keep. */
  readonly memory: StageMemory;
  /** Where fields stand that go and come back. */
  readonly places: FieldPlaces;
  readonly collections: Collections;
  readonly place: PipelinePlace;
  /** Pipelines around this one. */
  readonly depth: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly watch?: PipelineWatch;
  /** Compiles a pipeline inside this one: an array of stages. `ns`: what it is about, if that is something else. */
  compile(stages: RawValue, place: PipelinePlace, scope: ExpressionScope, ns?: string): CompiledPipeline;
}

export interface StageKind {
  readonly name: `$${string}`;
  /** Where in a pipeline it must stand, if not anywhere. */
  readonly position?: 'first' | 'last';
  /** Pipelines inside stages that must not have it. */
  readonly notIn?: ReadonlySet<PipelinePlace>;
  /** Makes documents of one other each: what is known of that one is known of them. */
  readonly isOneByOne?: true;
  /** Makes documents of its own: its pipeline is about no collection. */
  readonly isSource?: true;
  /** The operand is a view into the pipeline, which stays as it is. */
  parse(operand: RawValue, context: StageContext): Stage;
}
