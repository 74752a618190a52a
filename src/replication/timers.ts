/** Everything that happens because time passed, and when that is next. */
import { ms, type Ms } from '../base/units.ts';
import { isVoter } from './config.ts';
import { seesMajority } from './electability.ts';
import { catchUpTimedOut } from './catch_up.ts';
import { singleMemberElectionAt, startElection } from './election.ts';
import { isStillJustified } from './fast_election.ts';
import { startHeartbeat } from './heartbeat.ts';
import { isSilent, keepsMajority, nextSilence } from './liveness.ts';
import { keepAliveDue } from './position.ts';
import { relinquish, resetElectionTimer } from './role.ts';
import { NEVER, othersOf, selfOf, type State } from './state.ts';
import { stepDownDue } from './step_down.ts';
import { takeoverDue } from './takeover.ts';
import { log, type Turn } from './turn.ts';

/** Carries out what is due. Heartbeats first: what is decided below should rest on what was asked. */
export function fireTimers(turn: Turn): void {
  for (const entry of othersOf(turn.state)) {
    if (turn.now >= entry.info.heartbeats.nextAt) startHeartbeat(turn, entry);
  }
  checkLiveness(turn);
  catchUpTimedOut(turn);
  stepDownDue(turn);
  keepAliveDue(turn);
  fastElectionDue(turn);
  takeoverDue(turn);
  singleMemberDue(turn);
  electionTimeoutDue(turn);
}

/** A primary that has not heard from a majority within the election timeout steps down. Source: Raft dissertation §6.2. */
function checkLiveness(turn: Turn): void {
  const { state } = turn;
  const { config } = state;
  if (config === undefined) return;
  const others = othersOf(state);
  for (const { info } of others) {
    if (isSilent(info.lastUpdate, turn.now, config.settings.electionTimeoutMs)) info.isStale = true;
  }
  const self = selfOf(state);
  if (state.leader === undefined || self === undefined) return;
  if (keepsMajority(config, others, isVoter(self))) return;
  log(turn, { id: 21809, message: "Can't see a majority of the set, relinquishing primary" });
  log(turn, { id: 21475, message: 'Stepping down from primary in response to heartbeat' });
  relinquish(turn);
}

function fastElectionDue(turn: Turn): void {
  const { state } = turn;
  const { fastElection } = state;
  if (fastElection === undefined || turn.now < fastElection.at) return;
  const isJustified = isStillJustified(state);
  state.fastElection = undefined;
  if (isJustified) startElection(turn, { reason: 'electionTimeout', fastCause: fastElection.cause });
}

function singleMemberDue(turn: Turn): void {
  if (turn.now < singleMemberElectionAt(turn.state)) return;
  startElection(turn, { reason: 'singleNodePromptElection' });
}

function electionTimeoutDue(turn: Turn): void {
  const { state } = turn;
  if (turn.now < state.electionAt) return;
  resetElectionTimer(turn);
  state.isElectionOverdue = !seesMajority(state);
  if (state.role === 'follower') startElection(turn, { reason: 'electionTimeout' });
}

/**
 * This member's own loop stood still: messages may wait in its sockets, so all clocks that judge others stand still too.
 * A busy machine must not cause elections.
 */
export function shiftTimers(turn: Turn, duration: Ms): void {
  const { state } = turn;
  state.electionAt = ms(state.electionAt + duration);
  if (state.fastElection !== undefined) state.fastElection.at = ms(state.fastElection.at + duration);
  if (state.takeover !== undefined) state.takeover.at = ms(state.takeover.at + duration);
  if (state.leader !== undefined) state.leader.catchUpDeadline = ms(state.leader.catchUpDeadline + duration);
  for (const { info } of othersOf(state)) {
    info.lastUpdate = ms(info.lastUpdate + duration);
    info.lastReplyAt = ms(info.lastReplyAt + duration);
    info.heartbeats.roundStartedAt = ms(info.heartbeats.roundStartedAt + duration);
  }
}

/** When `tick` is wanted next. */
export function nextDeadline(state: State): Ms {
  if (!state.isStarted) return NEVER;
  let first = Math.min(
    state.electionAt,
    state.keepAliveAt,
    state.fastElection?.at ?? Infinity,
    state.takeover?.at ?? Infinity,
    state.stepDown?.waitUntil ?? Infinity,
    state.leader?.phase === 'catchUp' ? state.leader.catchUpDeadline : Infinity,
    singleMemberElectionAt(state),
  );
  for (const { info } of othersOf(state)) first = Math.min(first, info.heartbeats.nextAt);
  if (state.config !== undefined && selfOf(state) !== undefined) {
    first = Math.min(first, nextSilence(state.config, othersOf(state)));
  }
  return ms(first);
}
