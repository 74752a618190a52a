/** What the store refuses work with. */
import { CommandError } from '../base/command_error.ts';

export function shutdownError(): CommandError {
  return new CommandError('InterruptedAtShutdown', 'the server is in shutdown mode');
}

export function diskFullError(): CommandError {
  return new CommandError('OutOfDiskSpace', 'the disk is full and the memory for changes is used up');
}
