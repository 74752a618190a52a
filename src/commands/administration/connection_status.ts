import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';

/** Who the connection is authenticated as: nobody, as long as there is no authentication. */
export const connectionStatusCommand: Command = {
  name: 'connectionStatus',
  secondary: 'always',
  maintenanceOk: true,
  isApiVersion1: true,
  help: 'the users this connection is authenticated as, and their roles',
  run: (request, _context, reply) => {
    let showsPrivileges = false;
    const given = Arguments.ofCommand('connectionStatus', request.body);
    while (given.next()) {
      if (given.name === 'showPrivileges') showsPrivileges = given.flag();
      else given.refuseUnknown();
    }
    reply
      .startSubdocument('authInfo')
      .startArray('authenticatedUsers')
      .end()
      .startArray('authenticatedUserRoles')
      .end();
    if (showsPrivileges) reply.startArray('authenticatedUserPrivileges').end();
    reply.end();
  },
};
