/** Finds of a shape that is planned already: no filter is parsed and nothing is planned. */
import type { Timestamp } from '../../base/optime.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import type { PreparedId } from '../../database/prepared/prepared_plan.ts';
import type { PreparedQuery, Shaping } from '../../database/prepared/prepared_queries.ts';
import { openPrepared } from '../../database/run/running_query.ts';
import { Turn } from '../../database/turn.ts';
import { MovableSpan } from '../../query/match/span.ts';
import { compileFilter } from '../../query/matcher.ts';
import { compileProjection } from '../../query/projection.ts';
import { compileSort } from '../../query/sort.ts';
import type { CommandContext, CommandRequest } from '../context.ts';
import { openCursor } from './cursor_reply.ts';
import type { FindShape } from './find_shape.ts';
import { stageMemory } from './stage_memory.ts';

export interface PreparedTarget {
  readonly collection: Collection;
  readonly request: CommandRequest;
  readonly context: CommandContext;
  readonly reply: BsonWriter;
  readonly readAt: () => Timestamp;
  /** What `readAt` says. */
  readonly at: Timestamp;
}

/** Answers a find whose arguments `shape` has just read. */
export function runPrepared(
  { plan, shaping, matchers, cached }: PreparedQuery,
  shape: FindShape,
  target: PreparedTarget,
): Promise<void> | undefined {
  if (plan.kind === 'id') {
    writeById(plan, shaping, shape, target);
    return undefined;
  }
  const { collection, request, context, reply, readAt, at } = target;
  const { filterBytes, limit, skip } = shape;
  const turn = new Turn(context.env.clock);
  const values = { filter: filterBytes, holes: shape.holes, holeCount: shape.holeCount };
  const matcher = plan.isExact ? undefined : matchers.take(values);
  const { sort, projection, isCovered } = shaping;
  const memory = sort === undefined ? undefined : stageMemory(context);
  const chosen = plan.planFor(values);
  // Spread objects would cost more than the walk through the index.
  const query = openPrepared({
    collection,
    plan: chosen,
    cached,
    matcher,
    matchers,
    sort,
    projection,
    isCovered,
    limit,
    skip,
    at,
    turn,
    memory,
  });
  const cursor = {
    ns: collection.ns,
    query,
    subjects: plan.index === undefined ? [collection] : [collection, plan.index],
    batchSize: shape.batchSize,
    isSingleBatch: shape.isSingleBatch,
    isTailable: false,
    isAwaitData: false,
    hasTimeout: true,
    readAt,
  };
  return openCursor(cursor, request, context, reply);
}

const SPAN = new MovableSpan();

/** By `_id`: the most frequent read takes the shortest way. */
function writeById(
  { hole, isExact }: PreparedId,
  { projection }: Shaping,
  shape: FindShape,
  { collection, context, reply, at }: PreparedTarget,
): void {
  const { type, start, end } = shape.holes[hole];
  const { filterBytes, skip } = shape;
  const recordId = collection.recordOf(collection.idKeyView(SPAN.set(filterBytes, type, start, end)), at);
  let document = recordId === undefined ? undefined : collection.documentAt(recordId, at);
  if (skip > 0) document = undefined;
  if (document !== undefined && !isExact && !compileFilter(filterBytes).matcher.matches(document, 0))
    document = undefined;
  reply.startSubdocument(CURSOR).startArray(FIRST_BATCH);
  if (document !== undefined) {
    context.server.documentsReturned += 1;
    if (projection === undefined) reply.document(0, document);
    else {
      reply.startSubdocument(0);
      projection.write(document, 0, reply);
      reply.end();
    }
  }
  reply.end().int64(ID, 0).string(NS, collection.ns).end();
}

const CURSOR = fieldName('cursor');
const FIRST_BATCH = fieldName('firstBatch');
const ID = fieldName('id');
const NS = fieldName('ns');

/**
 * What a find of these arguments does with its documents, made to be kept; undefined for projections that depend on more than the
 * document.
 */
export function shapingOf(
  { sort, projection }: { readonly sort: Uint8Array | undefined; readonly projection: Uint8Array | undefined },
  isCovered: boolean,
): Shaping | undefined {
  if (projection !== undefined && !isPlain(projection)) return undefined;
  if (sort !== undefined && !isPlain(sort)) return undefined;
  return {
    sort: sort === undefined ? undefined : compileSort(sort.slice()),
    projection: projection === undefined ? undefined : compileProjection(projection.slice()),
    isCovered,
  };
}

/** Whether a projection or a sort names fields and nothing else. */
function isPlain(spec: Uint8Array): boolean {
  const reader = new ElementReader(spec);
  while (reader.next()) {
    if (reader.type !== BSON_TYPE.bool && !isNumericType(reader.type)) return false;
    if (reader.name().includes('$')) return false;
  }
  return true;
}
