/**
 * Every command there is. Adding one: write its file, import it here and add a line to {@link COMMANDS}, both in
 * alphabetical order.
 */
import { invariant } from '../base/invariant.ts';
import { aggregateCommand } from './aggregate.ts';
import { appendOplogNoteCommand } from './append_oplog_note.ts';
import { buildInfoCommand } from './build_info.ts';
import { bulkWriteCommand } from './bulk_write.ts';
import { collModCommand } from './coll_mod.ts';
import { collStatsCommand } from './coll_stats.ts';
import { configureFailPointCommand } from './configure_fail_point.ts';
import { connectionStatusCommand } from './connection_status.ts';
import { cloneCollectionAsCappedCommand, convertToCappedCommand } from './copy_collection.ts';
import { countCommand } from './count.ts';
import { createCommand } from './create.ts';
import { createIndexesCommand } from './create_indexes.ts';
import { currentOpCommand } from './current_op.ts';
import { dataSizeCommand } from './data_size.ts';
import { dbHashCommand } from './db_hash.ts';
import { dbStatsCommand } from './db_stats.ts';
import { deleteCommand } from './delete.ts';
import {
  connPoolStatsCommand,
  featuresCommand,
  getDiagnosticDataCommand,
  lockInfoCommand,
  logRotateCommand,
  shardingStateCommand,
} from './diagnostics.ts';
import { distinctCommand } from './distinct.ts';
import { dropCommand } from './drop.ts';
import { dropDatabaseCommand } from './drop_database.ts';
import { dropIndexesCommand } from './drop_indexes.ts';
import { endSessionsCommand } from './end_sessions.ts';
import { findCommand } from './find.ts';
import { findAndModifyCommand } from './find_and_modify.ts';
import { fsyncCommand, fsyncUnlockCommand } from './fsync.ts';
import { getCmdLineOptsCommand } from './get_cmd_line_opts.ts';
import { getDefaultRwConcernCommand } from './get_default_rw_concern.ts';
import { getLogCommand } from './get_log.ts';
import { getMoreCommand } from './get_more.ts';
import { getParameterCommand } from './get_parameter.ts';
import { helloCommand, isMasterCommand } from './hello.ts';
import { hostInfoCommand } from './host_info.ts';
import { insertCommand } from './insert.ts';
import { isSelfCommand } from './is_self.ts';
import { killAllSessionsByPatternCommand, killAllSessionsCommand } from './kill_all_sessions.ts';
import { killCursorsCommand } from './kill_cursors.ts';
import { killOpCommand } from './kill_op.ts';
import { killSessionsCommand } from './kill_sessions.ts';
import { listCollectionsCommand } from './list_collections.ts';
import { explainCommand } from './explain.ts';
import { listCommandsCommand } from './list_commands.ts';
import { listDatabasesCommand } from './list_databases.ts';
import { listIndexesCommand } from './list_indexes.ts';
import { logInCommands, logoutCommand } from './no_users.ts';
import { pingCommand } from './ping.ts';
import {
  planCacheClearCommand,
  planCacheClearFiltersCommand,
  planCacheListFiltersCommand,
  planCacheSetFilterCommand,
} from './plan_cache.ts';
import { profileCommand } from './profile.ts';
import { reIndexCommand } from './re_index.ts';
import { refreshSessionsCommand } from './refresh_sessions.ts';
import { REFUSED_COMMANDS } from './refused_commands.ts';
import { renameCollectionCommand } from './rename_collection.ts';
import { replSetAbortPrimaryCatchUpCommand } from './repl_set_abort_primary_catch_up.ts';
import { replSetFreezeCommand } from './repl_set_freeze.ts';
import { replSetGetConfigCommand } from './repl_set_get_config.ts';
import { replSetGetRbidCommand } from './repl_set_get_rbid.ts';
import { replSetGetStatusCommand } from './repl_set_get_status.ts';
import { replSetHeartbeatCommand } from './repl_set_heartbeat.ts';
import { replSetInitiateCommand } from './repl_set_initiate.ts';
import { replSetMaintenanceCommand } from './repl_set_maintenance.ts';
import { replSetReconfigCommand } from './repl_set_reconfig.ts';
import { replSetRequestVotesCommand } from './repl_set_request_votes.ts';
import { replSetStepDownCommand } from './repl_set_step_down.ts';
import { replSetStepUpCommand } from './repl_set_step_up.ts';
import { replSetUpdatePositionCommand } from './repl_set_update_position.ts';
import { rolesInfoCommand } from './roles_info.ts';
import { serverStatusCommand } from './server_status.ts';
import { setDefaultRwConcernCommand } from './set_default_rw_concern.ts';
import { setParameterCommand } from './set_parameter.ts';
import { shutdownCommand } from './shutdown.ts';
import { startSessionCommand } from './start_session.ts';
import { topCommand } from './top.ts';
import { updateCommand } from './update.ts';
import { usersInfoCommand } from './users_info.ts';
import { validateCommand } from './validate.ts';
import { whatsMyUriCommand } from './whats_my_uri.ts';
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
