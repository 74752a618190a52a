import { fieldName } from '../../bson/bytes.ts';
import type { Command } from '../context.ts';
import { askCore, optionalFlagArgument } from './replication_arguments.ts';

const SKIP_DRY_RUN = fieldName('skipDryRun');

/** Makes this member stand for election now. Fails with 125 when it does not win. */
export const replSetStepUpCommand: Command = {
  name: 'replSetStepUp',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'makes this member stand for election now',
  run: (request, context, reply) =>
    askCore(context, reply, (replyTo) => ({
      kind: 'stepUp',
      skipDryRun: optionalFlagArgument(request, SKIP_DRY_RUN, 'skipDryRun'),
      replyTo,
    })),
};
