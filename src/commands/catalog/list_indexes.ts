import { CommandError } from '../../base/command_error.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { ID_INDEX_SPEC, idIndexSpec, listedSpec } from '../../database/index/index_spec.ts';
import type { MemberData } from '../../database/member_data.ts';
import { refuseView } from '../../database/catalog/views.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';
import { listCursor, openCursor, virtualDocuments } from '../query/cursor_reply.ts';
import { listBatchSize } from './list_collections.ts';
import { OPLOG_NS, readNamespace } from '../namespace.ts';

export const listIndexesCommand: Command = {
  name: 'listIndexes',
  secondary: 'optIn',
  isApiVersion1: true,
  help: 'lists the indexes of a collection',
  run(request, context, reply) {
    const { data } = context;
    const ns = readNamespace(request, data);
    let batchSize = Infinity;
    const args = Arguments.ofCommand('listIndexes', request.body);
    while (args.next()) {
      if (args.name === 'cursor') batchSize = listBatchSize(args);
      else if (args.name === 'includeBuildUUIDs' || args.name === 'includeIndexBuildInfo') args.flag();
      else args.refuseUnknown();
    }
    const cursor = listCursor(ns, indexesOf(ns, data), batchSize, context);
    return openCursor(cursor, request, context, reply);
  },
};

function indexesOf(ns: string, data: MemberData): Uint8Array[] {
  const collection = data.catalog.find(ns);
  if (collection !== undefined) return specsOf(collection);
  if (ns === OPLOG_NS) return [];
  if (virtualDocuments(ns, data, data.readTimestamp) !== undefined) return [ID_INDEX_SPEC];
  refuseView(data.catalog, ns);
  throw new CommandError('NamespaceNotFound', `ns does not exist: ${ns}`);
}

/** The index on `_id`; a clustered collection shows the one it is clustered by. */
function listedIdSpec({ clusteredIndex, collation }: Collection): Uint8Array {
  if (clusteredIndex === undefined) return idIndexSpec(collation);
  return new BsonWriter().startDocument().fieldsOf(clusteredIndex).bool('clustered', true).endDocument().finish();
}

function specsOf(collection: Collection): Uint8Array[] {
  return [listedIdSpec(collection), ...collection.indexes.map((index) => listedSpec(index.spec.document))];
}
