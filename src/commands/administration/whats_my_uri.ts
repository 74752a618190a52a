import type { Command } from '../context.ts';

/** The client's own address, as the server sees it. */
export const whatsMyUriCommand: Command = {
  name: 'whatsmyuri',
  secondary: 'always',
  maintenanceOk: true,
  help: 'the address this client has towards the server',
  run: (_request, { connection }, reply) => {
    reply.string('you', connection.remoteAddress);
  },
};
