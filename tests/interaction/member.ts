/** One member of a scripted set: a core, what it has on "disk", and a toy oplog that carries out the core's effects. */
import { compareOpTimes, OPTIME_NULL, secondsOf, timestampOf, type OpTime, type Term } from '../../src/base/optime.ts';
import { ms, unixMs, type Ms } from '../../src/base/units.ts';
import type { ReplSetConfig } from '../../src/replication/config.ts';
import { ReplicationCore } from '../../src/replication/core.ts';
import type { Effect, Reply, SyncMode } from '../../src/replication/effect.ts';
import type { InputBody, ReplyTo } from '../../src/replication/input.ts';
import type { MemberState } from '../../src/replication/member_state.ts';
import type { Position, Progress } from '../../src/replication/progress.ts';
import type { LastVote } from '../../src/replication/vote.ts';

/** What a member needs of the world around it; `world.ts` implements it. */
export interface Surroundings {
  readonly now: Ms;
  trace(topic: Topic, line: string): void;
  traceState(member: ScriptedMember, from: MemberState, to: MemberState): void;
  sendRequest(
    from: ScriptedMember,
    request: Extract<Effect, { kind: 'sendHeartbeat' } | { kind: 'sendVoteRequest' }>,
  ): void;
  sendHandOff(from: ScriptedMember, target: string): void;
  sendPositions(from: ScriptedMember): void;
  reply(member: ScriptedMember, replyTo: ReplyTo, reply: Reply): void;
  byHost(host: string): ScriptedMember | undefined;
  canTalk(a: ScriptedMember, b: ScriptedMember): boolean;
}

/** What a script may want to see. */
export type Topic = 'state' | 'votes' | 'persist' | 'config' | 'writes' | 'commit' | 'sync' | 'heartbeats' | 'log';

/** What survives a crash. */
interface Disk {
  config: ReplSetConfig | undefined;
  lastVote: LastVote | undefined;
  needsInitialSync: boolean;
  rollbackId: number;
  oplog: OpTime[];
}

export interface Waiter {
  readonly optime: OpTime;
  readonly w: number | string;
  readonly j: boolean | undefined;
}

export class ScriptedMember {
  readonly id: number;
  readonly host: string;
  readonly disk: Disk;
  core: ReplicationCore;
  isRunning = false;
  /** Stopped like by SIGSTOP: alive, but silent. */
  isPaused = false;
  /** False: what it writes is not synced to disk. */
  syncsToDisk = true;
  /** False: it fetches only when told to. */
  fetches = true;
  holdsDrain = false;
  holdsNoop = false;
  syncMode: SyncMode | 'none' = 'none';
  durable: OpTime = OPTIME_NULL;
  waiters: Waiter[] = [];
  readonly #world: Surroundings;
  readonly #random: () => number;

  constructor(world: Surroundings, id: number) {
    this.#world = world;
    this.id = id;
    this.host = `m${id}:27017`;
    this.disk = { config: undefined, lastVote: undefined, needsInitialSync: true, rollbackId: 1, oplog: [] };
    this.#random = sequence(id);
    this.core = this.#newCore();
  }

