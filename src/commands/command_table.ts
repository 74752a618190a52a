/**
 * Every command there is. Adding one: write its file, import it here and add a line to {@link COMMANDS}, both in
 * alphabetical order.
 */
import { invariant } from '../base/invariant.ts';
import { aggregateCommand } from './query/aggregate.ts';
import { appendOplogNoteCommand } from './replication/append_oplog_note.ts';
import { buildInfoCommand } from './administration/build_info.ts';
import { bulkWriteCommand } from './write/bulk_write.ts';
import { collModCommand } from './catalog/coll_mod.ts';
import { collStatsCommand } from './administration/coll_stats.ts';
import { configureFailPointCommand } from './administration/configure_fail_point.ts';
import { connectionStatusCommand } from './administration/connection_status.ts';
import { cloneCollectionAsCappedCommand, convertToCappedCommand } from './catalog/copy_collection.ts';
import { countCommand } from './query/count.ts';
import { createCommand } from './catalog/create.ts';
import { createIndexesCommand } from './catalog/create_indexes.ts';
import { currentOpCommand } from './administration/current_op.ts';
import { dataSizeCommand } from './administration/data_size.ts';
import { dbHashCommand } from './administration/db_hash.ts';
import { dbStatsCommand } from './administration/db_stats.ts';
import { deleteCommand } from './write/delete.ts';
import {
  connPoolStatsCommand,
  featuresCommand,
  getDiagnosticDataCommand,
  lockInfoCommand,
  logRotateCommand,
  shardingStateCommand,
} from './administration/diagnostics.ts';
import { distinctCommand } from './query/distinct.ts';
import { dropCommand } from './catalog/drop.ts';
import { dropDatabaseCommand } from './catalog/drop_database.ts';
import { dropIndexesCommand } from './catalog/drop_indexes.ts';
import { endSessionsCommand } from './session/end_sessions.ts';
import { findCommand } from './query/find.ts';
import { findAndModifyCommand } from './write/find_and_modify.ts';
import { fsyncCommand, fsyncUnlockCommand } from './administration/fsync.ts';
import { getCmdLineOptsCommand } from './administration/get_cmd_line_opts.ts';
import { getDefaultRwConcernCommand } from './concern/get_default_rw_concern.ts';
import { getLogCommand } from './administration/get_log.ts';
import { getMoreCommand } from './query/get_more.ts';
import { getParameterCommand } from './administration/get_parameter.ts';
import { helloCommand, isMasterCommand } from './replication/hello.ts';
import { hostInfoCommand } from './administration/host_info.ts';
import { insertCommand } from './write/insert.ts';
import { isSelfCommand } from './replication/is_self.ts';
import { killAllSessionsByPatternCommand, killAllSessionsCommand } from './session/kill_all_sessions.ts';
import { killCursorsCommand } from './query/kill_cursors.ts';
import { killOpCommand } from './administration/kill_op.ts';
import { killSessionsCommand } from './session/kill_sessions.ts';
import { listCollectionsCommand } from './catalog/list_collections.ts';
import { explainCommand } from './explain/explain.ts';
import { listCommandsCommand } from './administration/list_commands.ts';
import { listDatabasesCommand } from './catalog/list_databases.ts';
import { listIndexesCommand } from './catalog/list_indexes.ts';
import { logInCommands, logoutCommand } from './users/no_users.ts';
import { pingCommand } from './administration/ping.ts';
import {
  planCacheClearCommand,
  planCacheClearFiltersCommand,
  planCacheListFiltersCommand,
  planCacheSetFilterCommand,
} from './administration/plan_cache.ts';
import { profileCommand } from './administration/profile.ts';
import { reIndexCommand } from './catalog/re_index.ts';
import { refreshSessionsCommand } from './session/refresh_sessions.ts';
import { REFUSED_COMMANDS } from './refused_commands.ts';
import { renameCollectionCommand } from './catalog/rename_collection.ts';
import { replSetAbortPrimaryCatchUpCommand } from './replication/repl_set_abort_primary_catch_up.ts';
import { replSetFreezeCommand } from './replication/repl_set_freeze.ts';
import { replSetGetConfigCommand } from './replication/repl_set_get_config.ts';
import { replSetGetRbidCommand } from './replication/repl_set_get_rbid.ts';
import { replSetGetStatusCommand } from './replication/repl_set_get_status.ts';
import { replSetHeartbeatCommand } from './replication/repl_set_heartbeat.ts';
import { replSetInitiateCommand } from './replication/repl_set_initiate.ts';
import { replSetMaintenanceCommand } from './replication/repl_set_maintenance.ts';
import { replSetReconfigCommand } from './replication/repl_set_reconfig.ts';
import { replSetRequestVotesCommand } from './replication/repl_set_request_votes.ts';
import { replSetStepDownCommand } from './replication/repl_set_step_down.ts';
import { replSetStepUpCommand } from './replication/repl_set_step_up.ts';
import { replSetUpdatePositionCommand } from './replication/repl_set_update_position.ts';
import { rolesInfoCommand } from './users/roles_info.ts';
import { serverStatusCommand } from './administration/server_status.ts';
import { setDefaultRwConcernCommand } from './concern/set_default_rw_concern.ts';
import { setParameterCommand } from './administration/set_parameter.ts';
import { shutdownCommand } from './administration/shutdown.ts';
import { startSessionCommand } from './session/start_session.ts';
import { topCommand } from './administration/top.ts';
import { updateCommand } from './write/update.ts';
import { usersInfoCommand } from './users/users_info.ts';
import { validateCommand } from './administration/validate.ts';
import { whatsMyUriCommand } from './administration/whats_my_uri.ts';
import type { Command } from './context.ts';

