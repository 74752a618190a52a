/** The other collections that a pipeline reads, as `$lookup` does, for as long as its cursor lives. */
import { CommandError } from '../../base/command_error.ts';
import { TIMESTAMP_MAX, type Timestamp } from '../../base/optime.ts';
import { databaseOf } from '../../database/catalog/collection.ts';
import type { MemberData } from '../../database/member_data.ts';
import { MatchSource, openFind, SortSource, WindowSource } from '../../database/run/running_query.ts';
import type { Turn } from '../../database/turn.ts';
import { resolveView, type ResolvedView } from '../../database/catalog/views.ts';
import { isSameCollation, parseCollation } from '../../query/collation.ts';
import type { ExpressionScope } from '../../query/expression.ts';
import { compileFilter, type CompiledFilter } from '../../query/matcher.ts';
import { compilePipeline, type CompiledPipeline, type PipelineSettings, type Pushdown } from '../../query/pipeline.ts';
import { foreignCollectionNames } from '../../query/pipeline/foreign_names.ts';
import { ListSource } from '../../query/pipeline/list_source.ts';
import type { Source } from '../../query/pipeline/source.ts';
import type { Collections } from '../../query/pipeline/stage.ts';
import type { CommandContext } from '../context.ts';
import { virtualDocuments } from './cursor_reply.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { stageMemory } from './stage_memory.ts';
import { systemDocuments } from './system_documents.ts';

const MATCH_ALL: CompiledFilter = compileFilter(EMPTY_DOCUMENT);

type MoveTo = (at: Timestamp) => void;

/** What all pipelines of one command share, those of views included. */
export type SharedSettings = Omit<PipelineSettings, 'collections'>;

/** `ns`: the collection that the pipeline is about. */
export function pipelineSettings(
  ns: string,
  scope: ExpressionScope,
  context: CommandContext,
  memory = stageMemory(context),
): SharedSettings {
  const random = (): number => context.env.random.uint32() / 2 ** 32;
  const system: SharedSettings['system'] = (wanted) => systemDocuments(wanted, context);
  return { scope, db: databaseOf(ns), ns, random, memory, system };
}

export interface ForeignParts {
  readonly data: MemberData;
  readonly turn: Turn;
  /** Where the cursor reads. */
  readonly readAt: () => Timestamp;
  readonly settings: SharedSettings;
}

/** Opens scans at the time that the cursor reads at, and moves those that are open along with it. */
export class ForeignCollections implements Collections {
  readonly #parts: ForeignParts;
  readonly #open = new Set<MoveTo>();
  /** Pipelines of views: a `$lookup` opens the same one again and again. */
  readonly #views = new Map<string, CompiledPipeline>();

  constructor(parts: ForeignParts) {
    this.#parts = parts;
  }

  /** Uniform in [0, 1). */
  get random(): () => number {
    return this.#parts.settings.random;
  }

  open(ns: string, wanted: Pushdown): Source {
    const { data, turn, readAt, settings } = this.#parts;
    const { memory } = settings;
    const { sort, skip, limit } = wanted;
    const filter = wanted.filter ?? MATCH_ALL;
    const at = ns.startsWith('local.') ? TIMESTAMP_MAX : readAt();
    const collection = data.catalog.find(ns);
    if (collection === undefined) return this.#openOther(ns, wanted, at);
    const wantedFind = { collection, filter, sort, skip, limit, hint: undefined, projection: undefined };
    const query = openFind({ ...wantedFind, at, turn, memory });
    const moveTo: MoveTo = (to) => query.moveTo(to);
    this.#open.add(moveTo);
    return {
      next: () => query.source.next(),
      close: () => {
        this.#open.delete(moveTo);
        query.source.close();
      },
    };
  }

  moveTo(at: Timestamp): void {
    for (const moveTo of this.#open) moveTo(at);
  }

  /** A view, a collection that is made up, or nothing. */
  #openOther(ns: string, wanted: Pushdown, at: Timestamp): Source {
    const { data, turn, settings } = this.#parts;
    const view = resolveView(data.catalog, ns);
    const documents = view === undefined ? (virtualDocuments(ns, data, at) ?? []) : [];
    let source = view === undefined ? new ListSource(documents, turn) : this.#openView(view);
    if (wanted.filter !== undefined) source = new MatchSource(source, wanted.filter);
    if (wanted.sort !== undefined) {
      const { memory } = settings;
      source = new SortSource(source, wanted.sort, wanted.skip + wanted.limit, { turn, memory });
    }
    return new WindowSource(source, wanted.skip, wanted.limit);
  }

  /**
   * Throws when a view that the stages read, or one that such a view reads, cannot be read: before anything runs, as it
   * may be that documents which would open it never come.
   */
  checkViews(stages: readonly Uint8Array[]): void {
    const { data, settings } = this.#parts;
    const seen = new Set<string>();
    const left = [stages];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      for (const name of foreignCollectionNames(next)) {
        const ns = `${settings.db}.${name}`;
        if (seen.has(ns)) continue;
        seen.add(ns);
        const resolved = resolveView(data.catalog, ns);
        if (resolved === undefined) continue;
        this.#checkCollation(resolved);
        left.push(resolved.pipeline);
      }
    }
  }

  #checkCollation({ view }: ResolvedView): void {
    const own = view.collation === undefined ? undefined : parseCollation(view.collation);
    if (!isSameCollation(own, this.#parts.settings.scope.order.collation)) {
      throw new CommandError('OptionNotSupportedOnView', `Cannot override default collation of view ${view.ns}`);
    }
  }

  #openView(resolved: ResolvedView): Source {
    this.#checkCollation(resolved);
    const { view, ns, pipeline } = resolved;
    let compiled = this.#views.get(view.ns);
    if (compiled === undefined) {
      compiled = compilePipeline(pipeline, { ...this.#parts.settings, db: databaseOf(ns), ns, collections: this });
      this.#views.set(view.ns, compiled);
    }
    return compiled.open(this.open(ns, compiled.pushdown), compiled.pushdown.stages);
  }
}
