/**
 * Replication of one member: what the core decides is carried out here, and what happens around it becomes its inputs.
 * Commands see it as their `ReplicationService`.
 */
import { CommandError, isCommandError } from '../base/command_error.ts';
import { NetworkError, type Env } from '../base/env.ts';
import type { Log } from '../base/log.ts';
import { TERM_UNINITIALIZED, type OpTime, type Term, type Timestamp } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';
import { encodeDocument } from '../bson/codec.ts';
import type { OperationRegistry } from '../commands/operation.ts';
import type {
  ReplicationService,
  ShutdownOptions,
  WriteConcernOutcome,
} from '../commands/replication/replication_service.ts';
import type { WriteConcern } from '../commands/concern/write_concern.ts';
import type { Parameters } from '../commands/server/parameters.ts';
import type { MemberData } from '../database/member_data.ts';
import { dropTemporaryCollections } from '../database/write/write_catalog.ts';
import { parseConfig } from '../replication/config_parse.ts';
import { configToDocument } from '../replication/config_document.ts';
import { ReplicationCore } from '../replication/core.ts';
import { isSubdocument } from '../replication/document.ts';
import type { Effect, SyncMode } from '../replication/effect.ts';
import type { InputBody, ReplyTo } from '../replication/input.ts';
import { MEMBER_STATE, type MemberState } from '../replication/member_state.ts';
import type { Position } from '../replication/progress.ts';
import { Applier } from './applier.ts';
import { InitialSync, newUuid } from './initial_sync.ts';
import type { LocalState, PlainDocument } from './local_state.ts';
import { MemberRequests, type EffectOf } from './member_requests.ts';
import { NoopWriter } from './noop_writer.ts';
import { TtlMonitor } from './ttl_monitor.ts';
import { Peers } from './peers.ts';
import { PositionReporter } from './position_reporter.ts';
import { Positions } from './positions.ts';
import { ReplicationDriver, type GoodReply } from './replication_driver.ts';
import { ReplicationWaits } from './replication_waits.ts';
import { rollBack } from './rollback.ts';
import type { SelfResolver } from './self_resolver.ts';
import { SteadySync } from './steady_sync.ts';

export interface MemberReplicationOptions {
  readonly env: Env;
  readonly log: Log;
  readonly setName: string;
  /** 24 hexadecimal digits, new with every start of the process. */
  readonly processId: string;
  /** Recovered: it holds all that the oplog has. */
  readonly data: MemberData;
  readonly localState: LocalState;
  readonly operations: OperationRegistry;
  readonly self: SelfResolver;
  readonly parameters: Parameters;
  /** Closes clients' connections, except those of members and of clients that asked to be kept. */
  readonly hangUp: () => void;
  /** Ends the whole member in good order. */
  readonly shutDown: (options: ShutdownOptions) => Promise<void>;
  readonly onFatal: (error: unknown) => void;
}

/** One function per kind of effect; a promise when it is done later than in this turn. */
type EffectHandlers = { readonly [Kind in Effect['kind']]: (effect: EffectOf<Kind>) => Promise<void> | void };

/** Waits for a source that failed at the beginning of a rollback. */
const ROLLBACK_RETRY_MS = 1000;

/** How long a source is left alone whose oplog does not go back far enough for a rollback. */
const DENY_TOO_SHORT_MS = 60_000;

const COMMIT_POINT_DELAY_MS = ms(2);

/** How long a new primary that has no room for its first entry waits before it tries again. */
const NO_ROOM_RETRY_MS = ms(500);

export class MemberReplication implements ReplicationService {
  readonly core: ReplicationCore;
  readonly isReplicaSet = true;
  readonly #options: MemberReplicationOptions;
  readonly #driver: ReplicationDriver;
  readonly #handlers: EffectHandlers;
  readonly #waits: ReplicationWaits;
  readonly #positions: Positions;
  readonly #peers: Peers;
  readonly #requests: MemberRequests;
  readonly #applier: Applier;
  readonly #steadySync: SteadySync;
  readonly #reporter: PositionReporter;
  readonly #noopWriter: NoopWriter;
  readonly #ttlMonitor: TtlMonitor;
  #initialSync: InitialSync | undefined;
  #initialSyncRunning: Promise<void> = Promise.resolve();
  /** Before it, inputs wait or are dropped: the core's first input must be what this member remembers. */
  readonly #started: Promise<void>;
  #resolveStarted = () => {};
  #isStarted = false;
  #isTellingCommitPoint = false;
  #isQuiescing = false;
  #isStopped = false;

