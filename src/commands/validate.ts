import { CommandError } from '../base/command_error.ts';
import { checkCollection } from '../database/check.ts';
import { Arguments } from './arguments.ts';
import type { Command } from './context.ts';
import { readNamespace } from './namespace.ts';

const FLAGS = new Set(['full', 'repair', 'metadata', 'checkBSONConformance', 'fixMultikey']);

export const validateCommand: Command = {
  name: 'validate',
  secondary: 'always',
  help: 'checks that a collection and its indexes agree with each other',
  async run(request, context, reply) {
    const { data, env } = context;
    const ns = readNamespace(request, data);
    const args = Arguments.ofCommand('validate', request.body);
    while (args.next()) {
      if (!FLAGS.has(args.name) && args.name !== 'background') args.refuseUnknown();
      else if (args.flag() && args.name !== 'full') args.refuseUnsupported();
    }
    const collection = data.catalog.find(ns);
    if (collection === undefined) {
      throw new CommandError('NamespaceNotFound', `Collection '${ns}' does not exist to validate.`);
    }
    const { records, keys, problems } = await checkCollection(env, collection, () => context.checkInterrupt());
    reply.string('ns', ns).int32('nInvalidDocuments', 0).int32('nrecords', records);
    reply.int32('nIndexes', collection.indexes.length + 1).startSubdocument('keysPerIndex');
    for (const [name, count] of Object.entries(keys)) reply.int32(name, count);
    reply.end().startSubdocument('indexDetails');
    for (const name of Object.keys(keys))
      reply
        .startSubdocument(name)
        .bool('valid', problems.length === 0)
        .end();
    reply
      .end()
      .bool('valid', problems.length === 0)
      .bool('repaired', false)
      .startArray('warnings')
      .end();
    reply.startArray('errors');
    for (const [i, problem] of problems.entries()) reply.string(i, problem);
    reply.end();
    for (const name of ['extraIndexEntries', 'missingIndexEntries', 'corruptRecords']) reply.startArray(name).end();
  },
};