export const COMMANDS: readonly Command[] = [
  aggregateCommand,
  appendOplogNoteCommand,
  buildInfoCommand,
  bulkWriteCommand,
  cloneCollectionAsCappedCommand,
  collModCommand,
  collStatsCommand,
  configureFailPointCommand,
  connectionStatusCommand,
  convertToCappedCommand,
  connPoolStatsCommand,
  countCommand,
  createCommand,
  createIndexesCommand,
  currentOpCommand,
  dataSizeCommand,
  dbHashCommand,
  dbStatsCommand,
  deleteCommand,
  distinctCommand,
  dropCommand,
  dropDatabaseCommand,
  dropIndexesCommand,
  endSessionsCommand,
  featuresCommand,
  findAndModifyCommand,
  findCommand,
  fsyncCommand,
  fsyncUnlockCommand,
  getCmdLineOptsCommand,
  getDefaultRwConcernCommand,
  getDiagnosticDataCommand,
  getLogCommand,
  getMoreCommand,
  getParameterCommand,
  helloCommand,
  hostInfoCommand,
  insertCommand,
  isMasterCommand,
  isSelfCommand,
  killAllSessionsByPatternCommand,
  killAllSessionsCommand,
  killCursorsCommand,
  killOpCommand,
  killSessionsCommand,
  listCollectionsCommand,
  explainCommand(() => COMMANDS),
  listCommandsCommand(() => COMMANDS),
  listDatabasesCommand,
  listIndexesCommand,
  lockInfoCommand,
  ...logInCommands,
  logRotateCommand,
  logoutCommand,
  pingCommand,
  planCacheClearCommand,
  planCacheClearFiltersCommand,
  planCacheListFiltersCommand,
  planCacheSetFilterCommand,
  profileCommand,
  reIndexCommand,
  refreshSessionsCommand,
  renameCollectionCommand,
  replSetAbortPrimaryCatchUpCommand,
  replSetFreezeCommand,
  replSetGetConfigCommand,
  replSetGetRbidCommand,
  replSetGetStatusCommand,
  replSetHeartbeatCommand,
  replSetInitiateCommand,
  replSetMaintenanceCommand,
  replSetReconfigCommand,
  replSetRequestVotesCommand,
  replSetStepDownCommand,
  replSetStepUpCommand,
  replSetUpdatePositionCommand,
  rolesInfoCommand,
  serverStatusCommand,
  setDefaultRwConcernCommand,
  setParameterCommand,
  shardingStateCommand,
  shutdownCommand,
  startSessionCommand,
  topCommand,
  updateCommand,
  usersInfoCommand,
  validateCommand,
  whatsMyUriCommand,
  ...REFUSED_COMMANDS,
];

/** Commands by name and alias. */
export type CommandTable = ReadonlyMap<string, Command>;

/** Names are case-sensitive. Two commands of one name are a bug. */
export function commandTableOf(commands: readonly Command[]): CommandTable {
  const table = new Map<string, Command>();
  for (const command of commands) {
    for (const name of [command.name, ...(command.aliases ?? [])]) {
      invariant(!table.has(name), () => `two commands are called ${name}`);
      table.set(name, command);
    }
  }
  return table;
}
