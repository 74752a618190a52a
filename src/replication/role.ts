/**
 * How a member changes what it is: terms, follower states, becoming and ceasing to be primary.
 * Source: Raft §5.1, §5.2; MongoDB manual, "Replica Set Member States"; MongoDB's protocol version 1.
 */
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import type { Term } from '../base/optime.ts';
import { ms } from '../base/units.ts';
import { isElectable, type MemberConfig } from './config.ts';
import { MEMBER_STATE, stateName } from './member_state.ts';
import { NEVER, othersOf, ownState, selfOf, type FollowerState, type State } from './state.ts';
import { emit, later, log, raiseTopologyCounter, randomBelow, refuse, type Turn } from './turn.ts';

/** Members draw their election timeouts apart by up to this share. Source: replElectionTimeoutOffsetLimitFraction. */
const ELECTION_TIMEOUT_SPREAD = 0.15;

/**
 * Starts the election timeout anew, with a fresh random part; off for members that cannot be elected.
 * Source: Raft §5.2 (randomized election timeouts).
 */
export function resetElectionTimer(turn: Turn): void {
  const { state } = turn;
  state.isElectionOverdue = false;
  const self = selfOf(state);
  if (state.config === undefined || self === undefined || !mayStand(state, self)) {
    state.electionAt = NEVER;
    return;
  }
  const timeout = state.config.settings.electionTimeoutMs;
  state.electionAt = later(turn, timeout + randomBelow(turn, timeout * ELECTION_TIMEOUT_SPREAD));
}

/** What a member that was cut off waits after it sees a majority again, and as much again at random. */
const OVERDUE_DELAY_MS = 1000;

/**
 * A majority is in sight again. If the election timeout passed meanwhile without one, this member need not wait for it a
 * second time, only long enough to hear of a primary, whose heartbeat starts the timeout anew.
 */
export function hastenOverdueElection(turn: Turn): void {
  const { state } = turn;
  if (!state.isElectionOverdue) return;
  state.isElectionOverdue = false;
  const at = later(turn, OVERDUE_DELAY_MS + randomBelow(turn, OVERDUE_DELAY_MS));
  if (at < state.electionAt) state.electionAt = at;
}

function mayStand(state: State, self: MemberConfig): boolean {
  return isElectable(self) && ownState(state) === MEMBER_STATE.SECONDARY && !state.isShuttingDown;
}

/**
 * Makes a change that may alter the state others see: raises the topology counter first, then announces the state.
 * Source: MongoDB's streaming hello: the counter rises with every new evaluation of the state.
 */
export function transition(turn: Turn, change: () => void): void {
  const from = ownState(turn.state);
  change();
  const to = ownState(turn.state);
  raiseTopologyCounter(turn);
  if (from === to) return;
  log(turn, {
    id: 21358,
    // Tools look for this wording in the message itself.
    message: `Replica set state transition to ${stateName(to)} from ${stateName(from)}`,
    attributes: { newState: stateName(to), oldState: stateName(from) },
  });
  emit(turn, { kind: 'stateChanged', from, to });
  // Whoever begins to roll back while it waits for votes must not win with what it is about to give up.
  if (turn.state.role === 'candidate' && to !== MEMBER_STATE.SECONDARY) abandonElection(turn);
  turn.state.takeover = undefined;
  resetElectionTimer(turn);
}

export function setFollowerState(turn: Turn, followerState: FollowerState): void {
  invariant(turn.state.leader === undefined, 'a primary steps down before it changes its follower state');
  transition(turn, () => {
    turn.state.followerState = followerState;
  });
}

/** Forgets which member is primary, and finds it again from the last replies. True when it changed. */
export function findPrimary(state: State): boolean {
  const before = state.primaryIndex;
  state.primaryIndex = primaryIndexOf(state);
  return state.primaryIndex !== before;
}

/** A primary of an older term is none: it just does not know yet. */
function primaryIndexOf(state: State): number {
  if (state.leader !== undefined) return state.selfIndex;
  const primary = othersOf(state).find(
    ({ info }) => info.state === MEMBER_STATE.PRIMARY && info.reply !== undefined && info.reply.term === state.term,
  );
  return primary?.index ?? -1;
}

/**
 * Takes over a higher term: whoever acted in the old one stops. False when the term is not higher.
 * Source: Raft §5.1: "if one server's current term is smaller than the other's, it updates its term to the larger value".
 */
