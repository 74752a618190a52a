import { CommandError } from '../base/command_error.ts';
import { sessionTextOf } from '../database/sessions.ts';
import type { Command, CommandRequest } from './context.ts';
import { sessionsOf } from './session_list.ts';

export const killSessionsCommand: Command = {
  name: 'killSessions',
  secondary: 'always',
  help: 'interrupts the operations of sessions and closes their cursors; of all of them when none is named',
  run(request, context) {
    const sessions = new Set(sessionsOf('killSessions', request));
    const isKilled = (session: string | undefined): boolean =>
      session !== undefined && (sessions.size === 0 || sessions.has(session));
    const own = request;
    context.operations.interruptAll(
      new CommandError('Interrupted', 'operation was interrupted'),
      (operation) => operation.request !== own && isKilled(sessionOf(operation.request)),
    );
    const reason = new CommandError('CursorKilled', 'the session of the cursor was killed');
    context.data.cursors.killAll(reason, ({ session }) => isKilled(session));
  },
};

function sessionOf(request: CommandRequest): string | undefined {
  return request.lsid === undefined ? undefined : sessionTextOf(request.lsid);
}
