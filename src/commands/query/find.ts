import { CommandError } from '../../base/command_error.ts';
import type { Timestamp } from '../../base/optime.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { numberOf, type RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { OplogSource } from '../../database/run/oplog_query.ts';
import {
  chooseFor,
  fixedQuery,
  isCovered,
  ListSource,
  MatchSource,
  openPlanned,
} from '../../database/run/running_query.ts';
import { SortSource, WindowSource, type RunningQuery, type SortPlace } from '../../database/run/running_query.ts';
import { keyProjection, withRecordId } from '../../database/scan/key_projection.ts';
import { indexesOf, resolveHint, type Choice, type Hint } from '../../database/planner/plan.ts';
import type { Access } from '../../database/planner/access.ts';
import type { CollectionQueries } from '../../database/prepared/prepared_queries.ts';
import { ProjectionShape } from '../../database/planner/projection_shape.ts';
import type { KeyLimits } from '../../database/planner/key_limits.ts';
import { Turn } from '../../database/turn.ts';
import { resolveView } from '../../database/catalog/views.ts';
import type { ExpressionScope } from '../../query/expression.ts';
import { compileFilter, type CompiledFilter } from '../../query/matcher.ts';
import type { Source } from '../../query/pipeline/source.ts';
import { compileProjection, type Projection } from '../../query/projection.ts';
import { compileSort, type SortSpec } from '../../query/sort.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { openCursor, readPoint, virtualDocuments, writeEmptyCursor, type CursorRequest } from './cursor_reply.ts';
import { valueOrderFor } from './collation_argument.ts';
import { expressionScope } from './expression_scope.ts';
import { checkName, parseFind, type Find } from './find_arguments.ts';
import { findOnView } from './find_on_view.ts';
import { runPrepared, shapingOf } from './find_prepared.ts';
import { FindShape } from './find_shape.ts';
import { OPLOG_NS, readNamespace } from '../namespace.ts';
import { noteRequesterTerm } from '../replication/oplog_term.ts';
import { refuseTextWithoutCollection } from '../../database/text_without_collection.ts';
import { stageMemory } from './stage_memory.ts';

export const findCommand: Command = {
  name: 'find',
  secondary: 'optIn',
  readConcerns: ['available', 'majority', 'linearizable'],
  isApiVersion1: true,
  opcounter: 'query',
  help: 'returns the documents that match a filter',
  run(request, context, reply) {
    checkName(request);
    const ns = readNamespace(request, context.data);
    const collection = context.data.catalog.find(ns);
    const shape = collection !== undefined && SHAPE.read(request.body) ? SHAPE : undefined;
    if (shape !== undefined && collection !== undefined) {
      const readAt = readPoint(request, context, ns);
      const at = readAt();
      const prepared = context.data.prepared.of(collection).find(shape, at);
      if (prepared !== undefined) {
        return runPrepared(prepared, shape, { collection, request, context, reply, readAt, at });
      }
    }
    const find = parseFind(request, ns);
    if (find.term !== undefined) {
      const waiting = noteRequesterTerm(find.term, context);
      if (waiting !== undefined) return waiting;
    }
    return runFind(find, shape, { request, context, reply });
  },
};

/** Of the find that is being parsed. */
const SHAPE = new FindShape();

const NATURAL = fieldName('$natural');

/** `shape`: undefined when plans for it are not to be kept. */
function runFind(
  find: Find,
  shape: FindShape | undefined,
  { request, context, reply }: Pick<FindTarget, 'request' | 'context' | 'reply'>,
): Promise<void> | undefined {
  const { data } = context;
  const owner = data.catalog.find(find.ns);
  const view = resolveView(data.catalog, find.ns);
  if (view !== undefined) return findOnView(view, find, { request, context, reply });
  const turn = new Turn(context.env.clock);
  const valueOrder = valueOrderFor(find.collation, owner);
  const scope = expressionScope(context, { variables: find.variables, order: valueOrder, turn });
  const filter = compileFilter(find.filter, scope);
  const order = orderOf(find, scope);
  const projection = find.projection === undefined ? undefined : compileProjection(find.projection, filter, scope);
  const compiled: CompiledFind = { ...find, filter, order, projection, source: find };
  const readAt = readPoint(request, context, find.ns);
  if (find.ns === OPLOG_NS) return openOplogCursor(compiled, turn, request, { context, reply });
  const collection = data.catalog.find(find.ns);
  if (collection === undefined) {
    const documents = virtualDocuments(find.ns, data, readAt());
    if (documents === undefined) {
      refuseTextWithoutCollection(filter, find.ns);
      writeEmptyCursor(reply, find.ns);
      return undefined;
    }
    const query = listQuery(documents, compiled, { turn, memory: stageMemory(context, find.allowDiskUse) });
    return openCursor(cursorRequest(compiled, query, [], readAt), request, context, reply);
  }
  return findIn(collection, compiled, { request, context, reply, readAt, turn, shape });
}

