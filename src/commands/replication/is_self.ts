import type { Command } from '../context.ts';

/** Members: which process answers at an address. */
export const isSelfCommand: Command = {
  name: '_isSelf',
  secondary: 'always',
  maintenanceOk: true,
  help: 'shows the id of this process, by which a member finds itself in a configuration',
  run: (_request, { server }, reply) => {
    reply.objectId('id', server.processId);
  },
};
