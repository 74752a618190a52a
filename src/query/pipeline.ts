/**
 * Aggregation pipelines: a chain of pull operators over a `Source`.
 *
 * Each stage is compiled once (`pipeline/stages.ts` is the table) and opened over the stage before it. Nothing is a
 * promise: `next` gives a document, the end, or PAUSE, which whoever drives the chain answers by giving the loop back.
 * The source at the bottom decides on pauses; `$sort` sorts in short runs, so that no single call takes long.
 *
 * A pipeline tells what storage could do in its place: leading `$match`, `$sort`, `$skip` and `$limit` (`pushdown`), and
 * whether all that is left then is to count (`countOnly`).
 */
import { CommandError } from '../base/command_error.ts';
import { PIPELINE_STAGES_MAX } from '../base/limits.ts';
import { ElementReader } from '../bson/elements.ts';
import type { CompiledFilter } from './matcher.ts';
import type { Source } from './pipeline/source.ts';
import type { Stage } from './pipeline/stage.ts';
import { STAGE_BY_NAME, UNBUILT_STAGES } from './pipeline/stages.ts';
import type { SortSpec } from './sort.ts';

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
  readonly stageCount: number;
  readonly pushdown: Pushdown;
  /**
   * Set when the pipeline only counts what `pushdown` selects (`$count`, or `$group` by a constant with one `$sum: 1`):
   * the document that is the whole result, undefined for no result.
   */
  readonly countOnly: ((count: number) => Uint8Array | undefined) | undefined;
  /** Runs the stages from index `from` on (0, or `pushdown.stages` when the source did those). */
  open(source: Source, from: number): Source;
}

/** Compiles the stages of an aggregate command, which must not change afterwards. */
export function compilePipeline(stages: readonly Uint8Array[]): CompiledPipeline {
  if (stages.length > PIPELINE_STAGES_MAX) {
    throw new CommandError(7749501, `Pipeline length must be no longer than ${PIPELINE_STAGES_MAX} stages`);
  }
  const compiled = stages.map(compileStage);
  const pushdown = pushdownOf(compiled);
  const [next] = compiled.slice(pushdown.stages);
  const isCount = next?.kind === 'count' && pushdown.stages === compiled.length - 1;
  return {
    stageCount: compiled.length,
    pushdown,
    countOnly: isCount ? (count) => next.result(count) : undefined,
    open: (source, from) => openStages(compiled, source, from),
  };
}

function compileStage(stage: Uint8Array): Stage {
  const reader = new ElementReader(stage);
  const hasOne = reader.next();
  const name = hasOne ? reader.name() : '';
  const operand = hasOne ? reader.value() : undefined;
  if (operand === undefined || reader.next()) {
    throw new CommandError(40323, 'A pipeline stage specification object must contain exactly one field.');
  }
  const kind = STAGE_BY_NAME.get(name);
  if (kind !== undefined) return kind.parse(operand);
  if (UNBUILT_STAGES.has(name)) throw new CommandError('NotImplemented', `the stage ${name} is not implemented`);
  throw new CommandError(40324, `Unrecognized pipeline stage name: '${name}'`);
}

/** One stage of each kind, in the order match, sort, skip, limit. */
function pushdownOf(stages: readonly Stage[]): Pushdown {
  let at = 0;
  let filter: CompiledFilter | undefined;
  let sort: SortSpec | undefined;
  let skip = 0;
  let limit = Infinity;
  const peek = (): Stage | undefined => stages[at];
  let stage = peek();
  if (stage?.kind === 'match') {
    ({ filter } = stage);
    at++;
    stage = peek();
  }
  if (stage?.kind === 'sort') {
    sort = stage.spec;
    at++;
    stage = peek();
  }
  if (stage?.kind === 'skip') {
    skip = stage.count;
    at++;
    stage = peek();
  }
  if (stage?.kind === 'limit') {
    limit = stage.count;
    at++;
  }
  return { filter, sort, skip, limit, stages: at };
}

function openStages(stages: readonly Stage[], source: Source, from: number): Source {
  let opened = source;
  for (let i = from; i < stages.length; i++) {
    const stage = stages[i];
    opened = stage.kind === 'sort' ? stage.open(opened, takenAfter(stages, i + 1)) : stage.open(opened);
  }
  return opened;
}

/** How many documents the stages from `from` on can take: a sort need not keep more. */
function takenAfter(stages: readonly Stage[], from: number): number {
  let skipped = 0;
  for (const stage of stages.slice(from)) {
    if (stage.kind === 'skip') skipped += stage.count;
    else if (stage.kind === 'limit') return skipped + stage.count;
    else break;
  }
  return Infinity;
}
