import { CommandError } from '../../base/command_error.ts';
import { findView } from '../../database/catalog/views.ts';
import { dropCollection } from '../../database/write/write_catalog.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';
import { checkWritable, isViewsCollection, OPLOG_NS, writeNamespace } from '../namespace.ts';
import { dropView } from './view_definition.ts';

export const dropCommand: Command = {
  name: 'drop',
  secondary: 'never',
  isWrite: true,
  isApiVersion1: true,
  help: 'removes a collection with its documents and indexes, or a view',
  run(request, context, reply) {
    const { data } = context;
    const ns = writeNamespace(request);
    const args = Arguments.ofCommand('drop', request.body);
    while (args.next()) args.refuseUnknown();
    if (ns === OPLOG_NS) throw new CommandError(5_255_000, "can't drop live oplog while replicating");
    if (!isViewsCollection(ns)) checkWritable(ns, data);
    const collection = data.catalog.find(ns);
    if (collection === undefined && findView(data.catalog, ns) !== undefined) {
      dropView(data, ns);
      context.lastWrite = data.oplog.lastWritten;
      reply.string('ns', ns);
      return;
    }
    if (collection === undefined) throw new CommandError('NamespaceNotFound', 'ns not found');
    const indexes = collection.indexes.length + 1;
    dropCollection(data, collection);
    context.server.usage.forget(ns);
    request.ns = undefined;
    context.lastWrite = data.oplog.lastWritten;
    reply.int32('nIndexesWas', indexes).string('ns', ns);
  },
};
