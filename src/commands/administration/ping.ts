import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';

/** Answers at any time in any state. */
export const pingCommand: Command = {
  name: 'ping',
  secondary: 'always',
  maintenanceOk: true,
  isApiVersion1: true,
  help: 'a way to check that the server is alive; answers at once whatever else goes on',
  run(request) {
    const args = Arguments.ofCommand('ping', request.body);
    while (args.next()) args.refuseUnknown();
  },
};
