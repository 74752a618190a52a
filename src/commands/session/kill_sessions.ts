import { CommandError } from '../../base/command_error.ts';
import { sessionTextOf } from '../../database/sessions.ts';
import type { Command, CommandContext, CommandRequest } from '../context.ts';
import { sessionsOf } from './session_list.ts';

export const killSessionsCommand: Command = {
  name: 'killSessions',
  secondary: 'always',
  help: 'interrupts the operations of sessions and closes their cursors; of all of them when none is named',
  run(request, context) {
    const sessions = new Set(sessionsOf('killSessions', request));
    killWhere(request, context, (session) => sessions.size === 0 || sessions.has(session));
  },
};

/** Kills what belongs to the sessions chosen, but for the request that asks for it. */
export function killWhere(own: CommandRequest, context: CommandContext, isChosen: (session: string) => boolean): void {
  const isKilled = (session: string | undefined): boolean => session !== undefined && isChosen(session);
  context.operations.interruptAll(
    new CommandError('Interrupted', 'operation was interrupted'),
    (operation) => operation.request !== own && isKilled(sessionOf(operation.request)),
  );
  const reason = new CommandError('CursorKilled', 'the session of the cursor was killed');
  context.data.cursors.killAll(reason, ({ session }) => isKilled(session));
}

function sessionOf(request: CommandRequest): string | undefined {
  return request.lsid === undefined ? undefined : sessionTextOf(request.lsid);
}
