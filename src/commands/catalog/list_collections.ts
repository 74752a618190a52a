import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { idIndexSpec } from '../../database/index/index_spec.ts';
import { TRANSACTIONS_NS, type MemberData } from '../../database/member_data.ts';
import { viewsOf, type View } from '../../database/catalog/views.ts';
import { NO_OPTIONS } from '../../database/write/write_catalog.ts';
import { compileFilter, type CompiledFilter } from '../../query/matcher.ts';
import { batchSizeOf } from '../query/aggregate.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandRequest } from '../context.ts';
import { listCursor, openCursor } from '../query/cursor_reply.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { OPLOG_NS } from '../namespace.ts';

/** Listings are not cut into batches unless the client asks for it. */
const BATCH_DEFAULT = Infinity;

export const listCollectionsCommand: Command = {
  name: 'listCollections',
  secondary: 'optIn',
  isApiVersion1: true,
  help: 'lists the collections of a database',
  run(request, context, reply) {
    const { filter, nameOnly, batchSize } = parseList(request);
    const { matcher } = listFilter(filter);
    const all = describeAll(request.db, context.data, nameOnly);
    const documents = all.filter((document) => matcher.matches(document, 0));
    const cursor = listCursor(`${request.db}.$cmd.listCollections`, documents, batchSize, context);
    return openCursor(cursor, request, context, reply);
  },
};

interface ListArguments {
  readonly filter: Uint8Array;
  readonly nameOnly: boolean;
  readonly batchSize: number;
}

function parseList(request: CommandRequest): ListArguments {
  let filter = EMPTY_DOCUMENT;
  let nameOnly = false;
  let batchSize = BATCH_DEFAULT;
  const args = Arguments.ofCommand('listCollections', request.body);
  while (args.next()) {
    if (args.name === 'filter') filter = args.document();
    else if (args.name === 'nameOnly') nameOnly = args.flag();
    else if (args.name === 'authorizedCollections') args.flag();
    else if (args.name === 'includePendingDrops') notStable(request, args);
    else if (args.name === 'cursor') batchSize = listBatchSize(args);
    else args.refuseUnknown();
  }
  return { filter, nameOnly, batchSize };
}

/** What a command that lists things selects by. Conditions that need an index are refused. */
export function listFilter(filter: Uint8Array): CompiledFilter {
  const compiled = compileFilter(filter);
  if (!compiled.isSpecial) return compiled;
  throw new CommandError('BadValue', '$text, $geoNear, $near, and $nearSphere are not allowed in this context');
}

/** A collection that is dropped is gone at once: none are pending. */
function notStable(request: CommandRequest, args: Arguments): void {
  args.flag();
  if (request.apiStrict !== true) return;
  throw new CommandError(
    'APIStrictError',
    `BSON field 'listCollections.${args.name}' is not allowed with apiStrict:true.`,
  );
}

/** The batch size of a command that lists things: all at once unless the client says otherwise. */
export function listBatchSize(args: Arguments): number {
  const cursor = args.document();
  return cursor.length === EMPTY_DOCUMENT.length ? BATCH_DEFAULT : batchSizeOf(cursor, 0);
}

function describeAll(db: string, data: MemberData, nameOnly: boolean): Uint8Array[] {
  const collections = data.catalog.collectionsOf(db).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const documents = collections.map((collection) => describe(collection, nameOnly));
  documents.push(...viewsOf(data.catalog, db).map((view) => describeView(view, nameOnly)));
  if (db === 'local') {
    documents.push(describeSystem('oplog.rs', oplogOptions(data), nameOnly));
    for (const ns of data.localCollections()) {
      if (ns !== OPLOG_NS) documents.push(describeSystem(ns.slice('local.'.length), NO_OPTIONS, nameOnly));
    }
  } else if (db === 'config') {
    documents.push(describeSystem(TRANSACTIONS_NS.slice('config.'.length), NO_OPTIONS, nameOnly));
  }
  return documents;
}

function describe(collection: Collection, nameOnly: boolean): Uint8Array {
  const writer = new BsonWriter().startDocument().string('name', collection.name).string('type', 'collection');
  if (nameOnly) return writer.endDocument().finish();
  writer.document('options', collection.options);
  writer.startSubdocument('info').bool('readOnly', false).binData('uuid', 4, collection.uuid).end();
  if (collection.clusteredIndex === undefined) writer.document('idIndex', idIndexSpec(collection.collation));
  return writer.endDocument().finish();
}

function describeView({ ns, document }: View, nameOnly: boolean): Uint8Array {
  const writer = new BsonWriter().startDocument();
  writer.string('name', ns.slice(ns.indexOf('.') + 1)).string('type', 'view');
  if (nameOnly) return writer.endDocument().finish();
  writer.startSubdocument('options');
  const reader = new ElementReader(document);
  while (reader.next()) if (reader.name() !== '_id') writer.element(document, reader.elementStart, reader.end);
  return writer.end().startSubdocument('info').bool('readOnly', true).end().endDocument().finish();
}

/** Collections that are made up from other state have no uuid of their own: the name stands for it. */
function describeSystem(name: string, options: Uint8Array, nameOnly: boolean): Uint8Array {
  const writer = new BsonWriter().startDocument().string('name', name).string('type', 'collection');
  if (nameOnly) return writer.endDocument().finish();
  writer.document('options', options);
  writer.startSubdocument('info').bool('readOnly', false).binData('uuid', 4, systemUuid(name)).end();
  return writer.endDocument().finish();
}

/** The same on every member and in every run. */
function systemUuid(name: string): Uint8Array {
  const uuid = new Uint8Array(16);
  for (let i = 0; i < name.length; i++) uuid[i % 16] = (uuid[i % 16] * 31 + name.charCodeAt(i)) & 0xff;
  uuid[6] = (uuid[6] & 0x0f) | 0x80;
  uuid[8] = (uuid[8] & 0x3f) | 0x80;
  return uuid;
}

function oplogOptions(data: MemberData): Uint8Array {
  const writer = new BsonWriter().startDocument().bool('capped', true);
  return writer.double('size', data.oplog.sizeBytesMax).bool('autoIndexId', false).endDocument().finish();
}
