import type { Command } from '../context.ts';
import { askCore } from './replication_arguments.ts';

/** Ends the time in which a new primary fetches what others have before it takes writes. */
export const replSetAbortPrimaryCatchUpCommand: Command = {
  name: 'replSetAbortPrimaryCatchUp',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'ends the catch-up of a new primary',
  run: (_request, context, reply) => askCore(context, reply, (replyTo) => ({ kind: 'abortCatchUp', replyTo })),
};
