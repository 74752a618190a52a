/** The roles that every MongoDB has. Source: the manual, "Built-In Roles". */

/** Sorted by name, as they are listed. */
const EVERYWHERE = ['dbAdmin', 'dbOwner', 'enableSharding', 'read', 'readWrite', 'userAdmin'];
const ADMIN_ONLY = [
  '__queryableBackup',
  '__system',
  'backup',
  'clusterAdmin',
  'clusterManager',
  'clusterMonitor',
  'dbAdminAnyDatabase',
  'directShardOperations',
  'hostManager',
  'readAnyDatabase',
  'readWriteAnyDatabase',
  'restore',
  'root',
  'userAdminAnyDatabase',
];

/** Those that a database has. */
export function builtinRolesOf(db: string): readonly string[] {
  return db === 'admin' ? [...EVERYWHERE, ...ADMIN_ONLY].toSorted() : EVERYWHERE;
}
