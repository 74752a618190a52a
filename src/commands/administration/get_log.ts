import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { describeValue } from '../../query/describe.ts';
import { typeAlias } from '../../bson/types.ts';
import { maybeStringOf } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { Command } from '../context.ts';

/** The last lines of the log, or the warnings of the start. */
export const getLogCommand: Command = {
  name: 'getLog',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: "the last lines of the log: { getLog: '*' } OR { getLog: 'global' }",
  run: (request, { server: { logRing } }, reply) => {
    const reader = new ElementReader(request.body);
    reader.next();
    const name = maybeStringOf(reader);
    if (name === undefined) {
      const found = `${describeValue(reader)} of type ${typeAlias(reader.type)}`;
      throw new CommandError('TypeMismatch', `Argument to getLog must be of type String; found ${found}`);
    }
    if (name === '*') return writeLines(reply, 'names', ['global', 'startupWarnings']);
    if (name !== 'global' && name !== 'startupWarnings') {
      throw new CommandError('OperationFailed', `No log named '${name}'`);
    }
    const lines = (name === 'global' ? logRing?.lines : logRing?.warnings) ?? [];
    reply.int32('totalLinesWritten', name === 'global' ? (logRing?.total ?? 0) : lines.length);
    writeLines(reply, 'log', lines);
  },
};

function writeLines(reply: BsonWriter, name: string, lines: readonly string[]): void {
  reply.startArray(name);
  lines.forEach((line, index) => reply.string(index, line));
  reply.end();
}
