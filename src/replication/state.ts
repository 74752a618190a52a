/**
 * All that a member knows and decides from: the only mutable state of replication. `core.ts` owns the one instance;
 * the files beside it change it through a {@link Turn} (turn.ts) or read it.
 *
 * Invariants (checked after every step by `invariants.ts`):
 * - `term` and `lastVote.term` never fall; `lastVote.term <= term`.
 * - `leader` is set exactly when `role` is 'leader', `election` exactly when it is 'candidate'.
 * - the commit point never falls. It may be ahead of this member's own log, always on the branch its log is on: what is
 *   stable or readable at majority is the smaller of the commit point and `progress.applied`.
 * - config (term, version) never falls, and a config is set for good.
 * - `topologyCounter` never falls.
 */
import {
  TERM_UNINITIALIZED,
  TIMESTAMP_NULL,
  type OpTime,
  type Term,
  type Timestamp,
  OPTIME_NULL,
} from '../base/optime.ts';
import { ms, unixMs, type Ms, type UnixMs } from '../base/units.ts';
import type { MemberConfig, ReplSetConfig } from './config.ts';
import type { ElectionReason } from './election_reason.ts';
import type { ReplyTo } from './input.ts';
import { MEMBER_STATE, type MemberState } from './member_state.ts';
import type { HeartbeatReply } from './messages.ts';
import { POSITION_NULL, PROGRESS_NULL, type Position, type Progress } from './progress.ts';
import type { LastVote } from './vote.ts';

/** What never changes while the process runs. */
export interface CoreOptions {
  readonly setName: string;
  /** 24 hexadecimal digits, new with every start of the process. */
  readonly processId: string;
  /** Whether 'host:port' of a config is this member. The driver resolves names before it gives an input with a config. */
  readonly isSelf: (host: string) => boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The next reading of the cluster clock, for electionTime. Absent: made from the wall clock. */
  readonly clusterTime?: () => Timestamp;
}

export const NEVER = ms(Infinity);

/** Follower states a member moves through by itself; PRIMARY, ARBITER and the rest follow from other state. */
export type FollowerState =
  | typeof MEMBER_STATE.STARTUP2
  | typeof MEMBER_STATE.RECOVERING
  | typeof MEMBER_STATE.SECONDARY
  | typeof MEMBER_STATE.ROLLBACK;

/**
 * Heartbeats to one member. A new one does not cancel those under way: members that tell each other of changes again and
 * again would otherwise never hear an answer.
 */
export interface HeartbeatSchedule {
  /** NEVER while the newest one is under way. */
  nextAt: Ms;
  /** Request id to when it was sent. Results with other ids are ignored. */
  readonly inFlight: Map<number, Ms>;
  /** Request id of the newest one; only its failure counts. */
  newest: number;
  /** Replies to requests from this one on know of my last change of role. */
  restartedAt: number;
  /** Start of the current round: a first attempt and its retries share one timeout. */
  roundStartedAt: Ms;
  failures: number;
}

/** What this member knows about another one. */
export interface OtherMember {
  health: 'unknown' | 'up' | 'down';
  /** UNKNOWN before the first reply, DOWN after a failed one. */
  state: MemberState;
  /** The last good reply; undefined while down. */
  reply: HeartbeatReply | undefined;
  /** The furthest positions it ever reported on any way. */
  progress: Progress;
  /** Undefined when not up. */
  upSince: Ms | undefined;
  /** When something from it last arrived: a reply, a request, or positions (also through others). */
  lastUpdate: Ms;
  /** Nothing came for electionTimeoutMillis; see liveness.ts. */
  isStale: boolean;
  /** Nobody listened at its address when last tried, and nothing came from it since. */
  isRefused: boolean;
  /** Replies and definite refusals since heartbeats were last restarted by a change of role. */
  heardSinceRestart: boolean;
  lastReplyAt: Ms;
  lastHeartbeat: UnixMs;
  lastHeartbeatReceived: UnixMs;
  heartbeatMessage: string;
  /** The config it last named in a request or a reply. */
  configVersion: number;
  configTerm: Term;
  /** Average; undefined before the first reply. */
  pingMs: number | undefined;
  pings: number;
  readonly heartbeats: HeartbeatSchedule;
}

/** An election this member runs in. */
export interface Election {
  readonly reason: ElectionReason;
  readonly replyTo: ReplyTo | undefined;
  readonly fastCause: 'refused' | 'start' | undefined;
  dryRun: boolean;
  /** Requests of the current phase that have not been answered: request id to the voter's place in the config. */
  readonly pending: Map<number, number>;
  /** Places of the voters that said yes in this phase, my own included. */
  readonly yes: Set<number>;
}

/** What only a primary has. */
export interface Leader {
  readonly electedAt: UnixMs;
  readonly electionTime: Timestamp;
  /** catchUp -> draining -> startingTerm -> writable, never back. */
  phase: 'catchUp' | 'draining' | 'startingTerm' | 'writable';
  catchUpDeadline: Ms;
  catchUpTarget: OpTime | undefined;
  /** The entry that begins the term: nothing before it moves the commit point. */
  firstOptime: OpTime | undefined;
}

