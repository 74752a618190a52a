import { CommandError } from '../../base/command_error.ts';
import type { Command } from '../context.ts';
import { sessionsOf } from './session_list.ts';

export const endSessionsCommand: Command = {
  name: 'endSessions',
  secondary: 'always',
  isApiVersion1: true,
  help: 'ends sessions: their cursors are closed',
  run(request, context) {
    const ended = new Set(sessionsOf('endSessions', request));
    const reason = new CommandError('CursorKilled', 'the session of the cursor was ended');
    context.data.cursors.killAll(reason, ({ session }) => session !== undefined && ended.has(session));
  },
};
