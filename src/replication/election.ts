/**
 * Standing for election: a dry run that changes nothing, then the real one in a new term.
 * Source: Raft §5.2; MongoDB's protocol version 1 (the dry run is Raft's pre-vote, dissertation §9.6).
 */
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import { termOf } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';
import { beginCatchUp } from './catch_up.ts';
import { isElectable, isMajority, isVoter, majorityVoteCount, priorityOf, votersOf } from './config.ts';
import { unelectableText } from './electability.ts';
import type { ElectionReason } from './election_reason.ts';
import { cancelFastElection, maybeRetry } from './fast_election.ts';
import { restartHeartbeats } from './heartbeat.ts';
import type { ReplyTo, RequestResult } from './input.ts';
import { MEMBER_STATE } from './member_state.ts';
import type { VoteReply, VoteRequest } from './messages.ts';
import { abandonElection, resetElectionTimer, setSyncSource, transition, updateTerm } from './role.ts';
import { NEVER, othersOf, ownState, selfOf, type Election, type State } from './state.ts';
import { electionTimestamp } from './election_time.ts';
import { answer, emit, log, refuse, takeRequestId, type Turn } from './turn.ts';

/** A vote is waited for no longer than this. Source: MongoDB's vote requester. */
const VOTE_TIMEOUT_MS_MAX = 30_000;

export interface Candidacy {
  readonly reason: ElectionReason;
  readonly replyTo?: ReplyTo;
  /** Set when the election did not wait for the election timeout. */
  readonly fastCause?: 'refused' | 'start';
}

const ANNOUNCEMENTS: Readonly<Record<ElectionReason, { id: number; message: string; refusedId: number }>> = {
  electionTimeout: {
    id: 4615652,
    message: "Starting an election, since we've seen no PRIMARY in election timeout period",
    refusedId: 4615655,
  },
  priorityTakeover: { id: 4615660, message: 'Starting an election for a priority takeover', refusedId: 4615656 },
  stepUpRequest: { id: 4615661, message: 'Starting an election due to step up request', refusedId: 4615657 },
  stepUpRequestSkipDryRun: { id: 4615661, message: 'Starting an election due to step up request', refusedId: 4615657 },
  catchupTakeover: { id: 4615662, message: 'Starting an election for a catchup takeover', refusedId: 4615658 },
  singleNodePromptElection: {
    id: 4615659,
    message: 'Starting an election due to single node replica set prompt election',
    refusedId: 4764800,
  },
};

/** Stands for election if this member may; otherwise says why not. */
export function startElection(turn: Turn, candidacy: Candidacy): void {
  const { state } = turn;
  const { reason, replyTo } = candidacy;
  const { id, message, refusedId } = ANNOUNCEMENTS[reason];
  const obstacle = unelectableText(state, turn.now, reason);
  if (obstacle !== undefined) {
    const text = 'Not starting an election, since we are not electable';
    log(turn, { component: 'ELECTION', id: refusedId, message: text, attributes: { reason: obstacle } });
    if (replyTo !== undefined) refuse(turn, replyTo, new CommandError('CommandFailed', 'Election failed.'));
    return;
  }
  const electionTimeoutPeriodMillis = state.config?.settings.electionTimeoutMs;
  const attributes = reason === 'electionTimeout' ? { electionTimeoutPeriodMillis } : {};
  log(turn, { component: 'ELECTION', id, message, attributes });
  count(state.counters.called, reason);
  const election: Election = {
    reason,
    replyTo,
    fastCause: candidacy.fastCause,
    dryRun: true,
    pending: new Map(),
    yes: new Set(),
  };
  state.role = 'candidate';
  state.election = election;
  if (reason === 'singleNodePromptElection' || reason === 'stepUpRequestSkipDryRun') {
    log(turn, {
      component: 'ELECTION',
      id: 21437,
      message: 'Skipping dry run and running for election',
      attributes: { newTerm: state.term + 1 },
    });
    startRealElection(turn, election);
    return;
  }
  log(turn, {
    component: 'ELECTION',
    id: 21438,
    message: 'Conducting a dry run election to see if we could be elected',
    attributes: { currentTerm: state.term },
  });
  requestVotes(turn, election);
}

