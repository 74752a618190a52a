/**
 * A better member takes over from the primary: one with a higher priority, or one that has entries the primary lacks
 * and waits for. Source: MongoDB manual, "Member Priority" and "catchUpTakeoverDelayMillis".
 */
import { compareOpTimes } from '../base/optime.ts';
import { isElectable, priorityOf } from './config.ts';
import { freshestOptime, priorityRank } from './electability.ts';
import { startElection } from './election.ts';
import { MEMBER_STATE } from './member_state.ts';
import { othersOf, ownState, selfOf, type OtherEntry, type State } from './state.ts';
import { later, log, randomBelow, type Turn } from './turn.ts';

/** As with the election timeout, so that equal members do not stand at the same moment. */
const SPREAD = 0.15;

/** To be called after every heartbeat reply of the primary. */
export function maybeScheduleTakeover(turn: Turn): void {
  const { state } = turn;
  if (state.takeover?.kind === 'priority' || !mayTakeOver(state)) return;
  const primary = othersOf(state).find(({ index }) => index === state.primaryIndex);
  if (primary === undefined) return;
  if (outranks(state, primary)) {
    schedulePriorityTakeover(turn);
    return;
  }
  if (state.takeover === undefined && isAheadOfCatchingUp(state, primary)) scheduleCatchUpTakeover(turn);
}

function mayTakeOver(state: State): boolean {
  const self = selfOf(state);
  return (
    self !== undefined && isElectable(self) && ownState(state) === MEMBER_STATE.SECONDARY && state.role === 'follower'
  );
}

function outranks(state: State, primary: OtherEntry): boolean {
  const self = selfOf(state);
  return self !== undefined && priorityOf(self) > priorityOf(primary.member);
}

/** The higher a member ranks, the earlier it tries: (members with a greater priority + 1) election timeouts. */
function schedulePriorityTakeover(turn: Turn): void {
  const { state } = turn;
  const timeout = state.config?.settings.electionTimeoutMs ?? Infinity;
  const at = later(turn, (priorityRank(state) + 1) * timeout + randomBelow(turn, timeout * SPREAD));
  state.takeover = { kind: 'priority', at };
  const when = new Date(turn.wall + (at - turn.now)).toISOString();
  log(turn, { component: 'ELECTION', id: 4615601, message: 'Scheduling priority takeover', attributes: { when } });
}

/** The primary has no entry of its own term yet, and this member has more than it and at least as much as any other. */
function isAheadOfCatchingUp(state: State, { info }: OtherEntry): boolean {
  const primarys = info.reply?.progress.applied.optime;
  const mine = state.progress.applied.optime;
  if (primarys === undefined || primarys.t >= state.term) return false;
  return compareOpTimes(mine, primarys) > 0 && compareOpTimes(mine, freshestOptime(state)) >= 0;
}

function scheduleCatchUpTakeover(turn: Turn): void {
  const delay = turn.state.config?.settings.catchUpTakeoverDelayMs ?? Infinity;
  if (delay === Infinity) return;
  const at = later(turn, delay);
  turn.state.takeover = { kind: 'catchUp', at };
  const when = new Date(turn.wall + delay).toISOString();
  log(turn, { component: 'ELECTION', id: 4615648, message: 'Scheduling catchup takeover', attributes: { when } });
}

/** Whether it is still right is decided anew; a refused one is scheduled again by a later heartbeat. */
export function takeoverDue(turn: Turn): void {
  const { takeover } = turn.state;
  if (takeover === undefined || turn.now < takeover.at) return;
  turn.state.takeover = undefined;
  const primary = othersOf(turn.state).find(({ index }) => index === turn.state.primaryIndex);
  if (primary === undefined) return;
  if (takeover.kind === 'priority') {
    if (outranks(turn.state, primary)) startElection(turn, { reason: 'priorityTakeover' });
  } else if (isAheadOfCatchingUp(turn.state, primary)) {
    startElection(turn, { reason: 'catchupTakeover' });
  }
}