interface FindTarget {
  readonly request: CommandRequest;
  readonly context: CommandContext;
  readonly reply: BsonWriter;
  readonly readAt: () => Timestamp;
  readonly turn: Turn;
  readonly shape: FindShape | undefined;
}

function findIn(collection: Collection, find: CompiledFind, target: FindTarget): Promise<void> | undefined {
  const { request, context, reply, readAt, turn, shape } = target;
  const { data } = context;
  if (find.tailable && collection.capped === undefined) throw notCapped(find.ns);
  const hint = hintOf(find, collection);
  const at = readAt();
  const { filter, skip, limit } = find;
  const { sort } = find.order;
  const limits = limitsOf(find, collection);
  const choice = chooseFor({ collection, filter, sort, hint, limits, at });
  if (shape !== undefined) maybeKeep(data.prepared.of(collection), find, choice, { at, shape });
  if (isPointRead(find, hint) && !showsKeys(find)) {
    writePoint(collection, find, at, target);
    return undefined;
  }
  const { plan } = choice;
  const memory = stageMemory(context, find.allowDiskUse);
  const planned = { collection, filter, sort, hint, limits, skip, limit, at, turn, memory };
  const subjects = [collection, ...indexesOf(plan.access)];
  const projection = shownBy(find, collection, { at, access: plan.access });
  const query = openPlanned({ ...planned, projection, shape: shapeOf(find) }, plan);
  if (find.tailable && plan.access.kind === 'collection') countTailable(collection);
  // A cursor that waits behind the last document needs one to stand on.
  const tailable = find.tailable && collection.count > 0;
  return openCursor(cursorRequest({ ...find, tailable }, query, subjects, readAt), request, context, reply);
}

function countTailable({ queries: { own, all } }: Collection): void {
  own.tailableScans += 1;
  all.tailableScans += 1;
}

/** The next queries of the shape need no planning, once it was asked for twice. */
function maybeKeep(
  prepared: CollectionQueries,
  find: CompiledFind,
  choice: Choice,
  { at, shape }: { readonly at: Timestamp; readonly shape: FindShape },
): void {
  if (!prepared.isWorthKeeping(shape)) return;
  const { filter, source } = find;
  const { sort } = find.order;
  const given = { sort: sort === undefined ? undefined : source.sort, projection: source.projection };
  const covered = isCovered({ shape: shapeOf(find), sort }, choice.plan);
  prepared.keep(shape, { filter, filterBytes: source.filter, sort, choice, at }, () => shapingOf(given, covered));
}

/** Undefined when more is shown of documents than what the projection keeps. */
function shapeOf({ source, returnKey, showRecordId }: CompiledFind): ProjectionShape | undefined {
  if (source.projection === undefined || returnKey || showRecordId) return undefined;
  return ProjectionShape.of(source.projection);
}

export function limitsOf(
  { min, max, collation }: Pick<Find, 'min' | 'max' | 'collation'>,
  collection: Collection | undefined,
): KeyLimits | undefined {
  if (min === undefined && max === undefined) return undefined;
  return { min, max, collation: valueOrderFor(collation, collection).collation };
}

function showsKeys({ returnKey, showRecordId, min, max }: CompiledFind): boolean {
  return returnKey || showRecordId || min !== undefined || max !== undefined;
}

/** How documents are reshaped on their way out. */
function shownBy(
  { projection, returnKey, showRecordId }: CompiledFind,
  collection: Collection,
  { at, access }: { readonly at: Timestamp; readonly access: Access },
): Projection | undefined {
  const shown = returnKey ? keyProjection(collection, at, access) : projection;
  return showRecordId ? withRecordId(collection, at, shown) : shown;
}

/** A tailable cursor finds documents in the order in which they are inserted, whatever indexes there are. */
function hintOf(find: CompiledFind, collection: Collection): Hint | undefined {
  const hint = find.order.hint ?? (find.hint === undefined ? undefined : resolveHint(find.hint, collection));
  return find.tailable && hint?.kind !== 'natural' ? { kind: 'natural', reverse: false } : hint;
}

interface CompiledFind extends Omit<Find, 'filter' | 'projection'> {
  readonly filter: CompiledFilter;
  readonly order: Order;
  readonly projection: Projection | undefined;
  /** As it was given. */
  readonly source: Find;
}

/** A sort by `$natural` is a hint. */
interface Order {
  readonly sort: SortSpec | undefined;
  readonly hint: Hint | undefined;
}

function orderOf(find: Find, scope: ExpressionScope): Order {
  const natural = naturalSortOf(find);
  if (natural !== undefined) return { sort: undefined, hint: natural };
  const { sort, tailable } = find;
  const hint = find.hint === undefined ? undefined : naturalOf(find.hint);
  if (sort === undefined || isEmptyDocument(sort)) return { sort: undefined, hint };
  if (tailable) throw badTailableSort();
  return { sort: compileSort(sort, scope.order, scope), hint };
}

