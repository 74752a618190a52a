/** What follows from a heartbeat request, and from the answer to one of mine. Source: MongoDB's replSetHeartbeat; PV1. */
import { CommandError } from '../base/command_error.ts';
import { ms, type Ms } from '../base/units.ts';
import { checkCatchUp } from './catch_up.ts';
import { learnCommitPoint, recomputeCommitPoint } from './commit.ts';
import { compareConfigs } from './config.ts';
import { considerConfig } from './config_install.ts';
import { seesMajority } from './electability.ts';
import { cancelFastElection, maybeScheduleAfterStart, scheduleAfterRefusal } from './fast_election.ts';
import {
  fetchConfigFrom,
  heartbeatReply,
  hurryAllHeartbeats,
  hurryHeartbeat,
  scheduleNextHeartbeat,
  sendHeartbeat,
} from './heartbeat.ts';
import type { ReplyTo, RequestFailure, RequestResult } from './input.ts';
import { MEMBER_STATE, stateName } from './member_state.ts';
import { CONFIG_VERSION_NONE, type HeartbeatReply, type HeartbeatRequest } from './messages.ts';
import { laterProgress } from './progress.ts';
import { findPrimary, hastenOverdueElection, resetElectionTimer, updateTerm } from './role.ts';
import { otherByHost, selfOf, type OtherEntry } from './state.ts';
import { checkStepDown } from './step_down.ts';
import { maybeScheduleTakeover } from './takeover.ts';
import { emit, log, refuse, type Turn } from './turn.ts';

/** Attempts of one round after the first. Source: MongoDB's kMaxHeartbeatRetries. */
const RETRIES_MAX = 2;

export function handleHeartbeatRequest(turn: Turn, request: HeartbeatRequest, replyTo: ReplyTo): void {
  const { state } = turn;
  const refusal = requestRefusal(turn, request);
  if (refusal !== undefined) {
    refuse(turn, replyTo, refusal);
    return;
  }
  if (state.config === undefined || selfOf(state) === undefined) {
    fetchMissingConfig(turn, request);
    if (state.config !== undefined) {
      const message = 'Our replica set configuration is invalid or does not include us';
      refuse(turn, replyTo, new CommandError('InvalidReplicaSetConfig', message));
      return;
    }
  } else {
    updateTerm(turn, request.term);
    noteSender(turn, request);
  }
  const reply = heartbeatReply(state, request);
  emit(turn, { kind: 'reply', replyTo, reply: { kind: 'heartbeat', reply } });
}

function requestRefusal({ state }: Turn, request: HeartbeatRequest): CommandError | undefined {
  if (request.setName !== state.options.setName) {
    return new CommandError(
      'InconsistentReplicaSetNames',
      `Our set name of ${state.options.setName} does not match name ${request.setName} reported by remote node`,
    );
  }
  const self = selfOf(state);
  if (self !== undefined && request.fromId === self.id) {
    const message = `Received heartbeat from member with the same member ID as our own: ${self.id}`;
    return new CommandError('BadValue', message);
  }
  return undefined;
}

/** Somebody has a config and I have none that names me. A quorum check of replSetInitiate has none to give yet. */
function fetchMissingConfig(turn: Turn, request: HeartbeatRequest): void {
  if (request.checkEmpty || request.from === '' || turn.state.initiate !== undefined) return;
  log(turn, {
    id: 21400,
    message: 'Scheduling heartbeat to fetch a new config since we are not a member of our current config',
    attributes: { senderHost: request.from },
  });
  fetchConfigFrom(turn, request.from);
}

