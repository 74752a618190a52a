/**
 * One simulated run. A set, its network, disks and clocks, its clients and everything that goes wrong come from one
 * seed; the code from `member/` down is the real one.
 *
 * A run has two phases. *Safety*: clients write while the nemesis breaks things; checkers that can watch do so after every
 * event. *Liveness*: everything is healed; within a virtual minute the set must take a write that all members confirm.
 * Then the checkers compare what clients were told with what the members hold. The same seed gives the same trace.
 */
import { invariant } from '../base/invariant.ts';
import type { Log } from '../base/log.ts';
import { ms } from '../base/units.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { acknowledgedSurvives } from './checkers/acknowledged_survives.ts';
import type { Checker } from './checkers/checker.ts';
import { committedStays } from './checkers/committed_stays.ts';
import { dataAgrees } from './checkers/data_agrees.ts';
import { logsAgree } from './checkers/logs_agree.ts';
import { onePrimaryPerTerm } from './checkers/one_primary_per_term.ts';
import { readsSeeWrites } from './checkers/reads_see_writes.ts';
import { SimClient } from './client.ts';
import { History, type Outcome } from './history.ts';
import { Nemesis, type Fault } from './nemesis.ts';
import { Scheduler, type Settle } from './scheduler.ts';
import { SeededRandom } from './seeded_random.ts';
import { SimNetwork } from './sim_network.ts';
import { describeError } from './simulated_member.ts';
import { SimulatedSet, type SetShape } from './simulated_set.ts';
import { Trace } from './trace.ts';
import { SIM_DATABASE } from './workload.ts';

/** A healed set must take a write that every member confirms within this. */
const LIVENESS_MS_MAX = 60_000;

const INITIATE_MS_MAX = 60_000;

/** A client gives a write up after its last repetition. */
const REST_MS_MAX = 120_000;

export interface SimulationOptions {
  readonly seed: number;
  /** How long clients and nemesis are at it. */
  readonly virtualSeconds: number;
  readonly settle: Settle;
  /** What goes wrong; default: drawn from the seed. */
  readonly faults?: readonly Fault[] | undefined;
  readonly log?: Log;
  /** Calls back with whatever was thrown in the process and caught by nobody; returns what ends it. */
  readonly watchUncaught?: (report: (error: unknown) => void) => () => void;
}

