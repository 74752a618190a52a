/** Explaining what reads a view: as the pipeline that MongoDB makes of it. */
import { CommandError } from '../../base/command_error.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { resolveView } from '../../database/catalog/views.ts';
import { explainOnView } from '../query/aggregate.ts';
import type { CommandContext, CommandRequest } from '../context.ts';
import { parseCount } from '../query/count.ts';
import { parseDistinct } from '../query/distinct.ts';
import type { ExplainTarget } from './explain_reply.ts';
import { checkName, parseFind } from '../query/find_arguments.ts';
import { viewStagesOf } from '../query/find_on_view.ts';
import { readNamespace } from '../namespace.ts';
import { documentStage, matchStage, numberStage } from '../query/view_query.ts';

/** A command on a view as a pipeline. */
interface ViewPipeline {
  readonly pipeline: readonly Uint8Array[];
  readonly hint: RawValue | undefined;
  readonly variables: Uint8Array | undefined;
  readonly collation: Uint8Array | undefined;
}

const READERS: ReadonlyMap<string, (request: CommandRequest, context: CommandContext) => ViewPipeline> = new Map([
  ['find', findPipeline],
  ['count', countPipeline],
  ['distinct', distinctPipeline],
]);

const WRITERS: ReadonlySet<string> = new Set(['delete', 'findAndModify', 'findandmodify', 'update']);

/** Whether the command was about a view; then it is explained, or refused. */
export function explainView(
  request: CommandRequest,
  target: ExplainTarget,
): { readonly done: Promise<void> | undefined } | undefined {
  const { context } = target;
  const read = READERS.get(request.name);
  if (read === undefined && !WRITERS.has(request.name)) return undefined;
  const ns = readNamespace(request, context.data);
  if (resolveView(context.data.catalog, ns) === undefined) return undefined;
  if (read === undefined) {
    throw new CommandError('CommandNotSupportedOnView', `Namespace ${ns} is a view, not a collection`);
  }
  const asked = read(request, context);
  const command = commandOf(ns.slice(request.db.length + 1), asked);
  return { done: explainOnView(ns, asked, request, { ...target, command }) };
}

/** The aggregation that the command was made into. */
function commandOf(collection: string, { pipeline, collation }: ViewPipeline): Uint8Array {
  const writer = new BsonWriter().startDocument().string('aggregate', collection).startArray('pipeline');
  for (const [i, stage] of pipeline.entries()) writer.document(i, stage);
  writer.end().startSubdocument('cursor').end();
  if (collation !== undefined) writer.document('collation', collation);
  return writer.endDocument().finish();
}

function findPipeline(request: CommandRequest, context: CommandContext): ViewPipeline {
  checkName(request);
  const find = parseFind(request, readNamespace(request, context.data));
  return { ...find, pipeline: viewStagesOf(find) };
}

function countPipeline(request: CommandRequest): ViewPipeline {
  const { query, skip, limit, hint, collation } = parseCount(request);
  const pipeline = isEmptyDocument(query) ? [] : [matchStage(query)];
  if (skip > 0) pipeline.push(numberStage('$skip', skip));
  if (limit !== Infinity) pipeline.push(numberStage('$limit', limit));
  pipeline.push(new BsonWriter().startDocument().string('$count', 'count').endDocument().finish());
  return { pipeline, hint, collation, variables: undefined };
}

function distinctPipeline(request: CommandRequest): ViewPipeline {
  const { query, key, hint, collation } = parseDistinct(request);
  const pipeline = isEmptyDocument(query) ? [] : [matchStage(query)];
  for (const [i, path] of prefixesOf(key).entries()) {
    const unwind = new BsonWriter().startDocument().string('path', `$${path}`);
    pipeline.push(documentStage('$unwind', unwind.bool('preserveNullAndEmptyArrays', true).endDocument().finish()));
    if (i < key.split('.').length - 1) pipeline.push(objectsOnly(path));
  }
  const group = new BsonWriter().startDocument().null('_id').startSubdocument('distinct');
  pipeline.push(documentStage('$group', group.string('$addToSet', `$${key}`).end().endDocument().finish()));
  return { pipeline, hint, collation, variables: undefined };
}

/** `a`, `a.b`, `a.b.c` of `a.b.c`. */
function prefixesOf(path: string): string[] {
  const names = path.split('.');
  return names.map((_, i) => names.slice(0, i + 1).join('.'));
}

function objectsOnly(path: string): Uint8Array {
  const filter = new BsonWriter().startDocument().startSubdocument(path).string('$type', 'object').end();
  return matchStage(filter.endDocument().finish());
}
