/**
 * Commands of MongoDB that a client may well send and that are left out: each is refused by name, so that nobody takes it
 * for a slip of the pen. What only sharded clusters, Atlas or old versions have is unknown here as elsewhere.
 */
import { CommandError } from '../base/command_error.ts';
import type { Command } from './context.ts';

/** Name, and whether it runs on `admin` only. */
const REFUSED: readonly (readonly [string, 'admin' | 'any'])[] = [
  ['applyOps', 'admin'],
  ['autoCompact', 'admin'],
  ['compact', 'any'],
  ['createRole', 'any'],
  ['createUser', 'any'],
  ['dropAllRolesFromDatabase', 'any'],
  ['dropAllUsersFromDatabase', 'any'],
  ['dropRole', 'any'],
  ['dropUser', 'any'],
  ['getClusterParameter', 'admin'],
  ['grantPrivilegesToRole', 'any'],
  ['grantRolesToRole', 'any'],
  ['grantRolesToUser', 'any'],
  ['mapReduce', 'any'],
  ['removeQuerySettings', 'admin'],
  ['replSetResizeOplog', 'admin'],
  ['revokePrivilegesFromRole', 'any'],
  ['revokeRolesFromRole', 'any'],
  ['revokeRolesFromUser', 'any'],
  ['setClusterParameter', 'admin'],
  ['setFeatureCompatibilityVersion', 'admin'],
  ['setIndexCommitQuorum', 'any'],
  ['setQuerySettings', 'admin'],
  ['setUserWriteBlockMode', 'admin'],
  ['updateRole', 'any'],
  ['updateUser', 'any'],
  ['validateDBMetadata', 'any'],
];

export const REFUSED_COMMANDS: readonly Command[] = REFUSED.map(([name, database]) => ({
  name,
  adminOnly: database === 'admin',
  secondary: 'always',
  help: 'known and not implemented',
  run() {
    throw new CommandError('NotImplemented', `the command ${name} is not implemented`);
  },
}));