/** The vote for myself is on disk before the first request leaves: it can not be given twice. Source: Raft §5.2. */
function startRealElection(turn: Turn, election: Election): void {
  const { state } = turn;
  const term = termOf(state.term + 1);
  invariant(state.lastVote === undefined || state.lastVote.term < term, 'no vote was given in the new term');
  election.dryRun = false;
  state.term = term;
  state.primaryIndex = -1;
  state.lastVote = { term, candidateIndex: state.selfIndex };
  emit(turn, { kind: 'persistVote', vote: state.lastVote });
  resetElectionTimer(turn);
  requestVotes(turn, election);
}

function requestVotes(turn: Turn, election: Election): void {
  const { state } = turn;
  invariant(state.config !== undefined, 'a candidate has a config');
  election.pending.clear();
  election.yes.clear();
  election.yes.add(state.selfIndex);
  const request = voteRequest(state, election.dryRun);
  const timeout = ms(Math.min(state.config.settings.electionTimeoutMs, VOTE_TIMEOUT_MS_MAX));
  for (const { index, member } of othersOf(state)) {
    if (!isVoter(member)) continue;
    const requestId = takeRequestId(turn);
    election.pending.set(requestId, index);
    emit(turn, { kind: 'sendVoteRequest', target: member.host, requestId, request, timeout });
  }
  decide(turn, election);
}

function voteRequest(state: State, dryRun: boolean): VoteRequest {
  invariant(state.config !== undefined, 'a candidate has a config');
  return {
    setName: state.options.setName,
    dryRun,
    term: state.term,
    candidateIndex: state.selfIndex,
    configVersion: state.config.version,
    configTerm: state.config.term,
    lastApplied: state.progress.applied.optime,
    lastWritten: state.progress.written.optime,
  };
}

/** An answer to a vote request, or its failure, which counts as a no. */
export function handleVoteResult(turn: Turn, requestId: number, result: RequestResult<VoteReply>): void {
  const { state } = turn;
  const { election } = state;
  const index = election?.pending.get(requestId);
  // Even a late reply may tell of a higher term.
  if (result.kind === 'reply' && updateTerm(turn, result.reply.term)) return;
  if (election === undefined || index === undefined) return;
  election.pending.delete(requestId);
  logVote(turn, election, { index, result });
  if (result.kind === 'reply' && result.reply.voteGranted) election.yes.add(index);
  decide(turn, election);
}

function logVote(
  turn: Turn,
  election: Election,
  { index, result }: { index: number; result: RequestResult<VoteReply> },
): void {
  const from = turn.state.config?.members[index]?.host;
  const term = turn.state.term;
  const attributes =
    result.kind === 'reply'
      ? { term, dryRun: election.dryRun, vote: result.reply.voteGranted ? 'yes' : 'no', from, message: result.reply }
      : { term, dryRun: election.dryRun, failReason: 'failed to receive response', error: result.message, from };
  log(turn, { component: 'ELECTION', id: 51799, message: 'VoteRequester processResponse', attributes });
}

/** Goes on as soon as the outcome is certain. */
function decide(turn: Turn, election: Election): void {
  const { state } = turn;
  invariant(state.config !== undefined, 'a candidate has a config');
  const voters = votersOf(state.config).length;
  if (hasEnoughVotes(election, voters) && hasPrimarysConsent(state, election)) {
    if (election.dryRun) continueAfterDryRun(turn, election);
    else win(turn, election);
    return;
  }
  if (election.pending.size > 0 && isMajority(Math.min(voters, election.yes.size + election.pending.size), voters))
    return;
  lose(turn, election);
}

