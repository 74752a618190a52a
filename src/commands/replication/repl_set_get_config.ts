import { CommandError } from '../../base/command_error.ts';
import { encodeDocument } from '../../bson/codec.ts';
import { fieldName } from '../../bson/bytes.ts';
import type { Command } from '../context.ts';
import { optionalFlagArgument } from './replication_arguments.ts';

const COMMITMENT_STATUS = fieldName('commitmentStatus');

/** Shows the configuration in use, every field with its value. */
export const replSetGetConfigCommand: Command = {
  name: 'replSetGetConfig',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'shows the configuration of the set',
  run: (request, { replication }, reply) => {
    const config = replication.core.configDocument();
    if (optionalFlagArgument(request, COMMITMENT_STATUS, 'commitmentStatus')) {
      throw new CommandError('NotImplemented', 'commitmentStatus of replSetGetConfig is not implemented');
    }
    reply.document('config', encodeDocument(config));
  },
};
