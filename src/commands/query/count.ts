import { CommandError } from '../../base/command_error.ts';
import type { Timestamp } from '../../base/optime.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf, type RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { CountRun } from '../../database/run/count_run.ts';
import { resolveHint } from '../../database/planner/plan.ts';
import { shapedFilter } from '../../database/prepared/shaped_filter.ts';
import { Turn } from '../../database/turn.ts';
import { resolveView, type ResolvedView } from '../../database/catalog/views.ts';
import { describeValue } from '../../query/describe.ts';
import { compileFilter, type CompiledFilter } from '../../query/matcher.ts';
import { PAUSE } from '../../query/pipeline/source.ts';
import { BINARY_ORDER } from '../../query/value_order.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { readPoint, runToEnd, virtualDocuments } from './cursor_reply.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { valueOrderFor, viewOrderFor } from './collation_argument.ts';
import { expressionScope } from './expression_scope.ts';
import { OPLOG_NS, readNamespace } from '../namespace.ts';
import { matchStage, numberStage, openView, resumeView } from './view_query.ts';
import { refuseTextWithoutCollection } from '../../database/text_without_collection.ts';

export const countCommand: Command = {
  name: 'count',
  secondary: 'optIn',
  readConcerns: ['available', 'majority', 'linearizable'],
  isApiVersion1: true,
  help: 'counts the documents that match a query',
  run(request, context, reply) {
    const { data } = context;
    const ns = readNamespace(request, data);
    const count = parseCount(request);
    const readAt = readPoint(request, context, ns);
    const collection = data.catalog.find(ns);
    const view = collection === undefined ? resolveView(data.catalog, ns) : undefined;
    if (view !== undefined) {
      const counted = countOnView(view, count, { readAt, context });
      if (typeof counted === 'number') return writeCount(reply, count, counted);
      return counted.then((total) => writeCount(reply, count, total));
    }
    if (collection !== undefined) return countIn(collection, count, { readAt, context, reply });
    const scope = expressionScope(context, { order: valueOrderFor(count.collation, undefined) });
    const filter = compileFilter(count.query, scope);
    refuseTextWithoutCollection(filter, ns);
    let total = virtualDocuments(ns, data, readAt())?.filter((one) => filter.matcher.matches(one, 0)).length ?? 0;
    if (ns === OPLOG_NS && filter.matchesAll) total = data.oplog.count;
    writeCount(reply, count, total);
    return undefined;
  },
};

function countIn(
  collection: Collection,
  count: Count,
  {
    readAt,
    context,
    reply,
  }: { readonly readAt: () => Timestamp; readonly context: CommandContext; readonly reply: BsonWriter },
): Promise<void> | undefined {
  const order = valueOrderFor(count.collation, collection);
  const turn = new Turn(context.env.clock);
  const queries = order === BINARY_ORDER ? context.data.prepared.of(collection) : undefined;
  const filterBytes = count.query;
  const compile = (): CompiledFilter => compileFilter(filterBytes, expressionScope(context, { order, turn }));
  const filter = shapedFilter(queries, filterBytes, compile);
  const hint = count.hint === undefined ? undefined : resolveHint(count.hint, collection);
  if (filter.matchesAll && hint === undefined) {
    writeCount(reply, count, collection.count);
    return undefined;
  }
  const limit = count.limit + count.skip;
  const kept = queries && { queries, filterBytes };
  const run = new CountRun({ collection, filter, kept, hint, at: readAt(), turn, limit });
  const resume = (): void => {
    if (collection.gone !== undefined) throw new CommandError('QueryPlanKilled', collection.gone);
    turn.restart();
    run.moveTo(readAt());
  };
  const waiting = runToEnd(() => run.advance(), context, resume);
  if (waiting === undefined) writeCount(reply, count, run.count);
  return waiting?.then(() => writeCount(reply, count, run.count));
}

interface Count {
  readonly query: Uint8Array;
  readonly skip: number;
  /** Infinity when there is none. */
  readonly limit: number;
  readonly hint: RawValue | undefined;
  readonly collation: Uint8Array | undefined;
}

/** Throws CommandError for bad arguments. */
export function parseCount(request: CommandRequest): Count {
  let query = EMPTY_DOCUMENT;
  let skip = 0;
  let limit = Infinity;
  let hint: RawValue | undefined;
  let collation: Uint8Array | undefined;
  const args = Arguments.ofCommand('count', request.body);
  while (args.next()) {
    if (args.name === 'query') query = args.value.type === BSON_TYPE.null ? EMPTY_DOCUMENT : args.document();
    else if (args.name === 'skip') skip = skipOf(args.raw());
    // A negative limit means the same as its amount.
    else if (args.name === 'limit') limit = Math.abs(args.integer()) || Infinity;
    else if (args.name === 'hint') hint = args.hint();
    else if (args.name === 'collation') collation = args.document();
    else if (args.name !== 'fields') args.refuseUnknown();
  }
  return { query, skip, limit, hint, collation };
}

/** How many documents a view shows, up to the limit. */
function countOnView(
  view: ResolvedView,
  { query, skip, limit, hint, collation }: Count,
  { readAt, context }: { readonly readAt: () => Timestamp; readonly context: CommandContext },
): number | Promise<number> {
  const turn = new Turn(context.env.clock);
  const stages = [matchStage(query)];
  if (limit !== Infinity) stages.push(numberStage('$limit', limit + skip));
  const scope = expressionScope(context, { order: viewOrderFor(collation, view), turn });
  const opened = openView(view, { stages, scope, hint, readAt, turn }, context);
  let total = 0;
  const advance = (): 'done' | 'pause' => {
    for (;;) {
      const document = opened.query.source.next();
      if (document === PAUSE) return 'pause';
      if (document === undefined) return 'done';
      total += 1;
    }
  };
  const waiting = runToEnd(advance, context, () => resumeView(opened, turn, readAt));
  return waiting === undefined ? total : waiting.then(() => total);
}

function skipOf(value: RawValue): number {
  if (!isNumericType(value.type)) throw new CommandError('BadValue', 'skip value is not a valid number');
  const skip = Math.trunc(numberOf(value));
  if (skip >= 0) return skip;
  throw new CommandError('FailedToParse', `Expected a positive number in: skip: ${describeValue(value)}`);
}

function writeCount(reply: BsonWriter, count: Count, total: number): void {
  const n = Math.min(Math.max(total - count.skip, 0), count.limit);
  if (n <= 0x7fff_ffff) reply.int32('n', n);
  else reply.int64('n', n);
}
