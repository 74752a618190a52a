import { CommandError } from '../../base/command_error.ts';
import type { Command } from '../context.ts';

/** Members: the number of rollbacks of this member, which those that read its oplog compare. */
export const replSetGetRbidCommand: Command = {
  name: 'replSetGetRBID',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'shows the rollback id of this member',
  run: (_request, { replication }, reply) => {
    const data = replication.core.oplogQueryData();
    if (data === undefined) throw new CommandError('NotYetInitialized', 'no replset config has been received');
    reply.int32('rbid', data.rollbackId);
  },
};
