/** Reading a view with commands other than aggregate: their parts become stages after those of the view. */
import { CommandError } from '../../base/command_error.ts';
import type { Timestamp } from '../../base/optime.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Turn } from '../../database/turn.ts';
import type { ResolvedView } from '../../database/catalog/views.ts';
import type { ExpressionScope } from '../../query/expression.ts';
import { compilePipeline } from '../../query/pipeline.ts';
import type { CommandContext } from '../context.ts';
import { ForeignCollections, pipelineSettings } from './foreign_collections.ts';
import { openPipelineOn, type OpenedPipeline } from './pipeline_query.ts';

export interface ViewRead {
  readonly stages: readonly Uint8Array[];
  readonly scope: ExpressionScope;
  readonly hint: RawValue | undefined;
  readonly readAt: () => Timestamp;
  readonly turn: Turn;
}

/** What the view shows, run through `stages`. */
export function openView(view: ResolvedView, read: ViewRead, context: CommandContext): OpenedPipeline {
  const { stages, scope, hint, readAt, turn } = read;
  const { data } = context;
  const settings = pipelineSettings(view.ns, scope, context);
  const foreign = new ForeignCollections({ data, turn, readAt, settings });
  const pipeline = compilePipeline([...view.pipeline, ...stages], { ...settings, collections: foreign });
  foreign.checkViews(view.pipeline);
  const { memory } = settings;
  return openPipelineOn({ ns: view.ns, pipeline, foreign, hint, memory, readAt, turn }, data);
}

/** Before going on after a pause. Throws when what is read is gone. */
export function resumeView({ query, subjects }: OpenedPipeline, turn: Turn, readAt: () => Timestamp): void {
  for (const { gone } of subjects) if (gone !== undefined) throw new CommandError('QueryPlanKilled', gone);
  turn.restart();
  query.moveTo(readAt());
}

/** {$match: filter}. */
export function matchStage(filter: Uint8Array): Uint8Array {
  return documentStage('$match', filter);
}

export function documentStage(name: `$${string}`, operand: Uint8Array): Uint8Array {
  return new BsonWriter().startDocument().document(name, operand).endDocument().finish();
}

export function numberStage(name: '$skip' | '$limit', count: number): Uint8Array {
  return new BsonWriter().startDocument().int64(name, count).endDocument().finish();
}
