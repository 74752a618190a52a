import { CommandError } from '../../base/command_error.ts';
import type { Command } from '../context.ts';
import { writeNamespace } from '../namespace.ts';

/** For servers alone; a member of a set refuses it. */
export const reIndexCommand: Command = {
  name: 'reIndex',
  secondary: 'never',
  isWrite: true,
  help: 'refused on a member of a set',
  run(request) {
    const ns = writeNamespace(request);
    const text = `reIndex is only allowed on a standalone mongod instance. Cannot reIndex '${ns}' while replication is active`;
    throw new CommandError('IllegalOperation', text);
  },
};
