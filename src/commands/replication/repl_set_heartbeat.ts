import { decodeHeartbeatRequest } from '../../replication/heartbeat_documents.ts';
import type { Command } from '../context.ts';
import { askCore } from './replication_arguments.ts';

/** Members: tells and asks how things are. */
export const replSetHeartbeatCommand: Command = {
  name: 'replSetHeartbeat',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'members of a set ask each other for their state',
  run: (request, context, reply) => {
    const heartbeat = decodeHeartbeatRequest(request.body);
    return askCore(context, reply, (replyTo) => ({ kind: 'heartbeatRequest', request: heartbeat, replyTo }));
  },
};
