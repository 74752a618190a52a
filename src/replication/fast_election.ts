/**
 * Elections that need not wait for the election timeout. They are ordinary elections (dry run, vote, majority); only
 * the moment differs, so nothing here can elect two primaries in a term. What it must not do is disturb a healthy one.
 *
 * Two causes:
 * - 'refused': the primary this member believes in does not exist any more: its address refuses connections. A primary
 *   that is only silent (partition, pause, overload) keeps its full electionTimeoutMillis.
 * - 'start': this process just started (or its set was just initiated) and no primary can be there: every other member
 *   that could be primary or could know one has answered since, by "I see none" or by refusing the connection, and a
 *   majority of voters with this config is up. One silent member is enough to wait for the ordinary timeout.
 *
 * Members stand in the order of priority, then freshness, some milliseconds apart, so that mostly one stands.
 */
import { compareOpTimes } from '../base/optime.ts';
import { compareConfigs, isElectable, isMajority, isVoter, priorityOf, votersOf } from './config.ts';
import { MEMBER_STATE } from './member_state.ts';
import { othersOf, ownState, selfOf, type OtherEntry, type State } from './state.ts';
import { later, log, randomBelow, type Turn } from './turn.ts';

/** The first in order waits this long, in ms. */
const FIRST_DELAY_MS = 5;

/** Between one member and the next in order; about the time of a vote with its write to disk. */
const RANK_DELAY_MS = 15;
const JITTER_MS = 5;

/** After a start, members that still refuse connections get this long to come up too. */
const START_GRACE_MS = 250;

/** After a lost fast election: this much longer each time, and as much again at random. */
const RETRY_DELAY_MS = 60;
const ATTEMPTS_MAX = 5;

/** The primary's process is gone. */
export function scheduleAfterRefusal(turn: Turn): void {
  if (turn.state.fastElection !== undefined || !isCandidateMaterial(turn.state)) return;
  turn.state.fastAttempts = 0;
  turn.state.fastElection = { cause: 'refused', at: later(turn, orderDelay(turn)) };
  log(turn, {
    component: 'ELECTION',
    id: 8_000_001,
    message: 'The primary refuses connections, standing for election without waiting for the election timeout',
  });
}

/** To be called whenever another member answered or refused. */
export function maybeScheduleAfterStart(turn: Turn): void {
  const { state } = turn;
  if (!state.mayElectEarly || state.fastElection?.cause === 'refused') return;
  if (!isCandidateMaterial(state) || !isWithoutPrimary(state)) {
    state.fastElection = undefined;
    return;
  }
  const isComplete = othersOf(state).every(({ info }) => info.health === 'up');
  const at = later(turn, orderDelay(turn) + (isComplete ? 0 : START_GRACE_MS));
  // Retries after a lost attempt keep their later moment.
  if (state.fastAttempts > 0 && state.fastElection !== undefined) return;
  if (state.fastElection !== undefined && state.fastElection.at <= at) return;
  state.fastElection = { cause: 'start', at };
}

/** After a lost election that did not wait for the timeout. */
export function maybeRetry(turn: Turn, cause: 'refused' | 'start' | undefined): void {
  const { state } = turn;
  if (cause === undefined || state.primaryIndex >= 0) return;
  state.fastAttempts += 1;
  if (state.fastAttempts >= ATTEMPTS_MAX) {
    state.mayElectEarly = false;
    return;
  }
  const delay = RETRY_DELAY_MS * state.fastAttempts;
  state.fastElection = { cause, at: later(turn, delay + randomBelow(turn, delay)) };
}

/** A primary is there: the ordinary timeout is the only rule from now on. */
export function cancelFastElection(state: State): void {
  state.fastElection = undefined;
  state.fastAttempts = 0;
  state.mayElectEarly = false;
}

/** Asked again when its time has come. */
export function isStillJustified(state: State): boolean {
  if (state.primaryIndex >= 0 || !isCandidateMaterial(state)) return false;
  return state.fastElection?.cause === 'refused' || isWithoutPrimary(state);
}

function isCandidateMaterial(state: State): boolean {
  const self = selfOf(state);
  return (
    self !== undefined && isElectable(self) && ownState(state) === MEMBER_STATE.SECONDARY && state.role === 'follower'
  );
}

/** Whether no member can be primary, as far as the last word of every one tells. See the head of this file. */
export function isWithoutPrimary(state: State): boolean {
  const { config } = state;
  const self = selfOf(state);
  if (config === undefined || self === undefined) return false;
  const others = othersOf(state);
  if (!others.every((entry) => deniesPrimary(state, entry))) return false;
  const agreeing = others.filter(({ member, info }) => {
    const isSameConfig = compareConfigs({ version: info.configVersion, term: info.configTerm }, config) === 0;
    return isVoter(member) && info.health === 'up' && isSameConfig;
  }).length;
  return isMajority(agreeing + (isVoter(self) ? 1 : 0), votersOf(config).length);
}

function deniesPrimary(state: State, { info }: OtherEntry): boolean {
  if (info.isRefused) return true;
  const { reply } = info;
  if (info.health !== 'up' || reply === undefined) return false;
  if (reply.state === MEMBER_STATE.PRIMARY || reply.term > state.term) return false;
  return reply.primaryId === -1 || isRefusedMember(state, reply.primaryId);
}

function isRefusedMember(state: State, memberId: number): boolean {
  return othersOf(state).some(({ member, info }) => member.id === memberId && info.isRefused);
}

function orderDelay(turn: Turn): number {
  return FIRST_DELAY_MS + RANK_DELAY_MS * electionRank(turn.state) + randomBelow(turn, JITTER_MS);
}

/** How many members that are up should stand before this one. */
export function electionRank(state: State): number {
  const self = selfOf(state);
  if (self === undefined) return 0;
  return othersOf(state).filter(({ member, info, index }) => {
    if (!isElectable(member) || info.health !== 'up' || info.state !== MEMBER_STATE.SECONDARY) return false;
    if (priorityOf(member) !== priorityOf(self)) return priorityOf(member) > priorityOf(self);
    const order = compareOpTimes(info.progress.applied.optime, state.progress.applied.optime);
    return order === 0 ? index < state.selfIndex : order > 0;
  }).length;
}
