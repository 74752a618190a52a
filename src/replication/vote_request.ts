/** A request for this member's vote. The decision itself is in vote.ts. Source: MongoDB's replSetRequestVotes. */
import { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import { compareOpTimes, laterOpTime, type OpTime } from '../base/optime.ts';
import { priorityOf } from './config.ts';
import { hurryHeartbeat } from './heartbeat.ts';
import type { ReplyTo } from './input.ts';
import { MEMBER_STATE } from './member_state.ts';
import type { VoteReply, VoteRequest } from './messages.ts';
import type { Progress } from './progress.ts';
import { updateTerm } from './role.ts';
import { otherByHost, othersOf, selfOf, type State } from './state.ts';
import { notYetInitialized } from './status.ts';
import { emit, log, refuse, type Turn } from './turn.ts';
import { voteRefusal, type Voter } from './vote.ts';

export function handleVoteRequest(turn: Turn, request: VoteRequest, replyTo: ReplyTo): void {
  const { state } = turn;
  const error = requestError(state, request);
  if (error !== undefined) {
    refuse(turn, replyTo, error);
    return;
  }
  // A higher term counts whether or not the vote is given, so a primary has stepped down before the reply leaves.
  updateTerm(turn, request.term);
  const voter = voterOf(state, request);
  const reason = voteRefusal(voter, request);
  if (reason !== '' && voter.isArbiter) lookAgainAt(turn, voter.healthyPrimary?.host);
  const reply: VoteReply = { term: state.term, voteGranted: reason === '', reason };
  if (!request.dryRun && request.term === state.term) noteParticipation(turn, request, reply);
  if (reply.voteGranted && !request.dryRun) giveVote(turn, request);
  log(turn, {
    component: 'ELECTION',
    id: 23980,
    message: 'Responding to vote request',
    attributes: { request, response: reply },
  });
  emit(turn, { kind: 'reply', replyTo, reply: { kind: 'vote', reply } });
}

/** Somebody wants to replace a primary that this arbiter takes for healthy: it may have died since the last heartbeat. */
function lookAgainAt(turn: Turn, host: string | undefined): void {
  const primary = host === undefined ? undefined : otherByHost(turn.state, host);
  if (primary !== undefined) hurryHeartbeat(turn, primary);
}

/** The effect comes before the reply: a vote that could be forgotten is none. Source: Raft §5.2. */
function giveVote(turn: Turn, request: VoteRequest): void {
  const { state } = turn;
  invariant(request.term === state.term, 'a vote is given in the own term');
  invariant(state.lastVote === undefined || state.lastVote.term < request.term, 'one vote per term');
  state.lastVote = { term: request.term, candidateIndex: request.candidateIndex };
  emit(turn, { kind: 'persistVote', vote: state.lastVote });
}

function requestError(state: State, request: VoteRequest): CommandError | undefined {
  if (state.isShuttingDown) return new CommandError('ShutdownInProgress', 'In the process of shutting down');
  if (state.config === undefined) return notYetInitialized();
  if (selfOf(state) === undefined) {
    const message = 'Invalid replica set config, or this node is not a member';
    return new CommandError('InvalidReplicaSetConfig', message);
  }
  const last = state.config.members.length - 1;
  if (request.candidateIndex >= 0 && request.candidateIndex <= last) return undefined;
  const message = `Invalid candidateIndex: ${request.candidateIndex}. Must be between 0 and ${last} inclusive`;
  return new CommandError('BadValue', message);
}

function voterOf(state: State, request: VoteRequest): Voter {
  const { config } = state;
  const self = selfOf(state);
  invariant(config !== undefined && self !== undefined, 'only members vote');
  const candidate = config.members[request.candidateIndex];
  return {
    setName: state.options.setName,
    term: state.term,
    config,
    lastVote: state.lastVote,
    lastVoteHost: config.members[state.lastVote?.candidateIndex ?? -1]?.host ?? 'unknown',
    lastWritten: laterOpTime(state.progress.written.optime, state.promised),
    isArbiter: self.arbiterOnly,
    healthyPrimary: healthyPrimaryOf(state, request.candidateIndex),
    candidatePriority: candidate === undefined ? 0 : priorityOf(candidate),
  };
}

/** By what was last heard of it, whatever its term. A candidate that claims to be primary itself does not count. */
function healthyPrimaryOf(state: State, candidateIndex: number): Voter['healthyPrimary'] {
  const primary = othersOf(state).find(
    ({ index, info }) =>
      index !== candidateIndex && info.health === 'up' && !info.isStale && info.state === MEMBER_STATE.PRIMARY,
  );
  return primary === undefined ? undefined : { host: primary.member.host, priority: priorityOf(primary.member) };
}

function noteParticipation(turn: Turn, request: VoteRequest, reply: VoteReply): void {
  const { state } = turn;
  const self = selfOf(state);
  state.participantMetrics = {
    voted: reply.voteGranted,
    term: request.term,
    date: turn.wall,
    candidateId: state.config?.members[request.candidateIndex]?.id ?? -1,
    reason: reply.reason,
    lastWritten: state.progress.written.optime,
    maxWritten: newest(state, ({ written }) => written.optime),
    lastApplied: state.progress.applied.optime,
    maxApplied: newest(state, ({ applied }) => applied.optime),
    priority: self === undefined ? 0 : priorityOf(self),
  };
}

/** The newest optime known of any member. */
function newest(state: State, pick: (progress: Progress) => OpTime): OpTime {
  let best = pick(state.progress);
  for (const { info } of othersOf(state)) {
    const optime = pick(info.progress);
    if (compareOpTimes(optime, best) > 0) best = optime;
  }
  return best;
}
