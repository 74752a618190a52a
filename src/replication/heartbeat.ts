/** Sending heartbeats: what they say, when they go out, and what a heartbeat is answered. Source: MongoDB's replSetHeartbeat. */
import { invariant } from '../base/invariant.ts';
import { TERM_UNINITIALIZED } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';
import { compareConfigs, heartbeatIntervalOf, INITIAL_TERM, isElectable, type ReplSetConfig } from './config.ts';
import { MEMBER_STATE } from './member_state.ts';
import {
  CONFIG_VERSION_NONE,
  type HeartbeatReply,
  type HeartbeatRequest,
  type OplogQueryData,
  type ReplData,
} from './messages.ts';
import { PROGRESS_NULL, type Progress } from './progress.ts';
import { acceptsWrites, NEVER, othersOf, ownState, selfOf, type OtherEntry, type State } from './state.ts';
import { emit, later, takeRequestId, type Turn } from './turn.ts';

/** Heartbeat timeout of a member that has no config yet. */
const DEFAULT_TIMEOUT_MS = ms(10_000);

export function heartbeatRequest(state: State): HeartbeatRequest {
  const { config } = state;
  const self = selfOf(state);
  return {
    setName: state.options.setName,
    checkEmpty: false,
    configVersion: config === undefined ? CONFIG_VERSION_NONE : config.version,
    configTerm: config === undefined ? TERM_UNINITIALIZED : config.term,
    from: self?.host ?? '',
    fromId: self?.id ?? -1,
    term: state.term < INITIAL_TERM ? INITIAL_TERM : state.term,
    primaryId: config?.members[state.primaryIndex]?.id ?? -1,
  };
}

/** What a member answers. Only one in the config, or without any, answers; the caller has checked that. */
export function heartbeatReply(state: State, request: HeartbeatRequest): HeartbeatReply {
  const { config } = state;
  const self = selfOf(state);
  return {
    setName: state.options.setName,
    state: ownState(state),
    configVersion: config === undefined ? CONFIG_VERSION_NONE : config.version,
    configTerm: config === undefined ? TERM_UNINITIALIZED : config.term,
    config: config !== undefined && wantsConfig(request, config) ? config : undefined,
    term: state.term < INITIAL_TERM ? INITIAL_TERM : state.term,
    primaryId: config?.members[state.primaryIndex]?.id ?? -1,
    syncingTo: state.syncSource,
    progress: reportedProgress(state),
    electable: self !== undefined && isElectable(self) && ownState(state) !== MEMBER_STATE.STARTUP2,
    electionTime: state.leader?.electionTime,
    replData: replDataOf(state),
  };
}

function wantsConfig(request: HeartbeatRequest, config: ReplSetConfig): boolean {
  if (request.configVersion === CONFIG_VERSION_NONE) return true;
  return compareConfigs(config, { version: request.configVersion, term: request.configTerm }) > 0;
}

/** A member in initial sync has no data that counts: it reports null positions. */
export function reportedProgress(state: State): Progress {
  return state.needsInitialSync || selfOf(state)?.arbiterOnly === true ? PROGRESS_NULL : state.progress;
}

export function replDataOf(state: State): ReplData | undefined {
  const { config } = state;
  if (config === undefined) return undefined;
  return {
    term: state.term,
    commitPoint: state.commitPoint,
    lastVisible: state.progress.applied.optime,
    configVersion: config.version,
    configTerm: config.term,
    replicaSetId: config.settings.replicaSetId,
    syncSourceIndex: syncSourceIndexOf(state),
    isPrimary: state.leader !== undefined && (acceptsWrites(state) || state.stepDown !== undefined),
  };
}

export function oplogQueryDataOf(state: State): OplogQueryData | undefined {
  if (state.config === undefined) return undefined;
  return {
    commitPoint: state.commitPoint,
    lastApplied: state.progress.applied.optime,
    lastWritten: state.progress.written.optime,
    rollbackId: state.rollbackId,
    primaryIndex: state.primaryIndex,
    syncSourceIndex: syncSourceIndexOf(state),
    syncSourceHost: state.syncSource ?? '',
  };
}

