import type { Command } from '../context.ts';
import { sessionsOf } from './session_list.ts';

/** Sessions are not kept apart from their cursors and retryable writes, which have times of their own. */
export const refreshSessionsCommand: Command = {
  name: 'refreshSessions',
  secondary: 'always',
  isApiVersion1: true,
  help: 'keeps sessions from timing out',
  run(request) {
    sessionsOf('refreshSessions', request);
  },
};
