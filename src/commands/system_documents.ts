/** What the stages about the state of the server show: `$collStats`, `$indexStats`, `$currentOp`, `$listLocalSessions`. */
import { CommandError } from '../base/command_error.ts';
import { BsonWriter } from '../bson/writer.ts';
import { findField } from '../bson/elements.ts';
import { fieldName } from '../bson/bytes.ts';
import { BSON_TYPE } from '../bson/types.ts';
import { isTruthy, rawInt32, rawInt64, type RawValue } from '../bson/value.ts';
import type { Collection } from '../database/collection.ts';
import { ID_INDEX_SPEC } from '../database/index_spec.ts';
import { RECORD_ID_BYTES } from '../database/record_id.ts';
import type { CollStatsRequest, CurrentOpRequest, SystemRequest } from '../query/pipeline/system_request.ts';
import type { CommandContext } from './context.ts';
import { writeOperation } from './current_op.ts';

const KEY = fieldName('key');
const CAPPED = fieldName('capped');

export function systemDocuments(request: SystemRequest, context: CommandContext): readonly Uint8Array[] {
  switch (request.kind) {
    case 'collStats':
      return [collStats(request, context)];
    case 'indexStats':
      return indexStats(request.ns, context);
    case 'currentOp':
      return currentOperations(request, context);
    case 'localSessions':
      return localSessions(context);
  }
}

function collStats(request: CollStatsRequest, { env, data, server }: CommandContext): Uint8Array {
  const { ns, latencyStats, storageStats, count, queryExecStats } = request;
  if (latencyStats !== undefined) throw notKept('latencyStats');
  if (queryExecStats === true) throw notKept('queryExecStats');
  const collection = data.catalog.find(ns);
  const writer = new BsonWriter().startDocument().string('ns', ns);
  writer.string('host', server.machine.hostName).date('localTime', env.clock.wall());
  if (storageStats !== undefined) {
    if (collection === undefined) throw notFound('storageStats', ns);
    writer.startSubdocument('storageStats');
    writeStorageStats(writer, collection, storageStats.scale);
    writer.end();
  }
  if (count === true) {
    if (collection === undefined) throw notFound('count', ns);
    writer.value('count', rawSize(collection.count));
  }
  return writer.endDocument().finish();
}

function notKept(what: string): CommandError {
  return new CommandError('NotImplemented', `the field '$collStats.${what}' is not implemented`);
}

function notFound(what: string, ns: string): CommandError {
  const text = `Unable to retrieve ${what} in $collStats stage :: caused by :: Collection [${ns}] not found.`;
  return new CommandError('NamespaceNotFound', text);
}

/** Sizes are those of the data; blocks on disk are about as large. */
function writeStorageStats(writer: BsonWriter, collection: Collection, scale: number): void {
  const { count, documents, ids, indexes, options } = collection;
  const scaled = (bytes: number): number => Math.floor(bytes / scale);
  const size = documents.sizeBytes - count * RECORD_ID_BYTES;
  let indexBytes = ids.sizeBytes;
  for (const { table } of indexes) indexBytes += table.sizeBytes;
  const capped = findField(options, CAPPED);
  writer.value('size', rawSize(scaled(size))).value('count', rawSize(count));
  if (count > 0) writer.value('avgObjSize', rawSize(Math.floor(size / count)));
  writer
    .int32('numOrphanDocs', 0)
    .value('storageSize', rawSize(scaled(documents.sizeBytes)))
    .value('freeStorageSize', rawSize(0));
  writer.bool('capped', capped !== undefined && isTruthy(capped)).int32('nindexes', indexes.length + 1);
  writer.startArray('indexBuilds');
  const building = collection.maintained.filter((index) => !indexes.includes(index));
  for (const [i, { spec }] of building.entries()) writer.string(i, spec.name);
  writer
    .end()
    .value('totalIndexSize', rawSize(scaled(indexBytes)))
    .value('totalSize', rawSize(scaled(documents.sizeBytes + indexBytes)));
  writer.startSubdocument('indexSizes').value('_id_', rawSize(scaled(ids.sizeBytes)));
  for (const { spec, table } of indexes) writer.value(spec.name, rawSize(scaled(table.sizeBytes)));
  writer.end().int32('scaleFactor', scale);
}

/** The smaller type that holds it. */
function rawSize(size: number): RawValue {
  return size < 2 ** 31 ? rawInt32(size) : rawInt64(BigInt(size));
}

function indexStats(ns: string, { data, server }: CommandContext): readonly Uint8Array[] {
  const collection = data.catalog.find(ns);
  if (collection === undefined) return [];
  const all = [
    { name: '_id_', document: ID_INDEX_SPEC, uses: collection.idIndexUses },
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

function currentOperations(request: CurrentOpRequest, context: CommandContext): readonly Uint8Array[] {
  const { operations, env, server, data } = context;
  const at = { host: server.machine.hostName, now: env.clock.monotonic() };
  const documents: Uint8Array[] = [];
  // A command that has not ended its first turn is not registered: this one is shown all the same.
  const others = [...operations.all()].filter(({ id }) => id !== context.id);
  for (const operation of [context, ...others]) {
    const writer = new BsonWriter().startDocument();
    writeOperation(writer, operation, at);
    documents.push(writer.endDocument().finish());
  }
  if (!request.idleCursors) return documents;
  for (const { id, isInUse, options } of data.cursors.all()) {
    if (isInUse) continue;
    const writer = new BsonWriter().startDocument().string('type', 'idleCursor').string('host', at.host);
    writer.string('ns', options.ns).startSubdocument('cursor').int64('cursorId', id);
    writer.bool('noCursorTimeout', !options.hasTimeout).bool('tailable', options.isTailable);
    documents.push(writer.bool('awaitData', options.isAwaitData).end().endDocument().finish());
  }
  return documents;
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
