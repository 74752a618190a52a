import { CommandError, isCommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { stringOf } from '../../bson/value.ts';
import { databaseOf, type Collection } from '../../database/catalog/collection.ts';
import type { MemberData } from '../../database/member_data.ts';
import { findView } from '../../database/catalog/views.ts';
import { dropCollection, renameCollection } from '../../database/write/write_catalog.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandContext } from '../context.ts';
import { copyCollection } from './copy_collection.ts';
import { missingField, wrongType } from '../fields.ts';
import { checkWritable, checkWriteName, isViewsCollection } from '../namespace.ts';

export const renameCollectionCommand: Command = {
  name: 'renameCollection',
  adminOnly: true,
  secondary: 'never',
  isWrite: true,
  help: 'gives a collection another name, also in another database',
  run(request, context) {
    const { data } = context;
    const first = new ElementReader(request.body);
    first.next();
    if (first.type !== BSON_TYPE.string) throw wrongType('renameCollection.renameCollection', first, 'string');
    const from = stringOf(first);
    let to: string | undefined;
    let dropTarget = false;
    const args = Arguments.ofCommand('renameCollection', request.body);
    while (args.next()) {
      if (args.name === 'to') to = args.string();
      else if (args.name === 'dropTarget') dropTarget = args.flag();
      else if (args.name === 'stayTemp') args.flag();
      else args.refuseUnknown();
    }
    if (to === undefined) throw missingField('renameCollection.to');
    for (const ns of [from, to]) checkName(ns);
    for (const ns of [from, to]) checkRenamable(ns, data);
    checkSides(from, to);
    const source = sourceOf(from, data);
    if (findView(data.catalog, to) !== undefined) {
      throw new CommandError('NamespaceExists', `a view already exists with that name: ${to}`);
    }
    const target = data.catalog.find(to);
    if (target === source) throw new CommandError('NamespaceExists', 'target namespace exists');
    if (target !== undefined && !dropTarget) throw new CommandError('NamespaceExists', 'target namespace exists');
    if (databaseOf(from) !== databaseOf(to)) return moveTo(source, to, context);
    renameCollection(data, source, to, target);
    context.lastWrite = data.oplog.lastWritten;
    return undefined;
  },
};

/** What is replicated stays so, and what is not does not become so. */
function checkSides(from: string, to: string): void {
  if (from.startsWith('local.') === to.startsWith('local.')) return;
  const text = 'Cannot rename collections between a replicated and an unreplicated database';
  throw new CommandError('IllegalOperation', text);
}

function sourceOf(ns: string, data: MemberData): Collection {
  const source = data.catalog.find(ns);
  if (source !== undefined) return source;
  if (findView(data.catalog, ns) !== undefined) {
    throw new CommandError('CommandNotSupportedOnView', `cannot rename view: ${ns}`);
  }
  throw new CommandError('NamespaceNotFound', `Source collection ${ns} does not exist`);
}

/** Into another database: a copy takes the name there, then the source is dropped. */
function moveTo(source: Collection, to: string, context: CommandContext): Promise<void> | undefined {
  const { options, indexes } = source;
  const specs = indexes.map(({ spec }) => spec);
  const drop = (): void => {
    dropCollection(context.data, source);
    context.lastWrite = context.data.oplog.lastWritten;
  };
  const waiting = copyCollection({ source, to, options, indexes: specs, purpose: 'renameCollection' }, context);
  if (waiting === undefined) drop();
  return waiting?.then(drop);
}

function checkName(ns: string): void {
  const dot = ns.indexOf('.');
  if (dot <= 0 || dot === ns.length - 1) {
    throw new CommandError('InvalidNamespace', `Invalid namespace specified '${ns}'`);
  }
}

const ACCOUNTS = /^[^.]+\.system\.(users|roles)$/;

/** What clients may not write to, they may not rename either. */
function checkRenamable(ns: string, data: MemberData): void {
  if (isViewsCollection(ns)) {
    const text = 'renaming system.views collection or renaming to system.views is not allowed';
    throw new CommandError('IllegalOperation', text);
  }
  if (ACCOUNTS.test(ns) && !ns.startsWith('admin.')) {
    throw new CommandError('IllegalOperation', `error with namespace: ${ns} is not in a legal namespace`);
  }
  try {
    const dot = ns.indexOf('.');
    checkWriteName(ns.slice(0, dot), ns.slice(dot + 1));
    checkWritable(ns, data);
  } catch (error) {
    if (!isCommandError(error, 'InvalidNamespace')) throw error;
    throw new CommandError('IllegalOperation', error.message, {}, { cause: error });
  }
}
