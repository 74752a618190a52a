import { decodeUpdatePosition } from '../../replication/position_documents.ts';
import type { Command } from '../context.ts';
import { askCore } from './replication_arguments.ts';

/** Members: one that syncs from this one tells how far it and those behind it have come. */
export const replSetUpdatePositionCommand: Command = {
  name: 'replSetUpdatePosition',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'members of a set tell their sync source how far they have come',
  run: (request, context, reply) => {
    const update = decodeUpdatePosition(request.body);
    return askCore(context, reply, (replyTo) => ({ kind: 'updatePosition', update, replyTo }));
  },
};
