import { CommandError } from '../../base/command_error.ts';
import { TIMESTAMP_MAX } from '../../base/optime.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { checkCollection, type CheckResult } from '../../database/check.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import { findView } from '../../database/catalog/views.ts';
import { Arguments } from '../arguments.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { readNamespace } from '../namespace.ts';

/** What is more thorough than this is no other check here: everything is read in any case. PyMongo still sends scandata. */
const HARMLESS = new Set(['full', 'background', 'checkBSONConformance', 'scandata']);
const UNSUPPORTED = new Set(['repair', 'metadata', 'fixMultikey', 'enforceFastCount']);

export const validateCommand: Command = {
  name: 'validate',
  secondary: 'always',
  help: 'reads a collection and its indexes whole and checks that they agree with each other',
  async run(request, context, reply) {
    const { data } = context;
    const ns = readNamespace(request, data);
    parseOptions(request);
    const collection = data.catalog.find(ns);
    if (collection !== undefined) {
      writeResult(reply, collection, await check(collection, context));
      return;
    }
    if (findView(data.catalog, ns) !== undefined) {
      throw new CommandError('CommandNotSupportedOnView', 'Cannot validate a view');
    }
    throw new CommandError('NamespaceNotFound', `Collection '${ns}' does not exist to validate.`);
  },
};

function parseOptions(request: CommandRequest): void {
  const asked = new Set<string>();
  const args = Arguments.ofCommand('validate', request.body);
  while (args.next()) {
    if (HARMLESS.has(args.name)) {
      if (args.flag()) asked.add(args.name);
    } else if (!UNSUPPORTED.has(args.name)) args.refuseUnknown();
    else if (args.flag()) args.refuseUnsupported();
  }
  if (asked.has('background') && asked.has('full')) {
    const text = 'Running the validate command with both { background: true } and { full: true } is not supported.';
    throw new CommandError('InvalidOptions', text);
  }
}

/** At one time, which is kept while it goes on: writes go on too. */
async function check(collection: Collection, context: CommandContext): Promise<CheckResult> {
  const { data, env } = context;
  const pause = (): void => context.checkInterrupt();
  if (!collection.isReplicated) return checkCollection(env, collection, { pause });
  const at = data.readTimestamp === TIMESTAMP_MAX ? data.oplog.lastWritten.ts : data.readTimestamp;
  const pin = data.store.pin(at);
  try {
    return await checkCollection(env, collection, { at, pause });
  } finally {
    pin.release();
  }
}

function writeResult(reply: BsonWriter, collection: Collection, result: CheckResult): void {
  const { records, keys, problems, invalid, nonCompliant } = result;
  const isValid = problems.length === 0;
  reply.string('ns', collection.ns).binData('uuid', 4, collection.uuid);
  reply.int32('nInvalidDocuments', invalid).int32('nNonCompliantDocuments', nonCompliant).int32('nrecords', records);
  reply.int32('nIndexes', Object.keys(keys).length).startSubdocument('keysPerIndex');
  for (const [name, count] of Object.entries(keys)) reply.int32(name, count);
  reply.end().startSubdocument('indexDetails');
  for (const name of Object.keys(keys)) reply.startSubdocument(name).bool('valid', isValid).end();
  reply.end().bool('valid', isValid).bool('repaired', false).startArray('warnings');
  if (nonCompliant > 0) {
    reply.string(0, "Detected one or more documents not compliant with the collection's schema.");
  }
  reply.end().startArray('errors');
  for (const [i, problem] of problems.entries()) reply.string(i, problem);
  reply.end();
  for (const name of ['extraIndexEntries', 'missingIndexEntries', 'corruptRecords']) reply.startArray(name).end();
}
