/** A simulated machine with a member on it: its disk, its clock, and the process that runs now, if one does. */
import { NO_LOG, type Log } from '../base/log.ts';
import { OPTIME_NULL, type OpTime } from '../base/optime.ts';
import { MemoryFiles } from '../base/memory_files.ts';
import { Member } from '../member/member.ts';
import { ResyncNeededError } from '../member/rollback.ts';
import { MEMBER_STATE } from '../replication/member_state.ts';
import { MemoryBaseStore } from '../storage/memory_base_store.ts';
import type { Scheduler } from './scheduler.ts';
import type { SeededRandom } from './seeded_random.ts';
import { simEnv } from './sim_env.ts';
import type { SimNetwork } from './sim_network.ts';
import { SimClock } from './sim_clock.ts';
import { SimProcess } from './sim_process.ts';
import type { Trace } from './trace.ts';

const PORT = 27017;

/** Small, so that a run goes through several. */
const SEGMENT_SIZE_BYTES = 32 * 1024;
const RESTART_MS = 100;

/** Low, so that small collections are indexed the way large ones are. */
const INDEX_BUILD_LIMITS = { bytesMax: 1, smallEntriesMax: 4, smallDocumentsMax: 4 };

const PARAMETERS: ReadonlyMap<string, string> = new Map();

export interface SimulatedMemberOptions {
  readonly index: number;
  readonly setName: string;
  /** A sync takes up to that long while the disk is not slow. */
  readonly syncDelayMsMax: number;
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly network: SimNetwork;
  readonly trace: Trace;
  /** Told of a failure that no fault explains: a broken invariant. */
  readonly onFailure: (message: string) => void;
  /** Where log lines go besides the trace. */
  readonly log?: Log;
}

export class SimulatedMember {
  readonly index: number;
  readonly host: string;
  readonly address: string;
  readonly clock: SimClock;
  #syncDelayMsMax: number;
  #costOfLookMs = 0;
  readonly #options: SimulatedMemberOptions;
  #files: MemoryFiles;
  #base: MemoryBaseStore;
  #process: SimProcess | undefined;
  #member: Member | undefined;
  #starts = 0;

  constructor(options: SimulatedMemberOptions) {
    this.#options = options;
    this.index = options.index;
    this.#syncDelayMsMax = options.syncDelayMsMax;
    this.clock = new SimClock(options.scheduler);
    this.host = `m${options.index}`;
    this.address = `${this.host}:${PORT}`;
    this.#files = this.#newFiles();
    this.#base = this.#newBase();
  }

  get process(): SimProcess | undefined {
    return this.#process;
  }

  /** The member of the process that runs, once it has started. */
  get member(): Member | undefined {
    return this.#member;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Null while it has not started. */
  get lastWritten(): OpTime {
    return this.#member?.data.oplog.lastWritten ?? OPTIME_NULL;
  }

  /** Elected, perhaps not yet taking writes. */
  get isPrimaryByName(): boolean {
    return this.#member?.replication.core.memberState === MEMBER_STATE.PRIMARY;
  }

  get isPrimary(): boolean {
    return this.#member?.replication.core.isWritablePrimary === true;
  }

  /** Starts a process on what the disk holds. */
  start(): void {
    const { scheduler, network, random } = this.#options;
    const life: SimProcess = new SimProcess({
      scheduler,
      clock: this.clock,
      onUncaught: (error) => this.#fail(life, error),
    });
    life.costOfLookMs = this.#costOfLookMs;
    this.#process = life;
    this.#starts++;
    const env = simEnv({ host: this.host, process: life, network, random, files: this.#files.process() });
    const fail = (error: unknown): void => this.#fail(life, error);
    Member.start({
      env,
      log: this.#log(life),
      settings: {
        setName: this.#options.setName,
        port: PORT,
        bindAddresses: [this.host],
        oplogSizeBytesMax: undefined,
        journalSegmentSizeBytes: SEGMENT_SIZE_BYTES,
        parameters: PARAMETERS,
        indexBuildLimits: INDEX_BUILD_LIMITS,
      },
      openBase: async () => this.#base,
      onFatal: fail,
    }).then((member) => {
      if (life.isAlive) this.#member = member;
    }, fail);
  }

  /** Power off: the process is gone, and what its disk had not synced may be. */
  crash(): void {
    this.#end();
    this.#files.crash(this.#options.random);
  }

  /** The process is gone; the machine stays, with everything that was written. */
  kill(): void {
    this.#end();
    this.#files.kill();
  }

  /** As {@link crash}; and the machine gets a new, empty disk. */
  wipe(): void {
    this.crash();
    this.#files = this.#newFiles();
    this.#base = this.#newBase();
  }

  /** From now on a sync takes up to that long. */
  slowDisk(syncDelayMsMax: number): void {
    this.#syncDelayMsMax = syncDelayMsMax;
  }

  quickenDisk(): void {
    this.#syncDelayMsMax = this.#options.syncDelayMsMax;
  }

  /** From now on the disk takes no more than so many bytes beyond what it has. */
  fillDisk(roomBytes: number): void {
    this.#files.capacityBytes = this.#files.sizeBytes + roomBytes;
    this.#base.sizeBytesMax = this.#base.sizeBytes() + roomBytes;
  }

  freeDisk(): void {
    this.#files.capacityBytes = Infinity;
    this.#base.sizeBytesMax = Infinity;
  }

  /** From now on its work takes time; see {@link SimProcess.costOfLookMs}. 0: none. */
  slowProcessor(costOfLookMs: number): void {
    this.#costOfLookMs = costOfLookMs;
    if (this.#process !== undefined) this.#process.costOfLookMs = costOfLookMs;
  }

  #newFiles(): MemoryFiles {
    return new MemoryFiles({ syncDelay: () => this.#diskDelay() });
  }

  #newBase(): MemoryBaseStore {
    return new MemoryBaseStore({ delay: () => this.#diskDelay() });
  }

  #end(): void {
    const { network, random } = this.#options;
    if (this.#process === undefined) return;
    this.#process.crash();
    network.processDied(this.#process);
    this.#base.crash(random);
    this.#process = undefined;
    this.#member = undefined;
  }

  #fail(life: SimProcess, error: unknown): void {
    if (!life.isAlive) return;
    if (error instanceof ResyncNeededError) return this.#startAnew();
    this.#options.onFailure(`member ${this.index} failed: ${describeError(error)}`);
  }

  /** As whoever runs members does with one that asks for it. */
  #startAnew(): void {
    this.kill();
    this.#options.scheduler.after(RESTART_MS, () => {
      if (!this.isRunning) this.start();
    });
  }

  #diskDelay(): Promise<void> {
    const life = this.#process;
    return new Promise((resolve) => {
      life?.schedule(this.#options.random.between(0.1, this.#syncDelayMsMax), resolve);
    });
  }

  #log(life: SimProcess): Log {
    const { trace, log = NO_LOG, scheduler } = this.#options;
    return {
      write: (line) => {
        if (!life.isAlive) return;
        trace.text(line.message);
        log.write({
          ...line,
          context: `${(scheduler.nowMs / 1000).toFixed(3)} ${this.host}.${this.#starts} ${line.context}`,
        });
      },
    };
  }
}

export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
