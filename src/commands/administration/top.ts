import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';
import { writeUsage } from '../server/usage.ts';

export const topCommand: Command = {
  name: 'top',
  adminOnly: true,
  secondary: 'always',
  help: 'how many operations there were on each collection and how long they took',
  run(request, { server: { usage } }, reply) {
    const args = Arguments.ofCommand('top', request.body);
    while (args.next()) args.refuseUnknown();
    reply.startSubdocument('totals').string('note', 'all times in microseconds');
    for (const ns of usage.namespaces()) {
      const found = usage.of(ns);
      if (found === undefined) continue;
      reply.startSubdocument(ns);
      writeUsage(reply, found);
      reply.end();
    }
    reply.end();
  },
};