/** The candidate's own vote included. */
function hasEnoughVotes(election: Election, voters: number): boolean {
  return isMajority(election.yes.size, voters);
}

/** A member that wants to take over from a primary that catches up must be sure that one is really behind it. */
function hasPrimarysConsent(state: State, election: Election): boolean {
  if (election.reason !== 'catchupTakeover' || !election.dryRun) return true;
  return state.primaryIndex >= 0 && election.yes.has(state.primaryIndex);
}

function continueAfterDryRun(turn: Turn, election: Election): void {
  log(turn, {
    component: 'ELECTION',
    id: 21444,
    message: 'Dry election run succeeded, running for election',
    attributes: { newTerm: turn.state.term + 1 },
  });
  startRealElection(turn, election);
}

function lose(turn: Turn, election: Election): void {
  const message = election.dryRun
    ? 'Not running for election, we received insufficient votes'
    : 'Not becoming primary, we received insufficient votes';
  log(turn, { component: 'ELECTION', id: election.dryRun ? 21441 : 21446, message });
  abandonElection(turn);
  maybeRetry(turn, election.fastCause);
}

function win(turn: Turn, election: Election): void {
  const { state } = turn;
  const self = selfOf(state);
  invariant(state.config !== undefined && self !== undefined, 'a winner is in its config');
  invariant(isElectable(self), 'a winner is electable');
  invariant(state.lastVote?.term === state.term, 'a winner voted for itself in its term');
  log(turn, {
    component: 'ELECTION',
    id: 21450,
    message: 'Election succeeded, assuming primary role',
    attributes: { term: state.term },
  });
  count(state.counters.successful, election.reason);
  state.candidateMetrics = {
    reason: election.reason,
    date: turn.wall,
    term: state.term,
    commitPoint: state.commitPoint.optime,
    lastWritten: state.progress.written.optime,
    lastApplied: state.progress.applied.optime,
    votesNeeded: majorityVoteCount(state.config),
    priority: priorityOf(self),
    electionTimeoutMs: state.config.settings.electionTimeoutMs,
    priorPrimaryId: state.priorPrimaryId,
    targetCatchUp: undefined,
    newTermStartDate: undefined,
    writeAvailabilityDate: undefined,
  };
  state.participantMetrics = undefined;
  assumePrimaryRole(turn);
  if (election.replyTo !== undefined) answer(turn, election.replyTo);
}

/** PRIMARY in name: no client may write before catch-up and drain are over. */
function assumePrimaryRole(turn: Turn): void {
  const { state } = turn;
  cancelFastElection(state);
  transition(turn, () => {
    state.election = undefined;
    state.role = 'leader';
    state.leader = {
      electedAt: turn.wall,
      electionTime: electionTimestamp(state, turn.wall),
      phase: 'catchUp',
      catchUpDeadline: NEVER,
      catchUpTarget: undefined,
      firstOptime: undefined,
    };
    state.primaryIndex = state.selfIndex;
  });
  invariant(ownState(state) === MEMBER_STATE.PRIMARY, 'the winner is primary');
  state.priorPrimaryId = selfOf(state)?.id;
  setSyncSource(turn, undefined);
  for (const { info } of othersOf(state)) {
    info.lastUpdate = turn.now;
    info.isStale = false;
  }
  restartHeartbeats(turn);
  beginCatchUp(turn);
}

function count(counters: Map<ElectionReason, number>, reason: ElectionReason): void {
  counters.set(reason, (counters.get(reason) ?? 0) + 1);
}

/** When the running candidate could stand again at the earliest, for the single member of a set. */
export function singleMemberElectionAt(state: State): Ms {
  const self = selfOf(state);
  const isSingle = state.config?.members.length === 1 && self !== undefined && isElectable(self);
  if (!isSingle || state.role !== 'follower' || state.isShuttingDown) return NEVER;
  return ownState(state) === MEMBER_STATE.SECONDARY ? state.electableAt : NEVER;
}