export interface SimulationResult {
  readonly seed: number;
  /** Empty when the run was right. */
  readonly failures: readonly string[];
  readonly traceHash: string;
  readonly shape: SetShape;
  readonly faults: readonly Fault[];
  readonly strikes: number;
  readonly writes: Readonly<Record<Outcome | 'retried', number>>;
  readonly terms: number;
  readonly events: number;
  readonly virtualMs: number;
}

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: SeededRandom;
  readonly #scheduler: Scheduler;
  readonly #trace = new Trace();
  readonly #history = new History();
  readonly #failures: string[] = [];
  readonly #shape: SetShape;
  readonly #set: SimulatedSet;
  readonly #nemesis: Nemesis;
  readonly #clients: readonly SimClient[];
  #clientsRunning = 0;
  readonly #checkers: readonly Checker[] = [
    onePrimaryPerTerm(),
    committedStays(),
    logsAgree(),
    dataAgrees(),
    acknowledgedSurvives(),
    readsSeeWrites(),
  ];

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed, 1);
    this.#scheduler = new Scheduler(options.settle);
    this.#shape = drawShape(this.#random);
    const network = new SimNetwork(this.#scheduler, new SeededRandom(options.seed, 2), this.#trace);
    network.faults.delayMsMax = this.#shape.networkDelayMsMax;
    this.#set = new SimulatedSet({
      shape: this.#shape,
      scheduler: this.#scheduler,
      random: new SeededRandom(options.seed, 3),
      network,
      trace: this.#trace,
      onFailure: (message) => this.#failures.push(message),
      ...(options.log !== undefined && { log: options.log }),
    });
    const random = new SeededRandom(options.seed, 4);
    this.#nemesis = new Nemesis({ scheduler: this.#scheduler, random, set: this.#set, faults: options.faults });
    this.#clients = this.#makeClients();
  }

  async run(): Promise<SimulationResult> {
    const report = (error: unknown): void => void this.#fail(`nobody caught: ${describeError(error)}`);
    const unwatch = this.#options.watchUncaught?.(report);
    this.#set.start();
    if (await this.#initiate()) {
      await this.#breakThings();
      await this.#heal();
    }
    unwatch?.();
    const core = this.#set.members.map(({ member }) => member?.replication.core.term ?? 0);
    return {
      seed: this.#options.seed,
      failures: this.#failures,
      traceHash: this.#trace.hash,
      shape: this.#shape,
      faults: this.#nemesis.faults,
      strikes: this.#nemesis.strikes,
      writes: this.#history.counts(),
      terms: Math.max(...core),
      events: this.#scheduler.eventsRun,
      virtualMs: this.#scheduler.nowMs,
    };
  }

  /** Whether the set came up. */
  async #initiate(): Promise<boolean> {
    const started = (): boolean => this.#set.members.every(({ member }) => member !== undefined);
    await this.#runUntil(this.#scheduler.nowMs + INITIATE_MS_MAX, started);
    if (!started()) return this.#fail('the members did not start');
    let isDone = false;
    let problem = 'no answer';
    this.#set.initiate().then(
      () => {
        isDone = true;
      },
      (error: unknown) => {
        problem = String(error);
      },
    );
    await this.#runUntil(this.#scheduler.nowMs + INITIATE_MS_MAX, () => isDone || problem !== 'no answer');
    return isDone || this.#fail(`replSetInitiate: ${problem}`);
  }

  async #breakThings(): Promise<void> {
    for (const client of this.#clients) this.#runClient(client);
    this.#nemesis.start();
    await this.#runUntil(this.#scheduler.nowMs + this.#options.virtualSeconds * 1000);
  }

  #runClient(client: SimClient): void {
    this.#clientsRunning += 1;
    client.run().then(
      () => (this.#clientsRunning -= 1),
      (error: unknown) => this.#fail(`a client failed: ${String(error)}`),
    );
  }

  async #heal(): Promise<void> {
    if (this.#failures.length > 0) return;
    for (const client of this.#clients) client.stop();
    this.#nemesis.heal();
    const until = this.#scheduler.nowMs + LIVENESS_MS_MAX;
    let isWritable = false;
    const confirm = this.#confirmWritable(until).then(() => (isWritable = true));
    confirm.catch((error: unknown) => this.#fail(String(error)));
    await this.#runUntil(until, () => isWritable);
    if (!isWritable) {
      this.#fail(`the set did not take a write on all members within ${LIVENESS_MS_MAX / 1000} s after healing`);
      return;
    }
    await this.#awaitRest();
    await this.#verify();
  }

  /** Until no client repeats a write any more, and everybody has applied what there is. */
  async #awaitRest(): Promise<void> {
    const hasCome = (): boolean => this.#clientsRunning === 0 && this.#set.isAtRest;
    await this.#runUntil(this.#scheduler.nowMs + REST_MS_MAX, hasCome);
    if (!hasCome()) this.#fail(`the set did not come to rest within ${REST_MS_MAX / 1000} s after healing`);
  }

  /** Writes until a write is confirmed by every member with data. */
  async #confirmWritable(until: number): Promise<void> {
    const client = this.#client(this.#clients.length);
    const w = this.#set.dataMembers.length;
    while (this.#scheduler.nowMs < until) {
      const command = {
        update: 'marks',
        updates: [{ q: { _id: 'healed' }, u: { $inc: { n: 1 } }, upsert: true }],
        writeConcern: { w, wtimeout: 5_000 },
        $db: SIM_DATABASE,
      };
      const reply = await client.command(encodeDocument(command), ms(10_000)).catch(() => undefined);
      if (reply !== undefined && !hasFailed(reply)) return;
      await this.#sleep(100);
    }
  }

  async #verify(): Promise<void> {
    for (const checker of this.#checkers) {
      let wrong: readonly string[] | undefined;
      const done = checker.verify?.(this.#set, this.#history).then(
        (found) => (wrong = found),
        (error: unknown) => (wrong = [String(error)]),
      );
      if (done === undefined) continue;
      await this.#runUntil(this.#scheduler.nowMs + LIVENESS_MS_MAX, () => wrong !== undefined);
      for (const problem of wrong ?? ['the checker did not end']) this.#fail(`${checker.name}: ${problem}`);
    }
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#scheduler.after(delayMs, resolve);
    });
  }

  /** Runs events; stops early when `isDone`, or at the first failure. */
  async #runUntil(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    await this.#scheduler.runUntil(untilMs, () => {
      this.#trace.number(this.#scheduler.nowMs * 1000);
      this.#nemesis.observe();
      this.#observe();
      return this.#failures.length > 0 || isDone();
    });
  }

  #observe(): void {
    for (const { name, observe } of this.#checkers) {
      const problem = observe?.(this.#set);
      if (problem !== undefined) this.#fail(`${name}: ${problem}`);
    }
  }

  #fail(message: string): false {
    this.#failures.push(message);
    return false;
  }

  #makeClients(): SimClient[] {
    return Array.from({ length: 1 + this.#random.below(4) }, (_, number) => this.#client(number));
  }

  #client(number: number): SimClient {
    invariant(number < 100, 'clients have two-digit numbers');
    return new SimClient({
      env: this.#set.outsider(`c${number}`),
      random: new SeededRandom(this.#options.seed, 10 + number),
      history: this.#history,
      addresses: this.#set.addresses,
      number: number + 1,
      thinkMsMax: this.#random.pick([200, 1_000, 3_000, 6_000]),
      isRetrying: this.#random.chance(0.7),
      majorityShare: this.#random.pick([0.1, 0.5, 0.9]),
      hasBulks: this.#random.chance(0.15),
    });
  }
}

function hasFailed(reply: Uint8Array): boolean {
  const { writeConcernError, writeErrors } = decodePlain(reply);
  return writeConcernError !== undefined || writeErrors !== undefined;
}

function drawShape(random: SeededRandom): SetShape {
  const members = random.chance(0.75) ? 3 : 5;
  const hasArbiter = random.chance(0.15);
  const isPlain = random.chance(0.6);
  const priorities = Array.from({ length: members }, (_, i) => (isPlain || i === 0 ? 1 : random.pick([0, 1, 1, 2, 5])));
  return {
    members,
    hasArbiter,
    priorities,
    electionTimeoutMs: random.pick([500, 1_000, 2_000, 5_000, 10_000]),
    networkDelayMsMax: random.pick([1, 1, 5, 40]),
    syncDelayMsMax: random.pick([2, 2, 20, 100]),
  };
}