  #newCore(): ReplicationCore {
    return new ReplicationCore({
      setName: 'rs0',
      processId: this.id.toString(16).padStart(24, '0'),
      isSelf: (host) => host === this.host,
      random: this.#random,
    });
  }

  get last(): OpTime {
    return this.disk.oplog.at(-1) ?? OPTIME_NULL;
  }

  get progress(): Progress {
    const last = position(this.last);
    return { written: last, applied: last, durable: position(this.durable) };
  }

  start(): void {
    this.core = this.#newCore();
    this.isRunning = true;
    this.syncMode = 'none';
    this.durable = this.last;
    const { config, lastVote, needsInitialSync, rollbackId } = this.disk;
    this.step({
      kind: 'start',
      config,
      lastVote,
      needsInitialSync,
      progress: this.progress,
      rollbackId,
      promised: OPTIME_NULL,
    });
  }

  /** The process dies; entries that were not synced are lost when the machine goes too. */
  crash(options: { losesUnsynced: boolean }): void {
    this.isRunning = false;
    this.waiters = [];
    if (options.losesUnsynced) {
      this.disk.oplog = this.disk.oplog.filter((optime) => compareOpTimes(optime, this.durable) <= 0);
    }
  }

  step(input: InputBody): void {
    const effects = this.core.step({
      ...input,
      now: this.#world.now,
      wall: unixMs(1_700_000_000_000 + this.#world.now),
    });
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    const world = this.#world;
    switch (effect.kind) {
      case 'persistVote':
        this.disk.lastVote = effect.vote;
        return world.trace(
          'persist',
          `${this.id} persists vote term:${effect.vote.term} for:${effect.vote.candidateIndex + 1}`,
        );
      case 'persistConfig':
        this.disk.config = effect.config;
        return world.trace(
          'config',
          `${this.id} persists config version:${effect.config.version} term:${effect.config.term}`,
        );
      case 'initiateSet':
        return this.#initiate(effect.config);
      case 'sendHeartbeat':
      case 'sendVoteRequest':
        return world.sendRequest(this, effect);
      case 'handOff':
        return world.sendHandOff(this, effect.target);
      case 'reply':
        return world.reply(this, effect.replyTo, effect.reply);
      case 'stateChanged':
        return world.traceState(this, effect.from, effect.to);
      case 'sendUpdatePosition':
        return world.sendPositions(this);
      case 'commitPointChanged':
        return world.trace('commit', `${this.id} commit point ${shown(effect.commitPoint)}`);
      case 'wakeWriteConcern':
        return this.#wake();
      default:
        return this.#carryOutOwn(effect);
    }
  }

  #carryOutOwn(effect: Effect): void {
    const world = this.#world;
    switch (effect.kind) {
      case 'startSync':
        this.syncMode = effect.mode;
        return world.trace('sync', `${this.id} fetches (${effect.mode})`);
      case 'stopSync':
        this.syncMode = 'none';
        return;
      case 'startDrain':
        this.syncMode = 'none';
        world.trace('writes', `${this.id} drains`);
        if (!this.holdsDrain) this.step({ kind: 'drained', term: effect.term });
        return;
      case 'writeNewPrimaryNoop':
        if (!this.holdsNoop) this.writeNoop(effect.term);
        return;
      case 'writesEnabled':
        return world.trace('writes', `${this.id} accepts writes term:${effect.term}`);
      case 'writesDisabled':
        return world.trace('writes', `${this.id} refuses writes`);
      case 'steppedDown':
        for (const { optime } of this.waiters)
          world.trace('writes', `${this.id} write ${shown(optime)}: PrimarySteppedDown`);
        this.waiters = [];
        return;
      case 'log':
        return world.trace('log', `${this.id} log: ${effect.line.message}`);
      default:
        return;
    }
  }

  #initiate(config: ReplSetConfig): void {
    this.disk.config = config;
    this.disk.needsInitialSync = false;
    this.disk.oplog.push({ ts: timestampOf(1, 1), t: OPTIME_NULL.t });
    this.durable = this.last;
    this.step({ kind: 'initiateWritten', progress: this.progress });
  }

  writeNoop(term: Term): void {
    this.append(term);
    this.#world.trace('writes', `${this.id} writes "new primary" ${shown(this.last)}`);
    this.step({ kind: 'newTermWritten', term, optime: this.last, progress: this.progress });
  }

  /** A new last entry, not told to the core yet. */
  append(term: Term): OpTime {
    const optime = { ts: timestampOf(secondsOf(this.last.ts) + 1, 1), t: term };
    this.disk.oplog.push(optime);
    if (this.syncsToDisk) this.durable = optime;
    return optime;
  }

  write(waiter?: Omit<Waiter, 'optime'>): string {
    if (!this.core.isWritablePrimary) return `${this.id} refuses the write: not writable`;
    const optime = this.append(this.core.term);
    if (waiter !== undefined) this.waiters.push({ ...waiter, optime });
    this.step({ kind: 'progress', progress: this.progress });
    return `${this.id} wrote ${shown(optime)}`;
  }

  sync(): void {
    this.durable = this.last;
    this.step({ kind: 'progress', progress: this.progress });
  }

  #wake(): void {
    const satisfied = this.waiters.filter(({ optime, w, j }) => this.core.isWriteConcernSatisfied(optime, { w, j }));
    for (const { optime, w } of satisfied) this.#world.trace('writes', `${this.id} write ${shown(optime)} has w:${w}`);
    this.waiters = this.waiters.filter((waiter) => !satisfied.includes(waiter));
  }

  /** Copies what its source has; finds a source first. True when something happened. */
  fetch(): boolean {
    if (!this.isRunning || this.isPaused || this.syncMode === 'none') return false;
    const source = this.#source();
    if (source === undefined) return false;
    const common = commonLength(this.disk.oplog, source.disk.oplog);
    if (common < this.disk.oplog.length) return this.#rollBack(source, common);
    if (source.disk.oplog.length === this.disk.oplog.length && !this.disk.needsInitialSync) return this.#hear(source);
    this.disk.oplog = [...source.disk.oplog];
    if (this.syncsToDisk) this.durable = this.last;
    if (this.disk.needsInitialSync) {
      this.disk.needsInitialSync = false;
      this.durable = this.last;
      this.step({ kind: 'initialSyncFinished', progress: this.progress });
      return true;
    }
    this.#world.trace('sync', `${this.id} fetched up to ${shown(this.last)} from ${source.id}`);
    this.step({ kind: 'progress', progress: this.progress });
    this.#hear(source);
    return true;
  }

  #source(): ScriptedMember | undefined {
    const known = this.core.syncSource;
    const wanted = known ?? this.core.chooseSyncSource(this.#world.now, this.last);
    const source = wanted === undefined ? undefined : this.#world.byHost(wanted);
    const isReachable = source?.isRunning === true && !source.isPaused && this.#world.canTalk(this, source);
    if (source === undefined || !isReachable) {
      if (known !== undefined) this.step({ kind: 'syncSourceChanged', source: undefined });
      if (wanted !== undefined) this.#deny(wanted);
      return undefined;
    }
    if (known !== undefined) {
      const data = source.core.oplogQueryData();
      if (this.core.shouldChangeSyncSource(this.#world.now, known, data, this.last)) {
        this.step({ kind: 'syncSourceChanged', source: undefined });
        return undefined;
      }
      return source;
    }
    this.#world.trace('sync', `${this.id} syncs from ${source.id}`);
    this.step({ kind: 'syncSourceChanged', source: wanted });
    return source;
  }

  /** As after a failed fetch. */
  #deny(target: string): void {
    this.step({ kind: 'syncSourceDenied', target, until: ms(this.#world.now + 1000) });
  }

  /** The metadata that comes with a batch. True when it told something new. */
  #hear(source: ScriptedMember): boolean {
    const { commitPoint, term } = this.core;
    const replData = source.core.replData();
    const oplogQueryData = source.core.oplogQueryData();
    this.step({ kind: 'syncSourceMetadata', from: source.host, replData, oplogQueryData });
    return this.core.commitPoint !== commitPoint || this.core.term !== term;
  }

  #rollBack(source: ScriptedMember, common: number): boolean {
    if (compareOpTimes(source.last, this.last) <= 0) {
      this.step({ kind: 'syncSourceChanged', source: undefined });
      return false;
    }
    if (this.syncMode === 'catchUp') {
      this.step({ kind: 'catchUpFailed' });
      return true;
    }
    this.step({ kind: 'rollbackStarted' });
    this.disk.oplog = this.disk.oplog.slice(0, common);
    this.disk.rollbackId += 1;
    this.durable = this.last;
    this.#world.trace('state', `${this.id} rolls back to ${shown(this.last)}`);
    this.step({ kind: 'rollbackFinished', progress: this.progress, rollbackId: this.disk.rollbackId });
    return true;
  }
}

function commonLength(mine: readonly OpTime[], theirs: readonly OpTime[]): number {
  let length = 0;
  while (length < mine.length && length < theirs.length) {
    const [a, b] = [mine[length], theirs[length]];
    if (a === undefined || b === undefined || compareOpTimes(a, b) !== 0) break;
    length += 1;
  }
  return length;
}

function position(optime: OpTime): Position {
  return { optime, wall: unixMs(secondsOf(optime.ts) * 1000) };
}

/** 'term/number'. */
export function shown(optime: OpTime): string {
  return `${optime.t}/${secondsOf(optime.ts)}`;
}

/** A fixed sequence of numbers in [0, 1) for each member. */
function sequence(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}
