import { CommandError } from '../base/command_error.ts';
import { isEmptyDocument } from '../bson/elements.ts';
import { isIdKey } from '../database/index_spec.ts';
import { parseIndexSpec } from '../database/index_spec_parse.ts';
import { createCollection } from '../database/write_catalog.ts';
import { Arguments } from './arguments.ts';
import type { Command, CommandRequest } from './context.ts';
import { checkWritable, writeNamespace } from './namespace.ts';
import { refuseCollation } from './update.ts';

export const createCommand: Command = {
  name: 'create',
  secondary: 'never',
  isWrite: true,
  isApiVersion1: true,
  help: 'creates a collection',
  run(request, context) {
    const { data } = context;
    const ns = writeNamespace(request);
    parseOptions(request);
    checkWritable(ns, data);
    if (data.catalog.find(ns) !== undefined) {
      throw new CommandError('NamespaceExists', `Collection already exists. NS: ${ns}`);
    }
    createCollection(data, ns);
    context.lastWrite = data.oplog.lastWritten;
  },
};

const OFF_FLAGS = new Set(['capped', 'autoIndexId', 'recordPreImages', 'changeStreamPreAndPostImages']);
const UNSUPPORTED = new Set([
  'validationLevel',
  'validationAction',
  'viewOn',
  'timeseries',
  'expireAfterSeconds',
  'clusteredIndex',
  'encryptedFields',
  'size',
  'max',
]);

/** Options that change nothing pass; those that ask for a kind of collection there is none of are refused by name. */
function parseOptions(request: CommandRequest): void {
  const args = Arguments.ofCommand('create', request.body);
  while (args.next()) takeOption(args);
}

function takeOption(args: Arguments): void {
  const { name } = args;
  if (name === 'idIndex') checkIdIndex(args);
  else if (name === 'collation') refuseCollation(args);
  else if (name === 'validator' || name === 'storageEngine' || name === 'indexOptionDefaults') {
    if (!isEmptyDocument(args.document()) && name === 'validator') args.refuseUnsupported();
  } else if (name === 'pipeline') args.arrayStart();
  else if (name === 'temp') throw new CommandError('InvalidOptions', "the 'temp' field is an invalid option");
  else if (name === 'flags') args.integer();
  else if (OFF_FLAGS.has(name)) {
    if (name === 'autoIndexId' ? !args.flag() : args.flag()) args.refuseUnsupported();
  } else if (UNSUPPORTED.has(name)) args.refuseUnsupported();
  else args.refuseUnknown();
}

function checkIdIndex(args: Arguments): void {
  const spec = parseIndexSpec(args.document(), 0);
  if (isIdKey(spec.key)) return;
  throw new CommandError('BadValue', "The field 'key' for an _id index must be {_id: 1}");
}