/** A replSetStepDown that waits for a secondary to catch up. */
export interface PendingStepDown {
  readonly replyTo: ReplyTo;
  readonly waitUntil: Ms;
  readonly stepDownUntil: Ms;
  readonly force: boolean;
}

/** A replSetInitiate under way. */
export interface PendingInitiate {
  readonly replyTo: ReplyTo;
  readonly config: ReplSetConfig;
  readonly extra: Readonly<Record<string, unknown>>;
  /** Quorum check: request id to host. */
  readonly pending: Map<number, string>;
  readonly failures: string[];
}

/** replSetGetStatus's electionCandidateMetrics, as far as known. */
export interface CandidateMetrics {
  readonly reason: ElectionReason;
  readonly date: UnixMs;
  readonly term: Term;
  readonly commitPoint: OpTime;
  readonly lastWritten: OpTime;
  readonly lastApplied: OpTime;
  readonly votesNeeded: number;
  readonly priority: number;
  readonly electionTimeoutMs: Ms;
  readonly priorPrimaryId: number | undefined;
  targetCatchUp: OpTime | undefined;
  newTermStartDate: UnixMs | undefined;
  writeAvailabilityDate: UnixMs | undefined;
}

/** replSetGetStatus's electionParticipantMetrics. */
export interface ParticipantMetrics {
  readonly voted: boolean;
  readonly term: Term;
  readonly date: UnixMs;
  readonly candidateId: number;
  readonly reason: string;
  readonly lastWritten: OpTime;
  readonly maxWritten: OpTime;
  readonly lastApplied: OpTime;
  readonly maxApplied: OpTime;
  readonly priority: number;
}

/** An election that need not wait for the election timeout; see fast_election.ts. */
export interface FastElection {
  readonly cause: 'refused' | 'start';
  at: Ms;
}

export interface State {
  readonly options: CoreOptions;
  startedAt: Ms;
  isStarted: boolean;
  isShuttingDown: boolean;

  config: ReplSetConfig | undefined;
  /** My place in the config; -1 without a config or when it leaves me out. */
  selfIndex: number;
  /** Parallel to the config's members; my own slot is unused. */
  others: OtherMember[];
  /** What {@link othersOf} returns: made anew with every config, because every step asks for it. */
  otherEntries: readonly OtherEntry[];

  term: Term;
  lastVote: LastVote | undefined;
  role: 'follower' | 'candidate' | 'leader';
  followerState: FollowerState;
  maintenanceCount: number;
  isTooStale: boolean;
  election: Election | undefined;
  leader: Leader | undefined;
  stepDown: PendingStepDown | undefined;
  initiate: PendingInitiate | undefined;

  progress: Progress;
  commitPoint: Position;
  rollbackId: number;
  /** No data, or an unfinished copy. Members in this state report no positions and stand for no election. */
  needsInitialSync: boolean;
  /**
   * This member had all entries up to there, on its disk, and threw them away to copy its data anew. Others may have counted
   * on them, so it votes as if it still had them.
   */
  promised: OpTime;
  /** Request id of a heartbeat to a member that is not in the config (or before there is one), to fetch its config. */
  fetchConfigRequestId: number;

  /** Place of the primary of this term as far as known; -1 for none. */
  primaryIndex: number;
  /** `_id` of the last primary this member knew of. */
  priorPrimaryId: number | undefined;
  syncSource: string | undefined;
  /** Host to the time until which it is not chosen as sync source. */
  readonly denied: Map<string, Ms>;
  lastSyncSourceChanges: Ms[];
  /** When positions are reported upstream although nothing moved. */
  keepAliveAt: Ms;

  electionAt: Ms;
  /** The election timeout passed while this member saw no majority; see `hastenOverdueElection`. */
  isElectionOverdue: boolean;
  fastElection: FastElection | undefined;
  fastAttempts: number;
  /** True until a primary was seen for the first time since the process started or got its first config. */
  mayElectEarly: boolean;
  takeover: { readonly kind: 'priority' | 'catchUp'; at: Ms } | undefined;
  /** Not a candidate before this: after stepping down, or frozen. */
  electableAt: Ms;
  electableAtWall: UnixMs;

  topologyCounter: number;
  infoMessage: { readonly text: string; readonly since: Ms } | undefined;
  candidateMetrics: CandidateMetrics | undefined;
  participantMetrics: ParticipantMetrics | undefined;
  readonly counters: ElectionCounters;
  nextRequestId: number;
}

/** serverStatus.electionMetrics. */
export interface ElectionCounters {
  readonly called: Map<ElectionReason, number>;
  readonly successful: Map<ElectionReason, number>;
  stepDownsByHigherTerm: number;
  catchUps: number;
  catchUpsSucceeded: number;
  catchUpsAlreadyCaughtUp: number;
  catchUpsSkipped: number;
  catchUpsTimedOut: number;
  catchUpsFailed: number;
  catchUpsWithNewTerm: number;
  catchUpsAborted: number;
}

