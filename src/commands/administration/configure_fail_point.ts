import { CommandError } from '../../base/command_error.ts';
import { decodePlain } from '../../bson/codec.ts';
import type { Command } from '../context.ts';

/** `{configureFailPoint: 'failCommand', mode, data}`; see fail_points.ts. */
export const configureFailPointCommand: Command = {
  name: 'configureFailPoint',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'for tests: makes commands fail',
  run: (request, { server }, reply) => {
    if (!server.parameters.get('enableTestCommands')) {
      throw new CommandError('CommandNotFound', "no such command: 'configureFailPoint'");
    }
    const { configureFailPoint: name, mode, data } = decodePlain(request.body);
    if (name !== 'failCommand') throw new CommandError('BadValue', `there is no fail point called '${String(name)}'`);
    reply.int32('count', server.failPoints.configure(mode, data));
  },
};
