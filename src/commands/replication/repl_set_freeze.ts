import type { Command } from '../context.ts';
import { askCore, firstNumber } from './replication_arguments.ts';

/** Keeps a secondary from standing for election for some seconds; 0 ends that. */
export const replSetFreezeCommand: Command = {
  name: 'replSetFreeze',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'keeps this member from becoming primary for some seconds',
  run: (request, context, reply) =>
    askCore(context, reply, (replyTo) => ({ kind: 'freeze', seconds: firstNumber(request), replyTo })),
};
