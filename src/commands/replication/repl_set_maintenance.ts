import { isTruthy } from '../../bson/value.ts';
import type { Command } from '../context.ts';
import { askCore, firstValue } from './replication_arguments.ts';

/** Takes a secondary out of service (state RECOVERING) and back; calls are counted. */
export const replSetMaintenanceCommand: Command = {
  name: 'replSetMaintenance',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'takes a secondary out of service, and back',
  run: (request, context, reply) =>
    askCore(context, reply, (replyTo) => ({ kind: 'maintenance', enter: isTruthy(firstValue(request)), replyTo })),
};
