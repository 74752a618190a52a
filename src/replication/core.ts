/**
 * Replication: decides who is primary, what is committed, and from whom to copy. One synchronous state machine.
 *
 * Concepts. A *term* is the time of at most one primary; an *optime* (term, timestamp) is a place in the oplog. The
 * *commit point* is the newest optime that a majority of voters has on disk. The protocol is MongoDB's protocol version
 * 1, which is Raft with a log that followers pull, possibly from each other.
 *
 * `step(input)` is the only door: it takes one input (input.ts), changes the state (state.ts) and returns what the member
 * has to do (effect.ts), in order. Everything else here only reads. There is no time, timer, chance or IO inside: inputs
 * carry the time, `deadline` says when a `tick` is wanted, random numbers come from the constructor's `random`.
 *
 * Duties of the driver:
 * - one `step` at a time; effects of a step in order, each waits for those before it; effects of later steps queue.
 * - every `sendHeartbeat` and `sendVoteRequest` is followed by its result, be it a failure; every `replyTo` is answered
 *   by exactly one `reply` effect.
 * - a failed write of a vote or a config stops the member.
 * - before it gives an input that carries a config, it has resolved the names in it, so that `isSelf` can tell.
 *
 * Life of an election: the election timer fires in `fireTimers` (or fast_election.ts did not need to wait for it),
 * `startElection` asks for votes in a dry run, `handleVoteResult` counts them, a new term begins with a vote for oneself
 * on disk, votes are counted again, `win` makes this member PRIMARY in name. catch_up.ts fetches what others have,
 * the driver drains (`startDrain`, `drained`), the config gets the new term, the first entry of the term is written
 * (`writeNewPrimaryNoop`, `newTermWritten`), `writesEnabled`.
 *
 * Files: decisions are pure functions in files of their own (vote, electability, commit_point, write_concern,
 * sync_source, liveness, config_validate); files named after an event change the state through a Turn.
 *
 * Not done yet: replSetReconfig, replSetSyncFrom, delayed members' own delay (the applier's), horizons in hello.
 */
import type { CommandError } from '../base/command_error.ts';
import { invariant } from '../base/invariant.ts';
import { compareOpTimes, termOf, type OpTime, type Term } from '../base/optime.ts';
import { ms, type Ms, type UnixMs } from '../base/units.ts';
import { abortCatchUp, catchUpFailed, handleDrained, handleNewTermWritten } from './catch_up.ts';
import { implicitDefaultIsMajority, type ReplSetConfig } from './config.ts';
import { configToDocument } from './config_document.ts';
import { becomeSecondary, installConfig } from './config_install.ts';
import type { PlainDocument } from './document.ts';
import type { Effect } from './effect.ts';
import { handleVoteResult } from './election.ts';
import { electionIdOf } from './election_time.ts';
import { knownProgress, oplogQueryDataOf, replDataOf } from './heartbeat.ts';
import { handleHeartbeatRequest, handleHeartbeatResult, handleRefused } from './heartbeat_exchange.ts';
import { helloDocument, topologyVersionDocument, type HelloOptions } from './hello.ts';
import { handleInitiate, handleInitiateWritten, handleQuorumResult } from './initiate.ts';
import type { Input } from './input.ts';
import { checkInvariants, takeBefore } from './invariants.ts';
import { isReadableState, MEMBER_STATE, type MemberState } from './member_state.ts';
import type { OplogQueryData, ReplData, UpdatePosition } from './messages.ts';
import { handleOwnProgress, handleSyncSourceMetadata, handleUpdatePosition, positionsToReport } from './position.ts';
import type { Position, Progress } from './progress.ts';
import { relinquish, setFollowerState, setSyncSource, transition } from './role.ts';
import { handleFreeze, handleMaintenance, handleStepUp, handleTermSeen } from './small_commands.ts';
import {
  acceptsWrites,
  newState,
  otherByHost,
  ownState,
  primaryHost,
  type CoreOptions,
  type ElectionCounters,
  type State,
} from './state.ts';
import { notYetInitialized, statusDocument, type StatusExtras } from './status.ts';
import { handleStepDown } from './step_down.ts';
import { chooseSource, reasonToChange, type SourceReport } from './sync_source.ts';
import { fireTimers, nextDeadline, shiftTimers } from './timers.ts';
import { raiseTopologyCounter, type Turn } from './turn.ts';
import { handleVoteRequest } from './vote_request.ts';
import { isSatisfied, unsatisfiableError, type WriteConcernDemand } from './write_concern.ts';

