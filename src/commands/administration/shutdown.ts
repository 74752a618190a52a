import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';

/** Seconds a shutdown waits for a secondary to catch up. Source: the manual, "shutdown". */
const TIMEOUT_SECS = 15;

/** Steps down if primary, then ends the process. The reply, if any, is the closing of the connection. */
export const shutdownCommand: Command = {
  name: 'shutdown',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  waitsByDesign: true,
  help: 'ends the server in good order',
  run: async (request, { replication }) => {
    let force = false;
    let timeoutSecs = TIMEOUT_SECS;
    const given = Arguments.ofCommand('shutdown', request.body);
    while (given.next()) {
      if (given.name === 'force') force = given.flag();
      else if (given.name === 'timeoutSecs') timeoutSecs = Math.max(0, given.integer());
      else given.refuseUnknown();
    }
    await replication.shutdown({ force, timeoutSecs });
  },
};
