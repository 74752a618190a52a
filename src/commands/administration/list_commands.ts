import type { Command } from '../context.ts';

/** @param commands the table it is itself part of */
export function listCommandsCommand(commands: () => readonly Command[]): Command {
  return {
    name: 'listCommands',
    secondary: 'always',
    maintenanceOk: true,
    help: 'every command of this server',
    run: (_request, _context, reply) => {
      reply.startSubdocument('commands');
      for (const command of commands()) {
        reply.startSubdocument(command.name).string('help', command.help).bool('requiresAuth', true);
        reply.bool('secondaryOk', command.secondary === 'always').bool('adminOnly', command.adminOnly === true);
        reply.startArray('apiVersions');
        if (command.isApiVersion1 === true) reply.string(0, '1');
        reply.end().startArray('deprecatedApiVersions').end();
        if (command.aliases !== undefined) {
          reply.startArray('aliases');
          command.aliases.forEach((alias, index) => reply.string(index, alias));
          reply.end();
        }
        if (command.secondary === 'optIn') reply.bool('secondaryOverrideOk', true);
        reply.end();
      }
      reply.end();
    },
  };
}
