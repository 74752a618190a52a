import { encodeDocument } from '../../bson/codec.ts';
import type { Command } from '../context.ts';

/** How the server was started. */
export const getCmdLineOptsCommand: Command = {
  name: 'getCmdLineOpts',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'the command line the server was started with, as given and as understood',
  run: (_request, { server: { start } }, reply) => {
    reply.startArray('argv');
    start.argv.forEach((argument, index) => reply.string(index, argument));
    reply.end().document('parsed', encodeDocument(start.parsed));
  },
};
