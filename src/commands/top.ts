import { Arguments } from './arguments.ts';
import type { Command } from './context.ts';

/** No times are kept by collection: the list is there and empty. */
export const topCommand: Command = {
  name: 'top',
  adminOnly: true,
  secondary: 'always',
  help: 'the form in which usage by collection is told; it is not kept',
  run(request, _context, reply) {
    const args = Arguments.ofCommand('top', request.body);
    while (args.next()) args.refuseUnknown();
    reply.startSubdocument('totals').string('note', 'all times in microseconds').end();
  },
};
