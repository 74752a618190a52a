/**
 * Whether to give a vote. Pure; the caller has taken over the request's term before, and persists a granted real vote
 * before its reply leaves. Source: Raft §5.2 and §5.4.1, MongoDB's protocol version 1 (replSetRequestVotes).
 */
import { compareOpTimes, type OpTime, type Term } from '../base/optime.ts';
import { compareConfigs, formatConfigVersion, type ConfigVersionAndTerm } from './config.ts';
import { formatOpTimeText } from './format_optime.ts';
import type { VoteRequest } from './messages.ts';

/** The vote of the newest term this member voted in; `candidateIndex` is the candidate's place in the config. */
export interface LastVote {
  readonly term: Term;
  readonly candidateIndex: number;
}

/** What the decision depends on. */
export interface Voter {
  readonly setName: string;
  readonly term: Term;
  readonly config: ConfigVersionAndTerm;
  readonly lastVote: LastVote | undefined;
  /** 'host:port' of the candidate of `lastVote`, as the config names it. */
  readonly lastVoteHost: string;
  readonly lastWritten: OpTime;
  readonly isArbiter: boolean;
  /** A member other than the candidate that was primary when last heard of, and is up. */
  readonly healthyPrimary: { readonly host: string; readonly priority: number } | undefined;
  readonly candidatePriority: number;
}

/** Why the vote is refused, in MongoDB's words; '' when it is granted. The first reason counts. */
export function voteRefusal(voter: Voter, request: VoteRequest): string {
  const candidateConfig = { version: request.configVersion, term: request.configTerm };
  if (isConfigOlder(candidateConfig, voter.config)) {
    return (
      `candidate's config with ${formatConfigVersion(candidateConfig)} is older than mine with ` +
      formatConfigVersion(voter.config)
    );
  }
  if (isTermStale(request, voter)) return `candidate's term (${request.term}) is lower than mine (${voter.term})`;
  if (request.setName !== voter.setName) {
    return `candidate's set name (${request.setName}) differs from mine (${voter.setName})`;
  }
  if (isDataStale(request, voter)) {
    return (
      "candidate's data is staler than mine. candidate's last written OpTime: " +
      `${formatOpTimeText(request.lastWritten)}, my last written OpTime: ${formatOpTimeText(voter.lastWritten)}`
    );
  }
  if (hasVotedInTerm(request, voter)) {
    return `already voted for another candidate (${voter.lastVoteHost}) this term (${voter.lastVote?.term})`;
  }
  if (seesBetterPrimary(voter)) {
    return `can see a healthy primary (${voter.healthyPrimary?.host}) of equal or greater priority`;
  }
  return '';
}

function isConfigOlder(candidate: ConfigVersionAndTerm, mine: ConfigVersionAndTerm): boolean {
  return compareConfigs(candidate, mine) < 0;
}

function isTermStale(request: VoteRequest, voter: Voter): boolean {
  return request.term < voter.term;
}

/** Equal is fresh enough. Source: Raft §5.4.1. */
function isDataStale(request: VoteRequest, voter: Voter): boolean {
  return compareOpTimes(request.lastWritten, voter.lastWritten) < 0;
}

/**
 * One vote per term, also when the same candidate asks twice: it may have restarted meanwhile. A dry run costs no vote.
 * Source: Raft §5.2.
 */
function hasVotedInTerm(request: VoteRequest, voter: Voter): boolean {
  return !request.dryRun && voter.lastVote !== undefined && voter.lastVote.term === request.term;
}

/** An arbiter can not judge who is fresher, so it keeps a primary that is as good. Members with data do not refuse for this. */
function seesBetterPrimary(voter: Voter): boolean {
  const primary = voter.healthyPrimary;
  if (!voter.isArbiter || primary === undefined) return false;
  return primary.priority >= voter.candidatePriority;
}