/** A request tells that its sender lives, which config it has, and whom it takes for primary. */
function noteSender(turn: Turn, request: HeartbeatRequest): void {
  const { state } = turn;
  const { config } = state;
  const sender = otherByHost(state, request.from);
  if (config === undefined) return;
  const theirs = { version: request.configVersion, term: request.configTerm };
  const hasNewerConfig = request.configVersion !== CONFIG_VERSION_NONE && compareConfigs(theirs, config) > 0;
  if (sender === undefined) {
    if (hasNewerConfig && request.from !== '') fetchConfigFrom(turn, request.from);
    return;
  }
  const { info } = sender;
  const isNews = info.health !== 'up' || info.configVersion !== theirs.version || info.configTerm !== theirs.term;
  info.configVersion = theirs.version;
  info.configTerm = theirs.term;
  info.lastUpdate = turn.now;
  info.lastHeartbeatReceived = turn.wall;
  info.isStale = false;
  info.isRefused = false;
  if (hasNewerConfig) {
    log(turn, {
      id: 21401,
      message: 'Scheduling heartbeat to fetch a newer config',
      attributes: { configTerm: theirs.term, configVersion: theirs.version, senderHost: request.from },
    });
    hurryHeartbeat(turn, sender);
    return;
  }
  const claimsPrimary = request.primaryId === sender.member.id && request.term >= state.term;
  if (claimsPrimary && state.leader === undefined && state.primaryIndex !== sender.index) {
    log(turn, {
      id: 2903000,
      message: 'Restarting heartbeats after learning of a new primary',
      attributes: { senderAndPrimaryId: sender.member.id, senderTerm: request.term },
    });
    hurryAllHeartbeats(turn);
    return;
  }
  if (isNews) hurryHeartbeat(turn, sender);
}

/** The answer to a heartbeat of mine, or its failure. */
export function handleHeartbeatResult(
  turn: Turn,
  { requestId, target }: { requestId: number; target: string },
  result: RequestResult<HeartbeatReply>,
): void {
  const { state } = turn;
  if (requestId === state.fetchConfigRequestId) {
    state.fetchConfigRequestId = 0;
    if (result.kind === 'reply' && result.reply.config !== undefined) considerConfig(turn, result.reply.config);
    return;
  }
  const entry = otherByHost(state, target);
  const sentAt = entry?.info.heartbeats.inFlight.get(requestId);
  if (entry === undefined || sentAt === undefined) return;
  entry.info.heartbeats.inFlight.delete(requestId);
  entry.info.lastHeartbeat = turn.wall;
  const failure = failureOf(turn, result);
  if (failure !== undefined) handleFailure(turn, entry, { failure, requestId });
  else if (result.kind === 'reply') handleReply(turn, entry, { reply: result.reply, requestId, sentAt });
}

function failureOf(turn: Turn, result: RequestResult<HeartbeatReply>): RequestFailure | undefined {
  if (result.kind !== 'reply') return result;
  const { setName } = result.reply;
  if (setName === turn.state.options.setName) return undefined;
  return { kind: 'error', code: 108, message: `the member belongs to the set ${setName}` };
}

interface Answer {
  readonly reply: HeartbeatReply;
  readonly requestId: number;
  readonly sentAt: Ms;
}

function handleReply(turn: Turn, entry: OtherEntry, { reply, requestId, sentAt }: Answer): void {
  const { state } = turn;
  const { info } = entry;
  const roundTripMs = turn.now - sentAt;
  updateTerm(turn, reply.term);
  if (reply.replData !== undefined) learnCommitPoint(turn, reply.replData.commitPoint);
  const oldProgress = info.progress;
  noteReply(turn, entry, { reply, roundTripMs });
  if (requestId >= info.heartbeats.restartedAt) info.heardSinceRestart = true;
  if (requestId === info.heartbeats.newest) scheduleNextHeartbeat(turn, entry);
  if (reply.config !== undefined) considerConfig(turn, reply.config);
  notePrimary(turn, entry);
  if (state.leader !== undefined) {
    if (info.progress !== oldProgress) {
      recomputeCommitPoint(turn);
      emit(turn, { kind: 'wakeWriteConcern' });
    }
    checkCatchUp(turn);
    checkStepDown(turn);
  } else if (oldProgress !== info.progress && state.syncSource === undefined) {
    emit(turn, { kind: 'syncSourcesChanged' });
  }
  maybeScheduleTakeover(turn);
  maybeScheduleAfterStart(turn);
  if (seesMajority(state)) hastenOverdueElection(turn);
}

