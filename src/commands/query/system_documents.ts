/** What the stages about the state of the server show: `$collStats`, `$indexStats`, `$currentOp`, `$listLocalSessions`. */
import type { CachedChoice } from '../../database/planner/plan_cache.ts';
import { CommandError } from '../../base/command_error.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { findField } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { shapeHashOf } from '../../database/explain/shape_hash.ts';
import type { ServerCursor } from '../../database/run/cursors.ts';
import { idIndexSpec } from '../../database/index/index_spec.ts';
import type { CollStatsRequest, CurrentOpRequest, SystemRequest } from '../../query/pipeline/system_request.ts';
import type { CommandContext } from '../context.ts';
import { LatencyHistogram } from '../server/latency_histogram.ts';
import { writeOperation, type OperationsSeen } from '../administration/operation_document.ts';
import { rawSize, storageStatsOf, writeStorageStats } from '../server/storage_stats.ts';
import { NamespaceUsage } from '../server/usage.ts';

const KEY = fieldName('key');

export function systemDocuments(request: SystemRequest, context: CommandContext): readonly Uint8Array[] {
  switch (request.kind) {
    case 'collStats':
      return [collStats(request, context)];
    case 'indexStats':
      return indexStats(request.ns, context);
    case 'planCacheStats':
      return planCacheStats(request.ns, context);
    case 'currentOp':
      return currentOperations(request, context);
    case 'localSessions':
      return localSessions(context);
  }
}

function collStats(request: CollStatsRequest, { env, data, server }: CommandContext): Uint8Array {
  const { ns, latencyStats, storageStats, count, queryExecStats } = request;
  const stats = storageStatsOf(ns, data);
  const writer = new BsonWriter().startDocument().string('ns', ns);
  writer.string('host', server.machine.hostName).date('localTime', env.clock.wall());
  if (latencyStats !== undefined) {
    writer.startSubdocument('latencyStats');
    writeLatencies(writer, server.usage.of(ns), latencyStats.histograms);
    writer.end();
  }
  if (storageStats !== undefined) {
    if (stats === undefined) throw notFound('storageStats', ns);
    writer.startSubdocument('storageStats');
    writeStorageStats(writer, stats, storageStats.scale);
    writer.end();
  }
  if (count === true) {
    if (stats === undefined) throw notFound('count', ns);
    writer.value('count', rawSize(stats.count));
  }
  if (queryExecStats === true) {
    const collection = data.catalog.find(ns);
    if (collection === undefined) throw notFound('queryExecStats', ns);
    const { collectionScans, tailableScans } = collection.queries.own;
    writer.startSubdocument('queryExecStats').startSubdocument('collectionScans');
    writer
      .int64('total', collectionScans)
      .int64('nonTailable', collectionScans - tailableScans)
      .end()
      .end();
  }
  return writer.endDocument().finish();
}

const NOT_USED = new NamespaceUsage();
const NO_TRANSACTIONS = new LatencyHistogram();

function writeLatencies(writer: BsonWriter, usage: NamespaceUsage | undefined, showsBuckets: boolean): void {
  const { reads, writes, commands } = (usage ?? NOT_USED).histograms;
  const kinds = { reads, writes, commands, transactions: NO_TRANSACTIONS };
  for (const [name, histogram] of Object.entries(kinds)) {
    writer.startSubdocument(name);
    histogram.write(writer, showsBuckets);
    writer.end();
  }
}

const NOT_FOUND_CODES = { count: 40481, storageStats: 40280, queryExecStats: 31142 } as const;

function notFound(what: keyof typeof NOT_FOUND_CODES, ns: string): CommandError {
  const text = `Unable to retrieve ${what} in $collStats stage :: caused by :: Collection [${ns}] not found.`;
  return new CommandError(NOT_FOUND_CODES[what], text);
}

function indexStats(ns: string, { data, server }: CommandContext): readonly Uint8Array[] {
  const collection = data.catalog.find(ns);
  if (collection === undefined) return [];
  const all = [
    { name: '_id_', document: idIndexSpec(collection.collation), uses: collection.idIndexUses },
    ...collection.indexes.map(({ spec, uses }) => ({ name: spec.name, document: spec.document, uses })),
  ];
  return all.map(({ name, document, uses }) => {
    const writer = new BsonWriter().startDocument().string('name', name);
    const key = findField(document, KEY);
    if (key?.type === BSON_TYPE.object) writer.value('key', key);
    writer.string('host', server.machine.hostName);
    writer.startSubdocument('accesses').int64('ops', uses).date('since', server.startedWall).end();
    return writer.document('spec', document).endDocument().finish();
  });
}

