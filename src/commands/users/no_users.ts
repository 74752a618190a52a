/** Logging in and out of a member that has no users: as MongoDB answers where the named user does not exist. */
import { CommandError } from '../../base/command_error.ts';
import type { Command } from '../context.ts';

export const logInCommands: readonly Command[] = ['authenticate', 'saslContinue', 'saslStart'].map((name) => ({
  name,
  secondary: 'always',
  maintenanceOk: true,
  isApiVersion1: true,
  help: 'refuses to log in: there are no users',
  run() {
    throw new CommandError('AuthenticationFailed', 'Authentication failed.');
  },
}));

export const logoutCommand: Command = {
  name: 'logout',
  secondary: 'always',
  maintenanceOk: true,
  help: 'nothing: nobody is logged in',
  run() {},
};
