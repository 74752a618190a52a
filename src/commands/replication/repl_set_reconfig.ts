import { CommandError } from '../../base/command_error.ts';
import type { Command } from '../context.ts';

/** Refused by name until reconfiguration is built: a configuration is never changed half. */
export const replSetReconfigCommand: Command = {
  name: 'replSetReconfig',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'changes the configuration of the set (not implemented)',
  run: (_request, { replication }) => {
    replication.core.configDocument();
    throw new CommandError('NotImplemented', 'replSetReconfig is not implemented');
  },
};