function noteReply(
  turn: Turn,
  { info, member }: OtherEntry,
  { reply, roundTripMs }: { reply: HeartbeatReply; roundTripMs: number },
): void {
  const newState = reply.state ?? MEMBER_STATE.STARTUP;
  if (info.state !== newState) {
    log(turn, {
      id: 21215,
      message: 'Member is in new state',
      attributes: { hostAndPort: member.host, newState: stateName(newState) },
    });
  }
  if (info.health !== 'up') info.upSince = turn.now;
  info.health = 'up';
  info.state = newState;
  info.reply = reply;
  info.progress = laterProgress(info.progress, reply.progress);
  info.lastUpdate = turn.now;
  info.lastReplyAt = turn.now;
  info.isStale = false;
  info.isRefused = false;
  info.heartbeatMessage = '';
  info.configVersion = reply.configVersion;
  info.configTerm = reply.configTerm;
  info.pings += 1;
  info.pingMs = info.pingMs === undefined ? roundTripMs : (4 * info.pingMs + roundTripMs) / 5;
}

/** A primary of my term is there: elections wait. */
function notePrimary(turn: Turn, { index, info, member }: OtherEntry): void {
  const { state } = turn;
  const hasChanged = findPrimary(state);
  if (state.leader !== undefined) return;
  if (state.primaryIndex === index && info.state === MEMBER_STATE.PRIMARY) {
    state.priorPrimaryId = member.id;
    cancelFastElection(state);
    resetElectionTimer(turn);
  }
  if (hasChanged && state.primaryIndex >= 0) emit(turn, { kind: 'syncSourcesChanged' });
}

function handleFailure(
  turn: Turn,
  entry: OtherEntry,
  { failure, requestId }: { failure: RequestFailure; requestId: number },
): void {
  const { heartbeats } = entry.info;
  if (failure.kind === 'refused') {
    handleRefused(turn, entry, failure.message);
    return;
  }
  if (requestId !== heartbeats.newest) return;
  heartbeats.failures += 1;
  const timeout = turn.state.config?.settings.heartbeatTimeoutMs ?? ms(0);
  const hasTime = turn.now - heartbeats.roundStartedAt < timeout;
  if (heartbeats.failures <= RETRIES_MAX && hasTime) {
    sendHeartbeat(turn, entry);
    return;
  }
  markDown(turn, entry, failure.message);
  scheduleNextHeartbeat(turn, entry);
  checkCatchUp(turn);
  checkStepDown(turn);
  maybeScheduleAfterStart(turn);
}

/** Nobody listens at that address: retrying at once is no use, and if it was the primary, it is gone. */
export function handleRefused(turn: Turn, entry: OtherEntry, message: string): void {
  const { state } = turn;
  const { info } = entry;
  const wasPrimary = state.primaryIndex === entry.index && state.leader === undefined;
  info.isRefused = true;
  info.heardSinceRestart = true;
  markDown(turn, entry, message);
  if (!info.heartbeats.inFlight.has(info.heartbeats.newest)) scheduleNextHeartbeat(turn, entry);
  checkCatchUp(turn);
  checkStepDown(turn);
  if (wasPrimary) scheduleAfterRefusal(turn);
  maybeScheduleAfterStart(turn);
}

function markDown(turn: Turn, { info, member }: OtherEntry, message: string): void {
  if (info.state !== MEMBER_STATE.DOWN) {
    log(turn, {
      id: 21216,
      message: 'Member is now in state RS_DOWN',
      attributes: { hostAndPort: member.host, heartbeatMessage: message },
    });
  }
  info.health = 'down';
  info.state = MEMBER_STATE.DOWN;
  info.reply = undefined;
  info.upSince = undefined;
  info.heartbeatMessage = message;
  findPrimary(turn.state);
}
