import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { wantedAccounts, type AccountName } from './account_names.ts';
import { Arguments } from '../arguments.ts';
import { builtinRolesOf } from './builtin_roles.ts';
import type { Command, CommandRequest } from '../context.ts';

/** There are no roles but the built-in ones, and nobody has any. */
export const rolesInfoCommand: Command = {
  name: 'rolesInfo',
  secondary: 'optIn',
  readConcerns: ['majority'],
  help: 'the built-in roles of this database; there is no access control, so that nobody has them',
  run(request, _context, reply) {
    const showsBuiltin = parseOptions(request);
    reply.startArray('roles');
    for (const [i, { name, db }] of wantedRoles(request, showsBuiltin).entries()) {
      reply.startSubdocument(i).string('role', name).string('db', db).bool('isBuiltin', true);
      reply.startArray('roles').end().startArray('inheritedRoles').end().end();
    }
    reply.end();
  },
};

/** Whether all the built-in ones are wanted too. */
function parseOptions(request: CommandRequest): boolean {
  let showsBuiltin = false;
  const args = Arguments.ofCommand('rolesInfo', request.body);
  while (args.next()) {
    if (args.name === 'showBuiltinRoles') showsBuiltin = args.flag();
    else if (args.name === 'showAuthenticationRestrictions') args.flag();
    else if (args.name === 'showPrivileges') {
      // What a built-in role may do is not written down here.
      if (args.value.type === BSON_TYPE.string || args.flag()) args.refuseUnsupported();
    } else args.refuseUnknown();
  }
  return showsBuiltin;
}

/** A built-in role that is named is shown in any case. */
function wantedRoles(request: CommandRequest, showsBuiltin: boolean): readonly AccountName[] {
  const first = new ElementReader(request.body);
  first.next();
  const wanted = wantedAccounts(first, 'role', request.db);
  if (wanted.kind === 'named') return wanted.names.filter(({ name, db }) => builtinRolesOf(db).includes(name));
  return showsBuiltin ? builtinRolesOf(request.db).map((name) => ({ name, db: request.db })) : [];
}