/** The hint that a sort by `$natural` is; undefined for other sorts. */
export function naturalSortOf({ sort, tailable, hint }: Find): Hint | undefined {
  const natural = sort === undefined ? undefined : findField(sort, NATURAL);
  if (sort === undefined || natural === undefined) return undefined;
  if (hint !== undefined && naturalOf(hint) === undefined) {
    throw new CommandError('BadValue', 'index hint not allowed with $natural sort order');
  }
  const reader = new ElementReader(sort);
  reader.next();
  if (reader.next() || !isNumericType(natural.type)) {
    throw new CommandError('BadValue', "Cannot include '$natural' in compound sort");
  }
  const reverse = numberOf(natural) < 0;
  if (tailable && reverse) throw badTailableSort();
  return { kind: 'natural', reverse };
}

/** The hint {$natural: ±1}, which also means something without a collection of documents. */
function naturalOf(hint: RawValue): Hint | undefined {
  if (hint.type !== BSON_TYPE.object || findField(hint.bytes, NATURAL, hint.start) === undefined) return undefined;
  return resolveHint(hint, undefined);
}

function badTailableSort(): CommandError {
  return new CommandError('BadValue', 'cannot use tailable option with a sort other than {$natural: 1}');
}

function notCapped(ns: string): CommandError {
  return new CommandError(
    'BadValue',
    `error processing query: ns=${ns}Tree: $and\nSort: {}\nProj: {}\n tailable cursor requested on non capped collection`,
  );
}

/** By `_id` alone: the most frequent read takes the shortest way. */
function isPointRead(find: CompiledFind, hint: Hint | undefined): boolean {
  return find.filter.idEquality !== undefined && hint === undefined && find.skip === 0 && find.batchSize > 0;
}

function writePoint(collection: Collection, find: CompiledFind, at: Timestamp, target: ReplyTarget): void {
  const { filter, projection } = find;
  const found = filter.idEquality === undefined ? undefined : documentOf(collection, filter.idEquality, at);
  const document = found !== undefined && filter.matcher.matches(found, 0) ? found : undefined;
  writeOne(projection === undefined ? document : document && projection.apply(document, 0), find.ns, target);
}

function documentOf(collection: Collection, id: ValueSpan, at: Timestamp): Uint8Array | undefined {
  const recordId = collection.recordOf(collection.idKeyView(id), at);
  return recordId === undefined ? undefined : collection.documentAt(recordId, at);
}

type ReplyTarget = Pick<FindTarget, 'context' | 'reply'>;

/** A reply with that document or none, and no cursor. */
function writeOne(document: Uint8Array | undefined, ns: string, { context, reply }: ReplyTarget): void {
  reply.startSubdocument(CURSOR).startArray(FIRST_BATCH);
  if (document !== undefined) {
    reply.document(0, document);
    context.server.documentsReturned += 1;
  }
  reply.end().int64(ID, 0).string(NS, ns).end();
}

const CURSOR = fieldName('cursor');
const FIRST_BATCH = fieldName('firstBatch');
const ID = fieldName('id');
const NS = fieldName('ns');

function cursorRequest(
  find: CompiledFind,
  query: RunningQuery,
  subjects: CursorRequest['subjects'],
  readAt: () => Timestamp,
): CursorRequest {
  return {
    ns: find.ns,
    query,
    subjects,
    batchSize: find.batchSize,
    isSingleBatch: find.singleBatch,
    isTailable: find.tailable,
    isAwaitData: find.awaitData,
    hasTimeout: !find.noCursorTimeout,
    readAt,
  };
}

/** Over documents that are in memory. */
function listQuery(documents: readonly Uint8Array[], find: CompiledFind, place: SortPlace): RunningQuery {
  const reverse = find.order.hint?.kind === 'natural' && find.order.hint.reverse;
  const source = new ListSource(reverse ? documents.toReversed() : documents);
  return fixedQuery(shape(new MatchSource(source, find.filter), find, place), place.turn, find.projection);
}

/** What find does with documents besides filtering and reshaping them. */
function shape(source: Source, find: CompiledFind, place: SortPlace): Source {
  const { skip, limit } = find;
  let shaped = source;
  if (find.order.sort !== undefined) shaped = new SortSource(shaped, find.order.sort, skip + limit, place);
  if (skip > 0 || limit !== Infinity) shaped = new WindowSource(shaped, skip, limit);
  return shaped;
}

function openOplogCursor(
  find: CompiledFind,
  turn: Turn,
  request: CommandRequest,
  target: { readonly context: CommandContext; readonly reply: BsonWriter },
): Promise<void> | undefined {
  const { context, reply } = target;
  const { data } = context;
  const isMajority = request.readConcern.level === 'majority';
  const visible = () => (isMajority ? data.majorityTimestamp() : data.readTimestamp);
  const reverse = find.order.hint?.kind === 'natural' && find.order.hint.reverse;
  const place = { turn, memory: stageMemory(context, find.allowDiskUse) };
  const source = shape(new OplogSource(data.oplog, { filter: find.filter, reverse, visible }, turn), find, place);
  return openCursor(
    cursorRequest(find, fixedQuery(source, turn, find.projection), [], visible),
    request,
    context,
    reply,
  );
}
