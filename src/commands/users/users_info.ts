import { ElementReader } from '../../bson/elements.ts';
import { compileFilter } from '../../query/matcher.ts';
import { wantedAccounts } from './account_names.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';

const FLAGS = new Set(['showPrivileges', 'showCredentials', 'showCustomData', 'showAuthenticationRestrictions']);

/** There are no users; what is asked is checked all the same. */
export const usersInfoCommand: Command = {
  name: 'usersInfo',
  secondary: 'optIn',
  readConcerns: ['majority'],
  help: 'the users of this database: none, for there is no access control',
  run(request, _context, reply) {
    const first = new ElementReader(request.body);
    first.next();
    wantedAccounts(first, 'user', request.db);
    const args = Arguments.ofCommand('usersInfo', request.body);
    while (args.next()) {
      if (FLAGS.has(args.name)) args.flag();
      else if (args.name === 'filter') compileFilter(args.document());
      else args.refuseUnknown();
    }
    reply.startArray('users').end();
  },
};
