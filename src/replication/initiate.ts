/**
 * replSetInitiate: the first config of a set. Every member named must answer and must not belong to a set yet.
 * Source: MongoDB manual, "replSetInitiate".
 */
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import { installConfig, selfIndexesOf } from './config_install.ts';
import { INITIAL_TERM, type ReplSetConfig } from './config.ts';
import { parseConfig } from './config_parse.ts';
import { checkInitialConfig } from './config_validate.ts';
import type { PlainDocument } from './document.ts';
import type { Input, RequestResult } from './input.ts';
import { CONFIG_VERSION_NONE, type HeartbeatReply } from './messages.ts';
import type { Progress } from './progress.ts';
import type { PendingInitiate } from './state.ts';
import { answer, emit, log, refuse, takeRequestId, type Turn } from './turn.ts';

type InitiateInput = Extract<Input, { kind: 'initiate' }>;

export function handleInitiate(turn: Turn, input: InitiateInput): void {
  log(turn, { id: 21356, message: 'replSetInitiate admin command received from client' });
  try {
    beginInitiate(turn, input);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    log(turn, { severity: 'E', id: 21425, message: 'replSetInitiate error', attributes: { error: error.message } });
    refuse(turn, input.replyTo, error);
  }
}

function beginInitiate(turn: Turn, input: InitiateInput): void {
  const { state } = turn;
  if (state.config !== undefined) {
    const info = 'try querying local.system.replset to see current configuration';
    throw new CommandError('AlreadyInitialized', 'already initialized', { info });
  }
  if (state.initiate !== undefined) {
    throw new CommandError('ConfigurationInProgress', 'already initializing');
  }
  const { document, extra } = requestedConfig(turn, input);
  const parsed = parseConfig({ ...document, version: document['version'] ?? 1, term: INITIAL_TERM });
  const selfIndexes = selfIndexesOf(state, parsed);
  checkInitialConfig(parsed, state.options.setName, selfIndexes);
  log(turn, {
    id: 21357,
    message: 'replSetInitiate config object parses ok',
    attributes: { numMembers: parsed.members.length },
  });
  const config = { ...parsed, settings: { ...parsed.settings, replicaSetId: input.newReplicaSetId } };
  state.initiate = { replyTo: input.replyTo, config, extra, pending: new Map(), failures: [] };
  checkQuorum(turn, state.initiate, selfIndexes[0] ?? 0);
}

/** Without a config (or with an empty one) a set of this member alone. */
function requestedConfig(
  turn: Turn,
  { config, self }: InitiateInput,
): { document: PlainDocument; extra: PlainDocument } {
  if (config !== undefined && Object.keys(config).length > 0) return { document: config, extra: {} };
  return {
    document: { _id: turn.state.options.setName, version: 1, members: [{ _id: 0, host: self }] },
    extra: { info2: 'no configuration specified. Using a default configuration for the set', me: self },
  };
}

/** Asks all other members at once. */
function checkQuorum(turn: Turn, initiate: PendingInitiate, selfIndex: number): void {
  const { config } = initiate;
  const self = config.members[selfIndex];
  invariant(self !== undefined, 'the config names this member');
  for (const [index, member] of config.members.entries()) {
    if (index === selfIndex) continue;
    const requestId = takeRequestId(turn);
    initiate.pending.set(requestId, member.host);
    emit(turn, {
      kind: 'sendHeartbeat',
      target: member.host,
      requestId,
      timeout: config.settings.heartbeatTimeoutMs,
      request: {
        setName: config.setName,
        checkEmpty: true,
        configVersion: config.version,
        configTerm: config.term,
        from: self.host,
        fromId: self.id,
        term: INITIAL_TERM,
        primaryId: -1,
      },
    });
  }
  if (initiate.pending.size === 0) createSet(turn, config);
}

/** True when the result belonged to the quorum check. */
export function handleQuorumResult(turn: Turn, requestId: number, result: RequestResult<HeartbeatReply>): boolean {
  const { initiate } = turn.state;
  const host = initiate?.pending.get(requestId);
  if (initiate === undefined || host === undefined) return false;
  initiate.pending.delete(requestId);
  const veto = vetoOf(host, result);
  if (veto !== undefined) {
    failInitiate(turn, initiate, veto);
    return true;
  }
  if (result.kind !== 'reply') initiate.failures.push(`${host} failed with ${result.message}`);
  if (initiate.pending.size > 0) return true;
  if (initiate.failures.length === 0) {
    createSet(turn, initiate.config);
    return true;
  }
  const message =
    'replSetInitiate quorum check failed because not all proposed set members responded affirmatively: ' +
    initiate.failures.join(', ');
  failInitiate(turn, initiate, new CommandError('NodeNotFound', message));
  return true;
}

const INCONSISTENT_NAMES = 108;

/** A member of another set, or of one of this name, ends the check at once. */
function vetoOf(host: string, result: RequestResult<HeartbeatReply>): CommandError | undefined {
  if (result.kind === 'error' && result.code === INCONSISTENT_NAMES) {
    const message = `Our set name did not match that of the request target, requestTarget: ${host}`;
    return new CommandError('NewReplicaSetConfigurationIncompatible', message);
  }
  if (result.kind !== 'reply' || result.reply.configVersion === CONFIG_VERSION_NONE) return undefined;
  const message =
    `Our replica set ID did not match that of our request target, requestTarget: ${host}, ` +
    `requestTargetReplSetId: ${result.reply.replData?.replicaSetId ?? 'unknown'}`;
  return new CommandError('NewReplicaSetConfigurationIncompatible', message);
}

function failInitiate(turn: Turn, { replyTo }: PendingInitiate, error: CommandError): void {
  turn.state.initiate = undefined;
  log(turn, { severity: 'E', id: 21360, message: 'replSetInitiate failed', attributes: { error: error.message } });
  refuse(turn, replyTo, error);
}

function createSet(turn: Turn, config: ReplSetConfig): void {
  emit(turn, { kind: 'initiateSet', config });
}

/** Config and first entry are on disk. This member is the set's only one with data for now. */
export function handleInitiateWritten(turn: Turn, progress: Progress): void {
  const { state } = turn;
  const { initiate } = state;
  invariant(initiate !== undefined, 'a set is being initiated');
  state.initiate = undefined;
  state.needsInitialSync = false;
  state.progress = progress;
  installConfig(turn, initiate.config, { isPersisted: true });
  answer(turn, initiate.replyTo, initiate.extra);
}
