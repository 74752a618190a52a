import { CommandError } from '../../base/command_error.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { modifyCollection } from '../../database/write/coll_mod.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { CAPPED_DOCUMENTS_MAX } from '../../database/catalog/collection_options.ts';
import { findView, type View } from '../../database/catalog/views.ts';
import { Arguments } from '../arguments.ts';
import { changeOf, parseIndexChange, type IndexChangeRequest } from './coll_mod_index.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { CAPPED_SIZE_BYTES_MAX, inRange, preAndPostImages } from './create_options.ts';
import { checkWritable, writeNamespace } from '../namespace.ts';
import { checkedValidator, validationAction, validationLevel } from './validator_arguments.ts';
import { changeView } from './view_definition.ts';

export const collModCommand: Command = {
  name: 'collMod',
  secondary: 'never',
  isWrite: true,
  isApiVersion1: true,
  help: 'changes options of a collection, one of its indexes, or a view',
  run(request, context, reply) {
    const { data } = context;
    const ns = writeNamespace(request);
    const collection = data.catalog.find(ns);
    const view = collection === undefined ? findView(data.catalog, ns) : undefined;
    const change = parseCollMod(request, ns, view !== undefined);
    checkWritable(ns, data);
    if (collection !== undefined) return changeCollection(collection, change, context, reply);
    if (view === undefined) throw new CommandError('NamespaceNotFound', 'ns does not exist');
    modifyView(view, change, context);
    context.lastWrite = data.oplog.lastWritten;
    return undefined;
  },
};

interface CollMod {
  readonly name: string;
  /** Options of collections as they are logged, in the order given. */
  readonly options: Map<string, (writer: BsonWriter) => unknown>;
  index: IndexChangeRequest | undefined;
  viewOn: string | undefined;
  pipeline: readonly Uint8Array[] | undefined;
  isDryRun: boolean;
}

const UNSUPPORTED = new Set(['expireAfterSeconds', 'recordPreImages', 'isUnchangedValidator']);
const TIME_SERIES = new Set(['timeseries', 'timeseriesBucketsMayHaveMixedSchemaData']);

function parseCollMod(request: CommandRequest, ns: string, isView: boolean): CollMod {
  const change: CollMod = {
    name: ns.slice(request.db.length + 1),
    options: new Map(),
    index: undefined,
    viewOn: undefined,
    pipeline: undefined,
    isDryRun: false,
  };
  const args = Arguments.ofCommand('collMod', request.body);
  while (args.next()) {
    if (args.name === 'index') change.index = parseIndexChange(args.document());
    else if (args.name === 'viewOn') change.viewOn = args.string();
    else if (args.name === 'pipeline') change.pipeline = args.documents();
    else if (args.name === 'dryRun') change.isDryRun = args.flag();
    else if (TIME_SERIES.has(args.name)) refuseTimeSeriesOption(args.name);
    else if (UNSUPPORTED.has(args.name) && isView) throw notOnView(args.name);
    else if (UNSUPPORTED.has(args.name)) args.refuseUnsupported();
    else if (!takeOption(change, args, ns)) args.refuseUnknown();
  }
  if (change.isDryRun) checkDryRun(change);
  return change;
}

function notOnView(option: string): CommandError {
  return new CommandError('InvalidOptions', `option not supported on a view: ${option}`);
}

/** Tried is only whether an index could be made unique, and nothing besides. */
function checkDryRun({ index, options }: CollMod): void {
  const isMore =
    index?.hidden !== undefined || index?.prepareUnique !== undefined || index?.expireAfterSeconds !== undefined;
  if (index?.unique === true && !isMore && options.size === 0) return;
  throw new CommandError('InvalidOptions', 'dryRun mode is only supported for index option unique');
}

/** Options of time series collections, of which there are none. */
function refuseTimeSeriesOption(name: string): never {
  throw new CommandError('InvalidOptions', `option only supported on a time-series collection: ${name}`);
}

function takeOption({ options }: CollMod, args: Arguments, ns: string): boolean {
  const { name } = args;
  switch (name) {
    case 'validator': {
      const filter = args.document();
      if (!isEmptyDocument(filter)) checkedValidator(filter, ns);
      options.set(name, (writer) => writer.document(name, filter));
      return true;
    }
    case 'validationLevel': {
      const level = validationLevel('collMod', args);
      options.set(name, (writer) => writer.string(name, level));
      return true;
    }
    case 'validationAction': {
      const action = validationAction('collMod', args);
      options.set(name, (writer) => writer.string(name, action));
      return true;
    }
    case 'changeStreamPreAndPostImages': {
      const isEnabled = preAndPostImages('collMod', args);
      options.set(name, (writer) => writer.startSubdocument(name).bool('enabled', isEnabled).end());
      return true;
    }
    case 'cappedSize': {
      const size = inRange(name, args.integer(), CAPPED_SIZE_BYTES_MAX);
      options.set(name, (writer) => writer.int64(name, size));
      return true;
    }
    case 'cappedMax': {
      const max = args.integer();
      if (max > CAPPED_DOCUMENTS_MAX) {
        throw new CommandError(51_024, `BSON field 'cappedMax' value must be < 2147483648, actual value '${max}'`);
      }
      options.set(name, (writer) => writer.int64(name, max));
      return true;
    }
    default:
      return false;
  }
}

/** Logs and carries out the change; answers with old and new values of what changed in an index. */
function changeCollection(
  collection: Collection,
  change: CollMod,
  context: CommandContext,
  reply: BsonWriter,
): Promise<void> | undefined {
  const { name, options, viewOn, pipeline } = change;
  if (viewOn !== undefined) throw new CommandError('InvalidOptions', "'viewOn' option only supported on a view");
  if (pipeline !== undefined) throw new CommandError('InvalidOptions', "'pipeline' option only supported on a view");
  if ((options.has('cappedSize') || options.has('cappedMax')) && collection.capped === undefined) {
    throw new CommandError('InvalidOptions', 'Collection must be capped.');
  }
  const write = (logged: Uint8Array | undefined, before: Uint8Array | undefined): void => {
    const o = new BsonWriter().startDocument().string('collMod', name);
    if (logged !== undefined) o.document('index', logged);
    for (const option of options.values()) option(o);
    const o2 = new BsonWriter().startDocument().startSubdocument('collectionOptions_old');
    o2.binData('uuid', 4, collection.uuid).fieldsOf(collection.options).end();
    if (before !== undefined) o2.document('indexOptions_old', before);
    modifyCollection(context.data, collection, o.endDocument().finish(), o2.endDocument().finish());
    context.lastWrite = context.data.oplog.lastWritten;
  };
  if (change.index === undefined) {
    write(undefined, undefined);
    return undefined;
  }
  return changeOf(collection, change.index, { context, reply, isDryRun: change.isDryRun, write });
}

function modifyView(view: View, change: CollMod, context: CommandContext): void {
  const [option] = change.options.keys();
  if (option !== undefined || change.index !== undefined) throw notOnView(option ?? 'index');
  const db = view.ns.slice(0, view.ns.indexOf('.'));
  const viewOn = change.viewOn ?? view.viewOn.slice(db.length + 1);
  const pipeline = change.pipeline ?? view.pipeline;
  changeView({ ns: view.ns, viewOn, pipeline, collation: view.collation }, context);
}