/** One document per shape of query whose plan is remembered. */
function planCacheStats(ns: string, { data, server }: CommandContext): readonly Uint8Array[] {
  const collection = data.catalog.find(ns);
  if (collection === undefined) throw new CommandError(50933, `collection '${ns}' does not exist`);
  return [...collection.plans.choices()].map((choice) => {
    const writer = new BsonWriter().startDocument().string('version', '1');
    writeCachedChoice(choice, writer);
    writer.bool('indexFilterSet', collection.plans.filterFor(choice.shape) !== undefined);
    return writer.string('host', server.machine.hostName).endDocument().finish();
  });
}

function writeCachedChoice(choice: CachedChoice, writer: BsonWriter): void {
  const { key, shape, isActive, works, query, sort, shown, scores } = choice;
  const hash = shapeHashOf(shape);
  writer.string('queryHash', hash).string('planCacheShapeHash', hash).string('planCacheKey', shapeHashOf(key));
  writer.bool('isActive', isActive).int64('works', works).string('worksType', 'works');
  writer.startSubdocument('createdFromQuery').document('query', query).document('sort', sort);
  writer.startSubdocument('projection').end().end();
  writer.document('cachedPlan', shown()).startArray('candidatePlanScores');
  for (const [i, score] of scores.entries()) writer.double(i, score);
  writer.end();
}

/** This one among them. */
export function currentOperations(request: CurrentOpRequest, context: CommandContext): readonly Uint8Array[] {
  const { operations, env, server, data } = context;
  const at = { host: server.machine.hostName, now: env.clock.monotonic(), wall: env.clock.wall() };
  const documents: Uint8Array[] = [];
  // A command that has not ended its first turn is not registered: this one is shown all the same.
  const others = [...operations.all()].filter(({ id }) => id !== context.id);
  for (const operation of [context, ...others]) {
    const writer = new BsonWriter().startDocument();
    writeOperation(writer, operation, at);
    documents.push(writer.endDocument().finish());
  }
  if (!request.idleCursors) return documents;
  for (const cursor of data.cursors.all()) if (!cursor.isInUse) documents.push(idleCursor(cursor, at));
  return documents;
}

function idleCursor(cursor: ServerCursor, { host, now, wall }: OperationsSeen): Uint8Array {
  const { id, options, origin, lsid } = cursor;
  const dateOf = (at: number): number => Math.round(wall - (now - at));
  const writer = new BsonWriter().startDocument().string('type', 'idleCursor').string('host', host);
  writer.string('ns', options.ns);
  if (lsid !== undefined) writer.document('lsid', lsid);
  writer.startSubdocument('cursor').int64('cursorId', id);
  writer.date('createdDate', dateOf(cursor.openedAt)).date('lastAccessDate', dateOf(cursor.lastUsed));
  writer.int64('nDocsReturned', cursor.documentsReturned).int64('nBatchesReturned', cursor.batches);
  writer.bool('noCursorTimeout', !options.hasTimeout).bool('tailable', options.isTailable);
  writer.bool('awaitData', options.isAwaitData);
  if (origin !== undefined) writer.document('originatingCommand', origin);
  return writer.end().endDocument().finish();
}

/** Sessions that something here belongs to: an operation under way, a retryable write. */
function localSessions(context: CommandContext): readonly Uint8Array[] {
  const { operations, data, env } = context;
  const sessions = new Map<string, Uint8Array>();
  const note = (id: Uint8Array): void => {
    sessions.set(id.join(), id);
  };
  for (const { request } of [context, ...operations.all()]) {
    const { lsid } = request;
    if (lsid !== undefined) note(lsid.bytes.slice(lsid.start, lsid.end));
  }
  for (const id of data.sessions.active()) note(id);
  return [...sessions.values()].map((id) =>
    new BsonWriter().startDocument().document('_id', id).date('lastUse', env.clock.wall()).endDocument().finish(),
  );
}