export function updateTerm(turn: Turn, term: Term): boolean {
  const { state } = turn;
  if (term <= state.term) return false;
  if (state.leader !== undefined) {
    log(turn, {
      id: 21402,
      message: 'Stepping down from primary, because a new term has begun',
      attributes: { term },
    });
    state.counters.stepDownsByHigherTerm += 1;
    if (state.leader.phase === 'catchUp') state.counters.catchUpsWithNewTerm += 1;
    relinquish(turn);
  }
  if (state.role === 'candidate') abandonElection(turn);
  state.term = term;
  state.takeover = undefined;
  if (state.fastElection !== undefined)
    state.fastElection.at = later(turn, state.fastElection.at - turn.now + LOSER_DELAY_MS);
  findPrimary(state);
  resetElectionTimer(turn);
  return true;
}

/** A member that was about to stand lets the one that was faster finish first. */
const LOSER_DELAY_MS = 150;

/** No longer a candidate; late votes of the election count for nothing. */
export function abandonElection(turn: Turn): void {
  const { election } = turn.state;
  invariant(election !== undefined, 'a candidate has an election');
  turn.state.election = undefined;
  turn.state.role = 'follower';
  if (election.replyTo !== undefined) {
    refuse(turn, election.replyTo, new CommandError('CommandFailed', 'Election failed.'));
  }
}

/** Stops client writes; operations that write are killed. The counter rises before any of them can fail. */
export function disableWrites(turn: Turn): void {
  raiseTopologyCounter(turn);
  emit(turn, { kind: 'writesDisabled' });
}

/** Primary to secondary, at once and whatever is under way; a replSetStepDown that still waits has failed (189). */
export function relinquish(turn: Turn, options: { readonly areWritesDisabled?: boolean } = {}): void {
  const { state } = turn;
  invariant(state.leader !== undefined, 'only a primary steps down');
  const pending = state.stepDown;
  state.stepDown = undefined;
  const areWritesDisabled = options.areWritesDisabled === true || pending !== undefined;
  if (!areWritesDisabled && state.leader.phase === 'writable') disableWrites(turn);
  transition(turn, () => {
    state.leader = undefined;
    state.role = 'follower';
    state.primaryIndex = -1;
  });
  state.candidateMetrics = undefined;
  emit(turn, { kind: 'steppedDown' });
  emit(turn, { kind: 'wakeWriteConcern' });
  if (pending !== undefined) refuse(turn, pending.replyTo, steppedDownMeanwhile());
  startSync(turn);
  invariant(ownState(state) !== MEMBER_STATE.PRIMARY, 'a primary that stepped down is none');
}

function steppedDownMeanwhile(): CommandError {
  return new CommandError(
    'PrimarySteppedDown',
    'While waiting for secondaries to catch up before stepping down, this node decided to step down for other reasons',
  );
}

/** Fetch data in the way this member needs, unless it holds none by its role. */
export function startSync(turn: Turn): void {
  const { state } = turn;
  const self = selfOf(state);
  if (self === undefined || self.arbiterOnly) return;
  setSyncSource(turn, undefined);
  emit(turn, { kind: 'startSync', mode: state.needsInitialSync ? 'initialSync' : 'steady' });
}

export function setSyncSource(turn: Turn, source: string | undefined): void {
  const { state } = turn;
  if (state.syncSource === source) return;
  if (state.syncSource !== undefined && source !== undefined) state.lastSyncSourceChanges.push(turn.now);
  if (state.lastSyncSourceChanges.length > SYNC_SOURCE_CHANGES_KEPT) state.lastSyncSourceChanges.shift();
  state.syncSource = source;
  state.keepAliveAt = source === undefined ? NEVER : nextKeepAlive(turn);
}

/** More than the rule in sync_source.ts looks at. */
const SYNC_SOURCE_CHANGES_KEPT = 8;

const KEEP_ALIVE_MS_MAX = 30_000;

/** A source hears from its followers well within the election timeout. Source: MongoDB's replSetUpdatePosition keep-alive. */
export function nextKeepAlive(turn: Turn): typeof NEVER {
  const electionTimeout = turn.state.config?.settings.electionTimeoutMs ?? ms(KEEP_ALIVE_MS_MAX);
  return later(turn, Math.min(electionTimeout / 2, KEEP_ALIVE_MS_MAX));
}