export type { CoreOptions } from './state.ts';
export type { WriteConcernDemand } from './write_concern.ts';

export class ReplicationCore {
  readonly #state: State;
  #lastNow: Ms = ms(-Infinity);

  constructor(options: CoreOptions) {
    this.#state = newState(options, ms(0));
  }

  /** The one door. Returns the effects in the order in which they must be carried out. */
  step(input: Input): readonly Effect[] {
    const state = this.#state;
    invariant(input.now >= this.#lastNow, 'monotonic time does not go back');
    invariant(state.isStarted === (input.kind !== 'start'), "'start' comes first, and once");
    this.#lastNow = input.now;
    const before = takeBefore(state);
    const turn: Turn = { state, now: input.now, wall: input.wall, effects: [] };
    handle(turn, input);
    checkInvariants(before, state);
    return turn.effects;
  }

  /** When a `tick` is wanted next; Infinity when none is. */
  get deadline(): Ms {
    return nextDeadline(this.#state);
  }

  get config(): ReplSetConfig | undefined {
    return this.#state.config;
  }

  /** My place in the config's members; -1 without a config or when it leaves me out. */
  get selfIndex(): number {
    return this.#state.selfIndex;
  }

  get memberState(): MemberState {
    return ownState(this.#state);
  }

  /** PRIMARY, and neither catching up nor draining nor about to step down. */
  get isWritablePrimary(): boolean {
    return acceptsWrites(this.#state);
  }

  get term(): Term {
    return this.#state.term;
  }

  /** May be ahead of the own log: what is readable at majority is the smaller of it and `progress.applied`. */
  get commitPoint(): Position {
    return this.#state.commitPoint;
  }

  get progress(): Progress {
    return this.#state.progress;
  }

  get topologyCounter(): number {
    return this.#state.topologyCounter;
  }

  /** 24 hexadecimal digits; only on a primary. */
  get electionId(): string | undefined {
    return this.#state.leader === undefined ? undefined : electionIdOf(this.#state.term);
  }

  /** 'host:port' of the primary as this member knows it. */
  get primary(): string | undefined {
    return primaryHost(this.#state);
  }

  get syncSource(): string | undefined {
    return this.#state.syncSource;
  }

  /** For serverStatus.electionMetrics. */
  get electionCounters(): Readonly<ElectionCounters> {
    return this.#state.counters;
  }

  /** PRIMARY or SECONDARY; a primary that can not write yet serves reads only with a read preference for secondaries. */
  get canAcceptReads(): boolean {
    return isReadableState(ownState(this.#state));
  }

  /** `$replData` of a reply; undefined without a config. */
  replData(): ReplData | undefined {
    return replDataOf(this.#state);
  }

  /** `$oplogQueryData` of a reply; undefined without a config. */
  oplogQueryData(): OplogQueryData | undefined {
    return oplogQueryDataOf(this.#state);
  }

  /** What replSetUpdatePosition to the sync source says now; undefined when nothing may be sent. */
  updatePosition(): UpdatePosition | undefined {
    return positionsToReport(this.#state);
  }

  /** From whom to fetch; undefined: nobody, ask again in a second or at `syncSourcesChanged`. */
  chooseSyncSource(now: Ms, lastFetched: OpTime): string | undefined {
    return chooseSource(this.#state, now, lastFetched);
  }

  /** Whether to leave `source` after a batch with that metadata. */
  shouldChangeSyncSource(now: Ms, source: string, data: OplogQueryData | undefined, lastFetched: OpTime): boolean {
    return this.reasonToChangeSyncSource({ now, source, data, lastFetched }) !== undefined;
  }

  /** As `shouldChangeSyncSource`, in words for the log; undefined to stay. */
  reasonToChangeSyncSource(report: SourceReport): string | undefined {
    return reasonToChange(this.#state, report);
  }

  /** The fields of hello from topologyVersion to lastWrite. */
  hello(options: HelloOptions): PlainDocument {
    return helloDocument(this.#state, options);
  }

  /** As replies and errors carry it. */
  topologyVersion(): PlainDocument {
    return topologyVersionDocument(this.#state);
  }

  /** replSetGetStatus. Throws NotYetInitialized or InvalidReplicaSetConfig. */
  status(now: Ms, wall: UnixMs, extras: StatusExtras = {}): PlainDocument {
    return statusDocument(this.#state, { now, wall }, extras);
  }

  /** replSetGetConfig's `config`. Throws NotYetInitialized. */
  configDocument(): PlainDocument {
    if (this.#state.config === undefined) throw notYetInitialized();
    return configToDocument(this.#state.config, { isInternal: false });
  }

  /** Only meaningful on the primary that wrote `optime`. */
  isWriteConcernSatisfied(optime: OpTime, demand: WriteConcernDemand): boolean {
    const { config, selfIndex, term, commitPoint } = this.#state;
    if (config === undefined || selfIndex < 0) return false;
    const progress = knownProgress(this.#state);
    return isSatisfied({ config, selfIndex, term, progress, commitPoint: commitPoint.optime }, optime, demand);
  }

  /** 79 or 100 when it can never be satisfied under the current config. */
  writeConcernError(demand: WriteConcernDemand): CommandError | undefined {
    return this.#state.config === undefined ? undefined : unsatisfiableError(this.#state.config, demand);
  }

  /** Of writes that name none, where no default was set for the cluster. */
  get implicitWriteConcern(): WriteConcernDemand {
    const { config } = this.#state;
    const isMajority = config !== undefined && implicitDefaultIsMajority(config);
    return { w: isMajority ? 'majority' : 1, j: undefined };
  }
}

type MessageKind =
  | 'start'
  | 'tick'
  | 'stalled'
  | 'heartbeatRequest'
  | 'heartbeatResult'
  | 'voteRequest'
  | 'voteResult'
  | 'connectionRefused'
  | 'updatePosition'
  | 'syncSourceMetadata';

type CommandKind = 'initiate' | 'stepDown' | 'stepUp' | 'freeze' | 'maintenance' | 'abortCatchUp' | 'termSeen';

/** The switch, in three parts: time and other members; this member's own work; commands. */
function handle(turn: Turn, input: Input): void {
  switch (input.kind) {
    case 'start':
      return handleStart(turn, input);
    case 'tick':
      return fireTimers(turn);
    case 'stalled':
      return shiftTimers(turn, input.duration);
    case 'heartbeatRequest':
      return handleHeartbeatRequest(turn, input.request, input.replyTo);
    case 'heartbeatResult':
      if (handleQuorumResult(turn, input.requestId, input.result)) return;
      return handleHeartbeatResult(turn, input, input.result);
    case 'voteRequest':
      return handleVoteRequest(turn, input.request, input.replyTo);
    case 'voteResult':
      return handleVoteResult(turn, input.requestId, input.result);
    case 'connectionRefused':
      return handleConnectionRefused(turn, input.target);
    case 'updatePosition':
      return handleUpdatePosition(turn, input.update, input.replyTo);
    case 'syncSourceMetadata':
      return handleSyncSourceMetadata(turn, input);
    default:
      return handleOwnWork(turn, input);
  }
}

function handleOwnWork(turn: Turn, input: Exclude<Input, { kind: MessageKind }>): void {
  switch (input.kind) {
    case 'progress':
      return handleOwnProgress(turn, input.progress);
    case 'syncSourceChanged':
      return setSyncSource(turn, input.source);
    case 'syncSourceDenied':
      turn.state.denied.set(input.target, input.until);
      return;
    case 'tooStale':
      return transition(turn, () => {
        turn.state.isTooStale = input.tooStale;
      });
    case 'initiateWritten':
      return handleInitiateWritten(turn, input.progress);
    case 'drained':
      return handleDrained(turn, input.term);
    case 'newTermWritten':
      return handleNewTermWritten(turn, input);
    case 'catchUpFailed':
      return catchUpFailed(turn);
    case 'initialSyncFinished':
      return handleInitialSyncFinished(turn, input.progress);
    case 'rollbackStarted':
      return handleRollbackStarted(turn);
    case 'rollbackFinished':
      return handleRollbackFinished(turn, input.progress, input.rollbackId);
    case 'shutdown':
      return handleShutdown(turn);
    default:
      return handleCommand(turn, input);
  }
}

function handleCommand(turn: Turn, input: Extract<Input, { kind: CommandKind }>): void {
  switch (input.kind) {
    case 'initiate':
      return handleInitiate(turn, input);
    case 'stepDown':
      return handleStepDown(turn, input.arguments, input.replyTo);
    case 'stepUp':
      return handleStepUp(turn, input.skipDryRun, input.replyTo);
    case 'freeze':
      return handleFreeze(turn, input.seconds, input.replyTo);
    case 'maintenance':
      return handleMaintenance(turn, input.enter, input.replyTo);
    case 'abortCatchUp':
      return abortCatchUp(turn, input.replyTo);
    case 'termSeen':
      return handleTermSeen(turn, input.term, input.replyTo);
  }
}

/** The term is the highest this member ever took part in. Source: Raft §5.1 (currentTerm and votedFor are persistent). */
function handleStart(turn: Turn, input: Extract<Input, { kind: 'start' }>): void {
  const { state } = turn;
  state.isStarted = true;
  state.startedAt = turn.now;
  state.lastVote = input.lastVote;
  state.progress = input.progress;
  state.rollbackId = input.rollbackId;
  state.promised = input.promised;
  state.needsInitialSync = input.needsInitialSync;
  state.term = termOf(Math.max(input.lastVote?.term ?? -1, input.progress.written.optime.t));
  if (input.config === undefined) return;
  invariant(input.config.setName === state.options.setName, 'the data belongs to this set');
  installConfig(turn, input.config, { isPersisted: true });
}

function handleConnectionRefused(turn: Turn, target: string): void {
  const entry = otherByHost(turn.state, target);
  if (entry === undefined) return;
  handleRefused(turn, entry, `Error connecting to ${target} :: caused by :: Connection refused`);
}

function handleInitialSyncFinished(turn: Turn, progress: Progress): void {
  const { state } = turn;
  invariant(state.needsInitialSync, 'an initial sync was asked for');
  state.needsInitialSync = false;
  state.progress = progress;
  if (state.selfIndex >= 0) becomeSecondary(turn);
}

function handleRollbackStarted(turn: Turn): void {
  invariant(turn.state.leader === undefined, 'a primary never rolls back');
  setFollowerState(turn, MEMBER_STATE.ROLLBACK);
}

/** Committed entries are never rolled back: the new end is at or after the commit point, as far as it was in the log. */
function handleRollbackFinished(turn: Turn, progress: Progress, rollbackId: number): void {
  const { state } = turn;
  invariant(state.followerState === MEMBER_STATE.ROLLBACK, 'a rollback was begun');
  const committed = state.commitPoint.optime;
  const wasInLog = compareOpTimes(committed, state.progress.written.optime) <= 0;
  invariant(
    !wasInLog || compareOpTimes(progress.applied.optime, committed) >= 0,
    'a rollback never goes behind the commit point',
  );
  state.progress = progress;
  state.rollbackId = rollbackId;
  becomeSecondary(turn);
}

/** No votes and no elections from now on; a primary that is still one stops. Hello tells so by its counter. */
function handleShutdown(turn: Turn): void {
  const { state } = turn;
  state.isShuttingDown = true;
  state.fastElection = undefined;
  state.takeover = undefined;
  if (state.leader !== undefined) relinquish(turn);
  else raiseTopologyCounter(turn);
  state.electionAt = ms(Infinity);
}
