import { CommandError } from '../../base/command_error.ts';
import { equalBytes } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { findView } from '../../database/catalog/views.ts';
import { createCollection } from '../../database/write/write_catalog.ts';
import { parseCreate } from './create_options.ts';
import type { Command, CommandRequest } from '../context.ts';
import { checkWritable, isViewsCollection, writeNamespace } from '../namespace.ts';
import { createView, isSameView, refuseExistingView } from './view_definition.ts';

/** The same again is no error, and changes nothing. Source: the manual, "create", since MongoDB 7.0. */
export const createCommand: Command = {
  name: 'create',
  secondary: 'never',
  isWrite: true,
  isApiVersion1: true,
  help: 'creates a collection or a view',
  run(request, context) {
    const { data } = context;
    checkNoUuid(request);
    const ns = writeNamespace(request);
    const { options, viewOn, pipeline, collation } = parseCreate(request, ns);
    checkCreatable(request.db, ns);
    if (viewOn !== undefined && isViewsCollection(ns)) {
      const text = `Cannot create a view called '${ns}': this is a reserved system namespace`;
      throw new CommandError('InvalidNamespace', text);
    }
    checkWritable(ns, data);
    if (viewOn === undefined) {
      refuseExistingView(data, ns);
      const existing = data.catalog.find(ns);
      if (existing === undefined) createCollection(data, ns, options);
      else if (!equalBytes(existing.options, options)) {
        throw new CommandError('NamespaceExists', `Collection already exists. NS: ${ns}`);
      }
    } else {
      if (data.catalog.find(ns) !== undefined) {
        throw new CommandError(17_399, `Cannot create collection ${ns} - collection already exists.`);
      }
      const definition = { ns, viewOn, pipeline, collation: collation?.document };
      if (findView(data.catalog, ns) === undefined) createView(definition, context);
      else if (!isSameView(definition, data)) throw new CommandError('NamespaceExists', 'Namespace already exists');
    }
    context.lastWrite = data.oplog.lastWritten;
  },
};

function checkNoUuid(request: CommandRequest): void {
  const first = new ElementReader(request.body);
  first.next();
  if (first.type !== BSON_TYPE.binData) return;
  throw new CommandError('BadValue', 'Collection name must be provided. UUID is not valid in this context');
}

/** Names of the system are not for clients to take. */
function checkCreatable(db: string, ns: string): void {
  const name = ns.slice(db.length + 1);
  if (!name.startsWith('system.') || db === 'admin' || db === 'config') return;
  if (name === 'system.js' || name === 'system.users' || name === 'system.views') return;
  throw new CommandError('InvalidNamespace', `Invalid system namespace: ${ns}`);
}