  constructor(options: MemberReplicationOptions) {
    const { env, log, data, localState, self, onFatal } = options;
    this.#options = options;
    const core = new ReplicationCore({
      setName: options.setName,
      processId: options.processId,
      isSelf: (host) => self.isSelf(host),
      random: () => env.random.uint32() / 2 ** 32,
      clusterTime: () => data.clock.tick(),
    });
    this.core = core;
    this.#started = new Promise((resolve) => {
      this.#resolveStarted = resolve;
    });
    this.#handlers = this.#createHandlers();
    this.#driver = new ReplicationDriver({ env, core, perform: (effect) => this.#perform(effect), onFatal });
    this.#positions = new Positions({ core, data, localState });
    this.#waits = new ReplicationWaits({
      env,
      core,
      // The failure of a sync reaches the member through the journal's own callback.
      wantDurable: (optime) => void data.oplog.durableAt(optime).catch(() => {}),
      appliedTimestamp: () => this.#positions.applied.ts,
      committedTimestamp: () => data.committedTimestamp,
    });
    const peers = new Peers({ env, onRefused: (target) => this.submit({ kind: 'connectionRefused', target }) });
    this.#peers = peers;
    this.#requests = new MemberRequests({ peers, self, submit: (input) => this.submit(input) });
    const onApplied = (position: Position): void => this.#noteApplied(position);
    this.#applier = new Applier({ env, data, onApplied, onFatal });
    this.#reporter = new PositionReporter({ core, peers, log, timers: env.timers });
    this.#noopWriter = new NoopWriter({ env, core, data });
    this.#ttlMonitor = new TtlMonitor({ env, data, parameters: options.parameters, onFatal });
    const rollBackFrom = (source: string): Promise<void> => this.#rollBack(source);
    const applier = this.#applier;
    this.#steadySync = new SteadySync({
      env,
      log,
      data,
      applier,
      peers,
      replication: this,
      rollBack: rollBackFrom,
      onFatal,
    });
  }

  /** Gives the core what this member remembers; from then on it takes part. */
  async start(): Promise<void> {
    const { data, localState, self } = this.#options;
    const { config, lastVote, initialSyncRunning, rollbackId, promised } = localState.values;
    const parsed = config === undefined ? undefined : parseConfig(config);
    if (parsed !== undefined) await self.learn(parsed.members.map(({ host }) => host));
    if (this.#isStopped) return;
    data.oplog.onAppend(() => {
      // Elsewhere the applier reports: 'written' alone would only be one more message per batch.
      if (this.#positions.isPrimary) this.#reportProgress();
    });
    data.oplog.onDurable(() => this.#reportProgress());
    const { progress } = this.#positions;
    const needsInitialSync = initialSyncRunning || progress.written.optime.ts === 0;
    this.#isStarted = true;
    this.#driver.submit({ kind: 'start', config: parsed, lastVote, needsInitialSync, progress, rollbackId, promised });
    this.#resolveStarted();
  }

  /** Steps down if primary, giving another member a short chance to take over; then takes part no more. */
  async stop(): Promise<void> {
    if (this.core.memberState === MEMBER_STATE.PRIMARY) await this.#stepDownToStop();
    if (this.#isStopped) return;
    this.#isQuiescing = true;
    this.#resolveStarted();
    this.submit({ kind: 'shutdown' });
    this.#isStopped = true;
    this.#noopWriter.stop();
    this.#ttlMonitor.stop();
    this.#reporter.stop();
    this.#steadySync.stop();
    this.#initialSync?.stop();
    this.#waits.shutDown();
    this.#peers.close();
    await this.#steadySync.ended();
    await this.#initialSyncRunning;
    await this.#applier.idle();
    this.#driver.stop();
  }

  /**
   * Before a shutdown that was asked for by command: a primary steps down once another member can take over. Rejects
   * with CommandError when none can in time and the shutdown is not forced.
   */
  async handOver({ force, timeoutSecs }: ShutdownOptions): Promise<void> {
    if (force || this.core.memberState !== MEMBER_STATE.PRIMARY) return;
    if ((this.core.config?.members.length ?? 1) === 1) return;
    const stepDown = { stepDownSecs: 60, catchUpSecs: Math.min(timeoutSecs, 60), force: false };
    await this.request((replyTo) => ({ kind: 'stepDown', arguments: stepDown, replyTo }));
  }

  get remainingQuiesceMs(): Ms | undefined {
    return this.#isQuiescing ? ms(0) : undefined;
  }

  get defaultWriteConcern(): WriteConcern {
    const { w, j } = this.core.implicitWriteConcern;
    return { w, j, wtimeoutMs: 0, provenance: 'implicitDefault' };
  }

  submit(input: InputBody): void {
    if (this.#isStopped || !this.#isStarted) return;
    this.#driver.submit(input);
  }

  async request(build: (replyTo: ReplyTo) => InputBody): Promise<GoodReply> {
    if (!this.#isStarted) await this.#started;
    if (this.#isStopped) throw new CommandError('ShutdownInProgress', 'The member is shutting down');
    const sample = build(0);
    if (sample.kind === 'initiate') await this.#options.self.learn(hostsIn(sample.config));
    // The core learns of writes a moment later; whoever takes over must have the very last one.
    if (sample.kind === 'stepDown') this.#reportProgress();
    return await this.#driver.request(build);
  }

  checkWriteConcern(optime: OpTime, writeConcern: WriteConcern): WriteConcernOutcome | undefined {
    return this.#waits.checkWriteConcern(optime, writeConcern);
  }

  awaitWriteConcern(optime: OpTime, writeConcern: WriteConcern, deadline: Ms): Promise<WriteConcernOutcome> {
    return this.#waits.awaitWriteConcern(optime, writeConcern, deadline);
  }

  awaitTopologyChange(counter: number, deadline: Ms): Promise<void> {
    return this.#waits.awaitTopologyChange(counter, deadline);
  }

  awaitApplied(at: Timestamp, deadline: Ms): Promise<void> {
    return this.#waits.awaitApplied(at, deadline);
  }

  awaitMajority(at: Timestamp, deadline: Ms): Promise<void> {
    return this.#waits.awaitMajority(at, deadline);
  }

  shutdown(options: ShutdownOptions): Promise<void> {
    return this.#options.shutDown(options);
  }

  #perform<Kind extends Effect['kind']>(effect: EffectOf<Kind>): Promise<void> | void {
    const handler = this.#handlers[effect.kind as Kind];
    return handler(effect);
  }

  #createHandlers(): EffectHandlers {
    const { localState, log } = this.#options;
    return {
      persistVote: ({ vote }) => localState.update({ lastVote: vote }),
      persistConfig: ({ config }) => localState.update({ config: configToDocument(config, { isInternal: true }) }),
      initiateSet: ({ config }) => this.#initiate(configToDocument(config, { isInternal: true })),
      sendHeartbeat: (effect) => this.#inBackground(this.#requests.sendHeartbeat(effect)),
      sendVoteRequest: (effect) => this.#inBackground(this.#requests.sendVoteRequest(effect)),
      handOff: ({ target }) => this.#inBackground(this.#requests.handOff(target)),
      stateChanged: ({ to }) => this.#stateChanged(to),
      topologyChanged: () => this.#waits.topologyMoved(),
      startSync: ({ mode }) => this.#startSync(mode),
      stopSync: () => this.#stopSync(),
      syncSourcesChanged: () => {
        this.#initialSync?.sourcesChanged();
        this.#steadySync.sourcesChanged();
      },
      startDrain: ({ term }) => this.#inBackground(this.#drain(term)),
      writeNewPrimaryNoop: ({ term }) => this.#writeNewPrimaryNoop(term),
      writesEnabled: ({ term }) => this.#enableWrites(term),
      writesDisabled: () => this.#disableWrites(),
      steppedDown: () => {
        this.#positions.becomeFollower();
        this.#waits.steppedDown();
      },
      commitPointChanged: ({ commitPoint }) => {
        this.#moveCommitted();
        this.#options.data.noteCommitPoint(commitPoint);
        this.#tellCommitPointSoon();
      },
      wakeWriteConcern: () => this.#waits.progressed(),
      sendUpdatePosition: () => this.#reporter.report(),
      log: ({ line }) => log.write(line),
      // The driver answers itself.
      reply: () => {},
    };
  }

  /**
   * Those that read this member's oplog learn the commit point with its next entry; when none comes, a moment later by
   * themselves. Telling them at once would double the messages of every write.
   */
  #tellCommitPointSoon(): void {
    if (this.#isTellingCommitPoint) return;
    this.#isTellingCommitPoint = true;
    const { env, data } = this.#options;
    env.timers.after(COMMIT_POINT_DELAY_MS, () => {
      this.#isTellingCommitPoint = false;
      data.wakeReaders();
    });
  }

  /** For effects that later ones need not wait for. */
  #inBackground(work: Promise<void>): void {
    work.catch(this.#options.onFatal);
  }

  #reportProgress(): void {
    // During an initial sync the oplog is only a buffer: nothing of it counts yet.
    if (this.#initialSync !== undefined || this.#isStopped || !this.#isStarted) return;
    this.#driver.submit({ kind: 'progress', progress: this.#positions.progress });
    if (this.#positions.isPrimary) this.#waits.appliedMoved();
    this.#positions.moveStable();
  }

  #noteApplied(position: Position): void {
    this.#positions.setApplied(position);
    this.#reportProgress();
    this.#moveCommitted();
    this.#waits.appliedMoved();
  }

  #moveCommitted(): void {
    if (this.#positions.moveCommitted()) this.#waits.committedMoved();
    this.#positions.moveStable();
    this.#waits.progressed();
  }

  async #initiate(config: PlainDocument): Promise<void> {
    const { env, localState, data, setName } = this.#options;
    await localState.update({ config, setName, initialSyncId: newUuid(env), initialSyncRunning: false });
    data.term = TERM_UNINITIALIZED;
    const optime = data.appendNoop(encodeDocument({ msg: 'initiating set' }));
    await data.oplog.durableAt(optime);
    this.#positions.setApplied({ optime, wall: data.oplog.lastWrittenWall });
    this.submit({ kind: 'initiateWritten', progress: this.#positions.progress });
  }

  /** Operations that read on a member that is no longer what its clients believe are ended with their connections. */
  #stateChanged(to: MemberState): void {
    if (to !== MEMBER_STATE.ROLLBACK && to !== MEMBER_STATE.REMOVED) return;
    const { hangUp, operations } = this.#options;
    operations.interruptAll(stateChangeError(), ({ connection }) => !connection.isInternal);
    hangUp();
  }

  #startSync(mode: SyncMode): void {
    if (mode !== 'initialSync') return this.#steadySync.start(mode);
    const { env, log, data, localState, onFatal } = this.#options;
    const onFinished = (last: OpTime): void => this.#initialSyncFinished(last);
    const sync = new InitialSync({ env, log, data, localState, peers: this.#peers, replication: this, onFinished });
    this.#initialSync?.stop();
    this.#initialSync = sync;
    this.#initialSyncRunning = this.#initialSyncRunning.then(() => sync.run()).catch(onFatal);
  }

  #stopSync(): void {
    this.#steadySync.stop();
    this.#initialSync?.stop();
    this.#initialSync = undefined;
  }

  #initialSyncFinished(last: OpTime): void {
    this.#initialSync = undefined;
    this.#positions.setApplied({ optime: last, wall: this.#options.data.oplog.lastWrittenWall });
    this.submit({ kind: 'initialSyncFinished', progress: this.#positions.progress });
    this.#moveCommitted();
  }

  async #drain(term: Term): Promise<void> {
    this.#steadySync.stop();
    await this.#applier.idle();
    this.submit({ kind: 'drained', term });
  }

  #writeNewPrimaryNoop(term: Term): void {
    this.#options.data.term = term;
    this.#positions.becomePrimary();
    this.#tryNewPrimaryNoop(term);
  }

  /** On a full disk again and again: without its first entry a primary takes no writes, and answers reads. */
  #tryNewPrimaryNoop(term: Term): void {
    const { data, env } = this.#options;
    if (this.#isStopped || !this.#positions.isPrimary || data.term !== term) return;
    try {
      const optime = data.appendNoop(encodeDocument({ msg: 'new primary' }));
      this.submit({ kind: 'newTermWritten', term, optime, progress: this.#positions.progress });
    } catch (error) {
      if (!isCommandError(error, 'OutOfDiskSpace')) throw error;
      env.timers.after(NO_ROOM_RETRY_MS, () => this.#tryNewPrimaryNoop(term));
    }
  }

  #enableWrites(term: Term): void {
    const { data } = this.#options;
    data.term = term;
    data.acceptsWrites = true;
    dropTemporaryCollections(data);
    this.#noopWriter.start();
    this.#ttlMonitor.start();
  }

  #disableWrites(): void {
    const { data, operations } = this.#options;
    data.acceptsWrites = false;
    this.#noopWriter.stop();
    this.#ttlMonitor.stop();
    operations.interruptAll(stateChangeError(), ({ command }) => command.isWrite === true);
  }

  /** A failed attempt leaves everything as it was; the member then looks for a source again. */
  async #rollBack(source: string): Promise<void> {
    const { env, log, data, localState } = this.#options;
    // Elected in the meantime: what is here now leads.
    if (this.core.memberState === MEMBER_STATE.PRIMARY) return;
    this.submit({ kind: 'rollbackStarted' });
    try {
      const applierIdle = (): Promise<void> => this.#applier.idle();
      const onRolledBack = (optime: OpTime): void =>
        this.#positions.setApplied({ optime, wall: data.oplog.lastWrittenWall });
      const parts = { env, log, data, localState, peers: this.#peers, replication: this, applierIdle, onRolledBack };
      await rollBack(parts, source);
    } catch (error) {
      if (!(error instanceof CommandError) && !(error instanceof NetworkError)) throw error;
      log.write({
        severity: 'W',
        component: 'ROLLBACK',
        id: 21_617,
        context: 'BackgroundSync',
        message: 'The rollback could not begin and will be tried again',
        attributes: { error: error.message },
      });
      const isTooShort = isCommandError(error, 'OplogStartMissing');
      const until = ms(env.clock.monotonic() + (isTooShort ? DENY_TOO_SHORT_MS : ROLLBACK_RETRY_MS));
      this.submit({ kind: 'syncSourceDenied', target: source, until });
    }
    const { rollbackId } = localState.values;
    this.submit({ kind: 'rollbackFinished', progress: this.#positions.progress, rollbackId });
  }

  /** First politely, so that no election is needed; then, when nobody could take over quickly, without asking. */
  async #stepDownToStop(): Promise<void> {
    const others = (this.core.config?.members.length ?? 1) > 1;
    for (const force of others ? [false, true] : [true]) {
      const stepDown = { stepDownSecs: 60, catchUpSecs: force ? 0 : 1, force };
      try {
        await this.request((replyTo) => ({ kind: 'stepDown', arguments: stepDown, replyTo }));
        return;
      } catch (error) {
        // No longer primary, or nobody caught up: both are answered by the next try or by nothing at all.
        if (!(error instanceof CommandError)) throw error;
      }
    }
  }
}

function stateChangeError(): CommandError {
  return new CommandError('InterruptedDueToReplStateChange', 'operation was interrupted');
}

/** Hosts named by a configuration as a client sent it; it is checked later. */
function hostsIn(config: unknown): string[] {
  if (!isSubdocument(config) || !Array.isArray(config['members'])) return [];
  const members = config['members'].filter(isSubdocument);
  return members.flatMap(({ host }) => (typeof host === 'string' ? [withPort(host)] : []));
}

function withPort(host: string): string {
  return /:\d+$/.test(host) ? host : `${host}:27017`;
}