export function syncSourceIndexOf(state: State): number {
  return state.config?.members.findIndex((member) => member.host === state.syncSource) ?? -1;
}

/** The next heartbeat to this member leaves now and begins a round of attempts. */
export function startHeartbeat(turn: Turn, entry: OtherEntry): void {
  const { heartbeats } = entry.info;
  heartbeats.roundStartedAt = turn.now;
  heartbeats.failures = 0;
  sendHeartbeat(turn, entry);
}

/** One attempt of a round; all attempts of a round together take heartbeatTimeoutSecs at most. */
export function sendHeartbeat(turn: Turn, { member, info }: OtherEntry): void {
  const { state } = turn;
  const { heartbeats } = info;
  const elapsed = turn.now - heartbeats.roundStartedAt;
  const timeout = (state.config?.settings.heartbeatTimeoutMs ?? DEFAULT_TIMEOUT_MS) - elapsed;
  invariant(timeout > 0, 'an attempt has time left');
  const requestId = takeRequestId(turn);
  heartbeats.newest = requestId;
  heartbeats.inFlight.set(requestId, turn.now);
  heartbeats.nextAt = NEVER;
  emit(turn, {
    kind: 'sendHeartbeat',
    target: member.host,
    requestId,
    request: heartbeatRequest(state),
    timeout: ms(timeout),
  });
}

/** All others are asked at once, so that a change spreads fast. A removed member asks nobody. */
export function restartHeartbeats(turn: Turn): void {
  const isRemoved = selfOf(turn.state) === undefined;
  for (const entry of othersOf(turn.state)) {
    if (isRemoved) {
      entry.info.heartbeats.nextAt = NEVER;
      entry.info.heartbeats.inFlight.clear();
      continue;
    }
    entry.info.heartbeats.restartedAt = turn.state.nextRequestId;
    entry.info.heardSinceRestart = false;
    startHeartbeat(turn, entry);
  }
}

/** News of one member are answered by asking it, but not by any number of requests at a time. */
const HURRIED_IN_FLIGHT_MAX = 2;

/** Asks one member at once: something about it has changed. */
export function hurryHeartbeat(turn: Turn, entry: OtherEntry): void {
  if (entry.info.heartbeats.inFlight.size < HURRIED_IN_FLIGHT_MAX) startHeartbeat(turn, entry);
}

/** Asks all others at once: one of them has become primary. */
export function hurryAllHeartbeats(turn: Turn): void {
  for (const entry of othersOf(turn.state)) hurryHeartbeat(turn, entry);
}

/** Asks somebody for its config who is not in mine, or whom I know by address only. */
export function fetchConfigFrom(turn: Turn, host: string): void {
  const { state } = turn;
  if (state.fetchConfigRequestId !== 0) return;
  state.fetchConfigRequestId = takeRequestId(turn);
  emit(turn, {
    kind: 'sendHeartbeat',
    target: host,
    requestId: state.fetchConfigRequestId,
    request: heartbeatRequest(state),
    timeout: DEFAULT_TIMEOUT_MS,
  });
}

export function scheduleNextHeartbeat(turn: Turn, entry: OtherEntry): void {
  entry.info.heartbeats.nextAt = later(turn, heartbeatInterval(turn.state));
}

/** Shorter while this member looks for a source. */
export function heartbeatInterval(state: State): Ms {
  invariant(state.config !== undefined, 'heartbeats need a config');
  const isArbiter = selfOf(state)?.arbiterOnly === true;
  const isSearching = !isArbiter && state.leader === undefined && state.syncSource === undefined;
  return heartbeatIntervalOf(state.config, { isArbiter, isSearching });
}

/** Positions of all members in the config's order, my own included. */
export function knownProgress(state: State): Progress[] {
  return state.others.map((other, index) => (index === state.selfIndex ? reportedProgress(state) : other.progress));
}
