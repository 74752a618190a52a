/** Whether a request may run on this member, now. All refusals are CommandErrors in MongoDB's words and order. */
import { CommandError } from '../base/command_error.ts';
import { MEMBER_STATE } from '../replication/member_state.ts';
import type { ClientState, Command, ReplicationService } from './context.ts';
import type { ParsedRequest } from './request.ts';
import { describeReadConcern } from './concern/read_concern.ts';

const DATABASE_NAME_LENGTH_MAX = 63;
const LOCAL = 'local';

/** Everything that the request itself tells. */
export function checkRequest(command: Command, request: ParsedRequest): void {
  if (
    request.apiVersion !== undefined ||
    request.apiStrict !== undefined ||
    request.apiDeprecationErrors !== undefined
  ) {
    checkApiVersion(command, request);
  }
  checkDatabaseName(request.db);
  if (command.adminOnly === true && request.db !== 'admin') {
    throw new CommandError('Unauthorized', `${command.name} may only be run against the admin database.`);
  }
  if (request.txnNumber !== undefined || request.autocommit !== undefined || request.startTransaction !== undefined) {
    checkTransaction(command, request);
  }
  checkConcerns(command, request);
}

function checkConcerns(command: Command, { writeConcern, readConcern }: ParsedRequest): void {
  const acceptsWriteConcern = command.isWrite === true || command.writesIn !== undefined;
  if (writeConcern !== undefined && !acceptsWriteConcern) {
    throw new CommandError('InvalidOptions', 'Command does not support writeConcern');
  }
  const { level } = readConcern;
  if (level === LOCAL || ignoresReadConcern(command) || command.readConcerns?.includes(level) === true) return;
  const concern = describeReadConcern(readConcern);
  const message = `Command ${command.name} does not support ${concern} :: caused by :: read concern not supported`;
  throw new CommandError('InvalidOptions', message);
}

/** A cursor keeps the read concern it was opened with, so getMore ignores what comes with it. */
export function ignoresReadConcern(command: Command): boolean {
  return command.opcounter === 'getmore';
}

/** Source: the manual, "Stable API". */
function checkApiVersion(command: Command, request: ParsedRequest): void {
  if (request.apiVersion === undefined) {
    const message = 'Provided apiStrict and/or apiDeprecationErrors without passing apiVersion';
    throw new CommandError(4_886_600, message);
  }
  if (request.apiVersion === '2') throw new CommandError('APIVersionError', 'Cannot accept API version 2');
  if (request.apiVersion !== '1') throw new CommandError('APIVersionError', 'API version must be "1"');
  if (request.apiStrict === true && command.isApiVersion1 !== true) {
    const message = `Provided apiStrict:true, but the command ${command.name} is not in API Version 1`;
    throw new CommandError('APIStrictError', message);
  }
}

function checkDatabaseName(db: string): void {
  let isValid = db.length > 0 && db.length <= DATABASE_NAME_LENGTH_MAX;
  for (let i = 0; i < db.length && isValid; i++) {
    switch (db.charCodeAt(i)) {
      case 0x2e: // .
        throw new CommandError('InvalidNamespace', `'.' is an invalid character in the database name: ${db}`);
      case 0x00:
      case 0x20: // space
      case 0x22: // "
      case 0x2f: // /
      case 0x5c: // \
        isValid = false;
        break;
      default:
    }
  }
  if (!isValid) throw new CommandError('InvalidNamespace', `Invalid database name: '${db}'`);
}

/** Commands that may run before a client has authenticated: they belong to no session. */
const WITHOUT_SESSIONS = new Set([
  ...[
    'buildInfo',
    'connectionStatus',
    'features',
    'hello',
    'isMaster',
    'listCommands',
    'logout',
    'ping',
    'saslContinue',
  ],
  ...['saslStart', 'whatsmyuri'],
]);

/** Source: the driver sessions and transactions specifications. */
function checkTransaction(command: Command, request: ParsedRequest): void {
  const { txnNumber, autocommit, startTransaction } = request;
  const refuse = (message: string): never => {
    throw new CommandError('InvalidOptions', message);
  };
  if (txnNumber !== undefined && request.lsid === undefined) {
    refuse('Transaction number requires a session ID to also be specified');
  }
  if (txnNumber !== undefined && txnNumber < 0n) refuse('Transaction number cannot be negative');
  if (autocommit !== undefined && txnNumber === undefined) {
    refuse("'autocommit' field requires a transaction number to also be specified");
  }
  if (autocommit === true) refuse('Specifying autocommit=true is not allowed.');
  if (startTransaction !== undefined && autocommit === undefined) {
    refuse("'startTransaction' field requires 'autocommit' field to also be specified");
  }
  if (startTransaction === false) refuse('Specifying startTransaction=false is not allowed.');
  if (autocommit === false)
    throw new CommandError('NotImplemented', 'Multi-document transactions are not supported yet');
  if (WITHOUT_SESSIONS.has(command.name)) {
    throw new CommandError(50_889, 'It is illegal to provide a txnNumber for this command');
  }
  if (command.isRetryableWrite !== true) {
    throw new CommandError(
      50_768,
      'txnNumber may only be provided for multi-document transactions and retryable write commands. autocommit:false was ' +
        `not provided, and ${command.name} is not a retryable write command.`,
    );
  }
}

/**
 * Whether the member's state allows it.
 * Source: MongoDB answers reads on a secondary only when the client says that it may be one.
 */
export function checkMemberState(
  command: Command,
  request: ParsedRequest,
  replication: ReplicationService,
  connection: ClientState,
): void {
  if (!replication.isReplicaSet || command.secondary === 'always')
    return checkMaintenance(command, request, replication);
  const { core } = replication;
  if (core.isWritablePrimary || request.db === LOCAL) return;
  const isOptedIn = command.secondary === 'optIn' && mayReadFromSecondary(request);
  if (!isOptedIn) {
    const knowsHello = connection.knowsHello;
    if (command.secondary === 'optIn') {
      const message = knowsHello ? 'not primary and secondaryOk=false' : 'not master and slaveOk=false';
      throw new CommandError('NotPrimaryNoSecondaryOk', message);
    }
    command.check?.(request);
    throw new CommandError('NotWritablePrimary', knowsHello ? 'not primary' : 'not master');
  }
  checkMaintenance(command, request, replication);
}

function mayReadFromSecondary(request: ParsedRequest): boolean {
  return request.readPreference !== undefined && request.readPreference !== 'primary';
}

function checkMaintenance(command: Command, request: ParsedRequest, replication: ReplicationService): void {
  if (command.maintenanceOk === true || !replication.isReplicaSet || request.db === LOCAL) return;
  const { memberState } = replication.core;
  if (memberState === MEMBER_STATE.SECONDARY || memberState === MEMBER_STATE.PRIMARY) return;
  const message =
    memberState === MEMBER_STATE.RECOVERING ? 'node is recovering' : 'node is not in primary or recovering state';
  throw new CommandError('NotPrimaryOrSecondary', message);
}
