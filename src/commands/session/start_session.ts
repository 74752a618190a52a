import { SESSION_TIMEOUT_MINUTES } from '../../base/limits.ts';
import { newUuid } from '../../database/uuid.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';

export const startSessionCommand: Command = {
  name: 'startSession',
  secondary: 'always',
  help: 'makes the id of a new session',
  run(request, context, reply) {
    const args = Arguments.ofCommand('startSession', request.body);
    while (args.next()) args.refuseUnknown();
    reply.startSubdocument('id').binData('id', 4, newUuid(context.env.random)).end();
    reply.int32('timeoutMinutes', SESSION_TIMEOUT_MINUTES);
  },
};