export function newState(options: CoreOptions, now: Ms): State {
  return {
    options,
    startedAt: now,
    isStarted: false,
    isShuttingDown: false,
    config: undefined,
    selfIndex: -1,
    others: [],
    otherEntries: [],
    term: TERM_UNINITIALIZED,
    lastVote: undefined,
    role: 'follower',
    followerState: MEMBER_STATE.STARTUP2,
    maintenanceCount: 0,
    isTooStale: false,
    election: undefined,
    leader: undefined,
    stepDown: undefined,
    initiate: undefined,
    progress: PROGRESS_NULL,
    commitPoint: POSITION_NULL,
    rollbackId: 1,
    needsInitialSync: true,
    promised: OPTIME_NULL,
    fetchConfigRequestId: 0,
    primaryIndex: -1,
    priorPrimaryId: undefined,
    syncSource: undefined,
    denied: new Map(),
    lastSyncSourceChanges: [],
    keepAliveAt: NEVER,
    electionAt: NEVER,
    isElectionOverdue: false,
    fastElection: undefined,
    fastAttempts: 0,
    mayElectEarly: true,
    takeover: undefined,
    electableAt: ms(-Infinity),
    electableAtWall: unixMs(0),
    topologyCounter: 0,
    infoMessage: undefined,
    candidateMetrics: undefined,
    participantMetrics: undefined,
    counters: newCounters(),
    nextRequestId: 1,
  };
}

function newCounters(): ElectionCounters {
  return {
    called: new Map(),
    successful: new Map(),
    stepDownsByHigherTerm: 0,
    catchUps: 0,
    catchUpsSucceeded: 0,
    catchUpsAlreadyCaughtUp: 0,
    catchUpsSkipped: 0,
    catchUpsTimedOut: 0,
    catchUpsFailed: 0,
    catchUpsWithNewTerm: 0,
    catchUpsAborted: 0,
  };
}

export function newOtherMember(now: Ms): OtherMember {
  return {
    health: 'unknown',
    state: MEMBER_STATE.UNKNOWN,
    reply: undefined,
    progress: PROGRESS_NULL,
    upSince: undefined,
    lastUpdate: now,
    isStale: false,
    isRefused: false,
    heardSinceRestart: false,
    lastReplyAt: ms(-Infinity),
    lastHeartbeat: unixMs(0),
    lastHeartbeatReceived: unixMs(0),
    heartbeatMessage: '',
    configVersion: 0,
    configTerm: TERM_UNINITIALIZED,
    pingMs: undefined,
    pings: 0,
    heartbeats: { nextAt: NEVER, inFlight: new Map(), newest: 0, restartedAt: 0, roundStartedAt: now, failures: 0 },
  };
}

/** My entry of the config; undefined without a config or when it leaves me out. */
export function selfOf(state: State): MemberConfig | undefined {
  return state.config?.members[state.selfIndex];
}

/** The state this member shows. Source: MongoDB manual, "Replica Set Member States". */
export function ownState(state: State): MemberState {
  if (state.config === undefined) return MEMBER_STATE.STARTUP;
  const self = selfOf(state);
  if (self === undefined) return MEMBER_STATE.REMOVED;
  if (state.role === 'leader') return MEMBER_STATE.PRIMARY;
  if (self.arbiterOnly) return MEMBER_STATE.ARBITER;
  const isBlocked = state.maintenanceCount > 0 || state.isTooStale;
  if (isBlocked && state.followerState === MEMBER_STATE.SECONDARY) return MEMBER_STATE.RECOVERING;
  return state.followerState;
}

/** Whether clients may write: elected, caught up, drained, and not in the middle of a step-down. */
export function acceptsWrites(state: State): boolean {
  return state.leader?.phase === 'writable' && state.stepDown === undefined;
}

export function primaryHost(state: State): string | undefined {
  return state.config?.members[state.primaryIndex]?.host;
}

/** A config member that is not this one, with what is known about it. */
export interface OtherEntry {
  readonly index: number;
  readonly member: MemberConfig;
  readonly info: OtherMember;
}

/** Puts a config in place, with my place in it and what is known of its members: the only way to change any of the three. */
export function setConfig(state: State, config: ReplSetConfig, selfIndex: number, others: OtherMember[]): void {
  state.config = config;
  state.selfIndex = selfIndex;
  state.others = others;
  const entries = config.members.map((member, index) => ({ index, member, info: others[index] }));
  state.otherEntries = entries.filter(({ index }) => index !== selfIndex);
}

/** In the config's order; none before there is a config. */
export function othersOf(state: State): readonly OtherEntry[] {
  return state.otherEntries;
}

export function otherByHost(state: State, host: string): OtherEntry | undefined {
  for (const entry of state.otherEntries) if (entry.member.host === host) return entry;
  return undefined;
}

export function otherById(state: State, memberId: number): OtherEntry | undefined {
  for (const entry of state.otherEntries) if (entry.member.id === memberId) return entry;
  return undefined;
}

/** The timestamp part of an optime, for messages of people; null before the first entry. */
export function hasData(state: State): boolean {
  return state.progress.applied.optime.ts !== TIMESTAMP_NULL;
}
