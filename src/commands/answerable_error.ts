/**
 * Which errors a client is told, and which stop the member.
 *
 * What fails before a write was begun has changed nothing, whatever it is: the client gets an error, and the member goes on.
 * A write that fails between its entry in the oplog and its tables, and a broken invariant, leave nothing known: the
 * error goes on to where it stops the member.
 */
import { CommandError } from '../base/command_error.ts';
import { InvariantError } from '../base/invariant.ts';
import type { CommandContext } from './context.ts';

/** What a client is told of `error`. Throws what is to stop the member. */
export function answerableError(
  error: unknown,
  context: Pick<CommandContext, 'command' | 'data' | 'log'>,
): CommandError {
  if (context.data.writeLog.isUnderWay) throw error instanceof CommandError ? halfDone(error) : error;
  if (error instanceof CommandError) return error;
  if (error instanceof InvariantError) throw error;
  context.log.write({
    severity: 'E',
    component: 'COMMAND',
    id: 8_000_100,
    context: 'dispatch',
    message: 'A command failed unexpectedly',
    attributes: { command: context.command.name, error: error instanceof Error ? error.stack : String(error) },
  });
  const told = error instanceof RangeError ? limitOf(error) : undefined;
  return told ?? new CommandError('InternalError', error instanceof Error ? error.message : String(error));
}

function halfDone(error: CommandError): Error {
  return new Error('a write failed after it was logged', { cause: error });
}

/** The engine's own limits, by its words for them. */
function limitOf(error: RangeError): CommandError | undefined {
  const { message } = error;
  if (/call stack/i.test(message)) {
    return new CommandError('Overflow', 'the operation nests too deeply', {}, { cause: error });
  }
  const isSize = /\b(length|size)\b|allocation failed/i.test(message);
  if (!isSize) return undefined;
  return new CommandError(
    'ExceededMemoryLimit',
    `the operation needs too much memory: ${message}`,
    {},
    { cause: error },
  );
}
