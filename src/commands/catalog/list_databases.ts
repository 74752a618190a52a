import { BsonWriter } from '../../bson/writer.ts';
import type { MemberData } from '../../database/member_data.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandRequest } from '../context.ts';
import { EMPTY_DOCUMENT } from '../empty_document.ts';
import { listFilter } from './list_collections.ts';

export const listDatabasesCommand: Command = {
  name: 'listDatabases',
  adminOnly: true,
  secondary: 'optIn',
  isApiVersion1: true,
  help: 'lists the databases and their sizes',
  run(request, context, reply) {
    const { filter, nameOnly } = parseList(request);
    const { matcher } = listFilter(filter);
    const sizes = sizesOf(context.data);
    let total = 0;
    reply.startArray('databases');
    let count = 0;
    for (const name of [...sizes.keys()].toSorted()) {
      const size = sizes.get(name) ?? 0;
      const document = describe(name, size, nameOnly);
      if (!matcher.matches(document, 0)) continue;
      reply.document(count, document);
      count += 1;
      total += size;
    }
    reply.end();
    if (!nameOnly) reply.int64('totalSize', total).int64('totalSizeMb', Math.floor(total / 2 ** 20));
  },
};

function parseList(request: CommandRequest): { readonly filter: Uint8Array; readonly nameOnly: boolean } {
  let filter = EMPTY_DOCUMENT;
  let nameOnly = false;
  const args = Arguments.ofCommand('listDatabases', request.body);
  while (args.next()) {
    if (args.name === 'filter') filter = args.document();
    else if (args.name === 'nameOnly') nameOnly = args.flag();
    else if (args.name === 'authorizedDatabases') args.flag();
    else args.refuseUnknown();
  }
  return { filter, nameOnly };
}

/** Bytes of documents and indexes per database. Those of the system are always there. */
function sizesOf(data: MemberData): Map<string, number> {
  const sizes = new Map<string, number>([
    ['admin', 0],
    ['config', data.catalog.sessions.sizeBytes],
    ['local', data.oplog.sizeBytes],
  ]);
  for (const collection of data.catalog.collections()) {
    let size = collection.documents.sizeBytes + collection.ids.sizeBytesEstimate;
    for (const index of collection.indexes) size += index.table.sizeBytesEstimate;
    sizes.set(collection.db, (sizes.get(collection.db) ?? 0) + size);
  }
  return sizes;
}

function describe(name: string, size: number, nameOnly: boolean): Uint8Array {
  const writer = new BsonWriter().startDocument().string('name', name);
  if (!nameOnly) writer.int64('sizeOnDisk', size).bool('empty', size === 0);
  return writer.endDocument().finish();
}
