/** A whole set in one process: its machines, their network, and what is asked of it as a set. */
import type { Log } from '../base/log.ts';
import { compareOpTimes } from '../base/optime.ts';
import { MemoryFiles } from '../base/memory_files.ts';
import { ms } from '../base/units.ts';
import { encodeDocument } from '../bson/codec.ts';
import { MEMBER_STATE, type MemberState } from '../replication/member_state.ts';
import { PeerConnection } from '../member/peer_connection.ts';
import type { Scheduler } from './scheduler.ts';
import type { SeededRandom } from './seeded_random.ts';
import { simEnv } from './sim_env.ts';
import type { SimNetwork } from './sim_network.ts';
import { SimClock } from './sim_clock.ts';
import { SimProcess } from './sim_process.ts';
import { describeError, SimulatedMember } from './simulated_member.ts';
import type { Trace } from './trace.ts';
import type { Env } from '../base/env.ts';

const SET_NAME = 'sim';

/** States of a member that takes part with all its data. */
const AT_WORK: ReadonlySet<MemberState> = new Set([MEMBER_STATE.PRIMARY, MEMBER_STATE.SECONDARY, MEMBER_STATE.ARBITER]);

/** How a run's set is made up; drawn from the seed. */
export interface SetShape {
  readonly members: number;
  /** Whether the last member is an arbiter. */
  readonly hasArbiter: boolean;
  /** By member; 0 cannot be elected. */
  readonly priorities: readonly number[];
  readonly electionTimeoutMs: number;
  /** How good its machines are while nothing is wrong: longest one-way delay, longest sync. */
  readonly networkDelayMsMax: number;
  readonly syncDelayMsMax: number;
}

export interface SimulatedSetOptions {
  readonly shape: SetShape;
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly network: SimNetwork;
  readonly trace: Trace;
  readonly onFailure: (message: string) => void;
  readonly log?: Log;
}

export class SimulatedSet {
  readonly members: readonly SimulatedMember[];
  readonly network: SimNetwork;
  readonly shape: SetShape;
  readonly #options: SimulatedSetOptions;
  readonly #operator: Env;

  constructor(options: SimulatedSetOptions) {
    this.#options = options;
    this.network = options.network;
    this.shape = options.shape;
    const { shape, ...shared } = options;
    this.members = Array.from(
      { length: shape.members },
      (_, index) => new SimulatedMember({ ...shared, index, setName: SET_NAME, syncDelayMsMax: shape.syncDelayMsMax }),
    );
    this.#operator = this.outsider('operator');
  }

  /** The machine of somebody who is no member: never faulty. */
  outsider(host: string): Env {
    const { scheduler, random, network, onFailure } = this.#options;
    const process = new SimProcess({
      scheduler,
      clock: new SimClock(scheduler),
      onUncaught: (error) => onFailure(`${host} failed: ${describeError(error)}`),
    });
    return simEnv({ host, process, network, random, files: new MemoryFiles().process() });
  }

  get addresses(): string[] {
    return this.members.map(({ address }) => address);
  }

  /** Members that hold data. */
  get dataMembers(): readonly SimulatedMember[] {
    const { members, hasArbiter } = this.#options.shape;
    return this.members.slice(0, hasArbiter ? members - 1 : members);
  }

  /** Whether everybody runs, holds all its data, and agrees on the term and its one primary. */
  get isQuiet(): boolean {
    const cores = this.members.flatMap(({ member }) => member?.replication.core ?? []);
    const primaries = cores.filter(({ isWritablePrimary }) => isWritablePrimary);
    const [primary] = primaries;
    if (cores.length < this.members.length || primary === undefined || primaries.length > 1) return false;
    if (this.members.some(({ process }) => process?.isPaused === true)) return false;
    return cores.every(({ term, memberState }) => term === primary.term && AT_WORK.has(memberState));
  }

  /** Whether everybody with data has written and applied the same last entry. */
  get isAtRest(): boolean {
    const applied = this.dataMembers.map(({ member }) => member?.replication.core.progress.applied.optime);
    const written = this.dataMembers.map(({ lastWritten }) => lastWritten);
    return [...applied, ...written].every((optime) => optime !== undefined && compareOpTimes(optime, written[0]) === 0);
  }

  start(): void {
    for (const member of this.members) member.start();
  }

  /** Sends replSetInitiate to the first member. Rejects when it is refused. */
  async initiate(): Promise<void> {
    const { shape } = this.#options;
    const members = this.members.map(({ address, index }) => ({
      _id: index,
      host: address,
      ...(shape.hasArbiter && index === shape.members - 1
        ? { arbiterOnly: true }
        : { priority: shape.priorities[index] ?? 1 }),
    }));
    const settings = { electionTimeoutMillis: shape.electionTimeoutMs };
    await this.#ask(this.addresses[0] ?? '', {
      replSetInitiate: { _id: SET_NAME, version: 1, members, settings },
      $db: 'admin',
    });
  }

  /** Asks a member to stand for election at once, without asking around first. */
  standForElection({ address }: SimulatedMember): void {
    this.#ask(address, { replSetStepUp: 1, skipDryRun: true, $db: 'admin' }).catch(() => undefined);
  }

  /** Asks whoever is primary to step down; that it refuses, or that there is none, is fine. */
  stepDown(force: boolean): void {
    const primary = this.members.find(({ isPrimary }) => isPrimary);
    if (primary === undefined) return;
    const command = { replSetStepDown: 5, secondaryCatchUpPeriodSecs: force ? 0 : 3, force, $db: 'admin' };
    this.#ask(primary.address, command).catch(() => undefined);
  }

  async #ask(address: string, command: Readonly<Record<string, unknown>>): Promise<void> {
    const connection = await PeerConnection.connect(this.#operator, address, ms(1_000));
    try {
      await connection.request(encodeDocument(command), ms(30_000));
    } finally {
      connection.close();
    }
  }
}
