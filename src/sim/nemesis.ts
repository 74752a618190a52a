/**
 * What goes wrong. Each run draws which kinds of fault it has, how often and for how long (a "swarm": a run with only
 * partitions finds other bugs than one with everything), and lets them loose until it is told to heal.
 */
import { compareOpTimes } from '../base/optime.ts';
import { MEMBER_STATE } from '../replication/member_state.ts';
import type { Scheduler } from './scheduler.ts';
import type { SeededRandom } from './seeded_random.ts';
import type { SimulatedMember } from './simulated_member.ts';
import type { SimulatedSet } from './simulated_set.ts';

/** Every kind of fault. */
export const FAULTS = [
  'breakConnections',
  'bridge',
  'clockDrift',
  'clockJump',
  'crash',
  'crashAll',
  'fullDisk',
  'hastyElection',
  'isolatePrimary',
  'kill',
  'killPrimary',
  'lateChunks',
  'oneWayPartition',
  'outage',
  'partition',
  'pause',
  'pausePrimary',
  'rivals',
  'slowDisk',
  'slowDisks',
  'slowProcessor',
  'stepDown',
  'wipe',
] as const;

export type Fault = (typeof FAULTS)[number];

interface NemesisOptions {
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly set: SimulatedSet;
  /** Only these, maybe none; default: some that are drawn. */
  readonly faults: readonly Fault[] | undefined;
}

const DURATION_MS_MIN = 50;

export class Nemesis {
  readonly faults: readonly Fault[];
  readonly #random: SeededRandom;
  readonly #set: SimulatedSet;
  readonly #scheduler: Scheduler;
  readonly #meanPauseMs: number;
  readonly #meanDurationMs: number;
  #isHealing = false;
  /** Done as soon as it is due; the last one asked for counts. */
  #awaited: { readonly isDue: () => boolean; readonly act: () => void } | undefined;
  #strikes = 0;

  constructor({ scheduler, random, set, faults }: NemesisOptions) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#set = set;
    const wanted = random.chance(0.2) ? FAULTS.length : 1 + random.below(4);
    const drawn = random.shuffled(FAULTS).slice(0, wanted).sort();
    this.faults = faults ?? drawn;
    this.#meanPauseMs = random.pick([500, 1_500, 3_000, 6_000]);
    this.#meanDurationMs = random.pick([100, 1_000, 4_000, 8_000]);
  }

  /** How many faults were made. */
  get strikes(): number {
    return this.#strikes;
  }

  start(): void {
    if (this.faults.length === 0) return;
    this.#scheduler.after(this.#random.between(0, 2 * this.#meanPauseMs), () => {
      if (this.#isHealing) return;
      this.#strikes++;
      this.#strike(this.#random.pick(this.faults));
      this.start();
    });
  }

  /** To be called after every event. */
  observe(): void {
    if (this.#awaited?.isDue() !== true || this.#isHealing) return;
    const { act } = this.#awaited;
    this.#awaited = undefined;
    act();
  }

  /** Ends all faults for good: the network passes, everybody runs. */
  heal(): void {
    this.#isHealing = true;
    const { network, members } = this.#set;
    Object.assign(network.faults, { lateChance: 0, lateMsMax: 0, breakChance: 0 });
    network.heal();
    for (const member of members) {
      member.clock.setRate(1);
      member.quickenDisk();
      member.freeDisk();
      member.slowProcessor(0);
      member.process?.resume();
      if (!member.isRunning) member.start();
    }
  }

  /** Runs `undo` after a random time, unless all is healed before. */
  #undoLater(undo: () => void): void {
    this.#later(DURATION_MS_MIN + this.#random.between(0, 2 * this.#meanDurationMs), undo);
  }

  #strike(fault: Fault): void {
    const { members } = this.#set;
    // Half of what goes wrong goes wrong with the primary.
    const any = this.#random.pick(members);
    const one = this.#random.chance(0.5) ? this.#primaryOr(any) : any;
    switch (fault) {
      case 'crash':
        return this.#end([one], 'crash');
      case 'crashAll':
        return this.#end(members, 'crash');
      case 'kill':
        return this.#end([one], 'kill');
      case 'killPrimary':
        return this.#end([this.#primaryOr(one)], 'kill');
      case 'pause':
        return this.#pause(one);
      case 'pausePrimary':
        return this.#pause(this.#primaryOr(one));
      case 'bridge':
        return this.#bridge();
      case 'partition':
      case 'oneWayPartition':
        return this.#partition(
          this.#random.shuffled(members).slice(0, 1 + this.#random.below(members.length - 1)),
          fault,
        );
      case 'isolatePrimary':
        return this.#partition([this.#primaryOr(one)], 'partition');
      case 'breakConnections':
      case 'lateChunks':
        return this.#disturbNetwork(fault);
      case 'slowDisk':
        return this.#slowDisks([one]);
      case 'slowDisks':
        return this.#slowDisks(members);
      case 'outage':
        return this.#outage();
      case 'fullDisk':
        return this.#fillDisk(one);
      case 'slowProcessor':
        return this.#slowProcessor(one);
      case 'wipe':
        return this.#maybeWipe(one);
      case 'rivals':
        return this.#rivals();
      case 'hastyElection':
        return this.#hastyElection();
      case 'clockDrift':
        return one.clock.setRate(this.#random.between(0.97, 1.03));
      case 'clockJump':
        return one.clock.jump(this.#random.between(-30_000, 30_000));
      case 'stepDown':
        return this.#set.stepDown(this.#random.chance(0.5));
    }
  }

  #primaryOr(other: SimulatedMember): SimulatedMember {
    return this.#set.members.find(({ isPrimary }) => isPrimary) ?? other;
  }

  /** Crash: the machine loses power, and what was not synced. Kill: only the process ends. */
  #end(members: readonly SimulatedMember[], how: 'crash' | 'kill'): void {
    for (const member of members) {
      if (!member.isRunning) continue;
      if (how === 'crash') member.crash();
      else member.kill();
      this.#undoLater(() => this.#startAll([member]));
    }
  }

  #pause(member: SimulatedMember): void {
    const { process } = member;
    process?.pause();
    this.#undoLater(() => process?.resume());
  }

  #slowDisks(members: readonly SimulatedMember[]): void {
    for (const member of members) member.slowDisk(this.#random.between(10, 3_000));
    this.#undoLater(() => {
      for (const member of members) member.quickenDisk();
    });
  }

  /** All lose power while their disks are slow: what counts as durable is put to the test. */
  #outage(): void {
    const { members } = this.#set;
    this.#slowDisks(members);
    this.#later(this.#random.between(50, 3_000), () => this.#end(members, 'crash'));
  }

  #fillDisk(member: SimulatedMember): void {
    member.fillDisk(this.#random.below(256 * 1024));
    this.#undoLater(() => member.freeDisk());
  }

  #slowProcessor(member: SimulatedMember): void {
    member.slowProcessor(this.#random.pick([0.05, 0.5, 5]));
    this.#undoLater(() => member.slowProcessor(0));
  }

  /**
   * Takes a member's disk away. A set survives that only if what the member had promised is promised by others: when all
   * run, agree on the term and its primary, and have everything that this member has.
   */
  #maybeWipe(member: SimulatedMember): void {
    const others = this.#set.members.filter((other) => other !== member);
    if (!this.#set.isQuiet || member.isPrimary || !others.every((other) => hasAllOf(other, member))) return;
    member.wipe();
    this.#undoLater(() => this.#startAll([member]));
  }

  /**
   * Two members that do not hear each other stand for the same term, and whoever can vote for both is restarted in
   * between: none of them must have forgotten its vote.
   */
  #rivals(): void {
    const { members, network } = this.#set;
    const [one, other, ...voters] = this.#random.shuffled(members);
    network.block(one.host, other.host);
    network.block(other.host, one.host);
    this.#undoLater(() => network.heal());
    this.#set.standForElection(one);
    this.#awaited = {
      isDue: () => one.isPrimaryByName,
      act: () => {
        for (const voter of voters) voter.kill();
        this.#later(this.#random.between(0, 2), () => this.#startAll(voters));
        this.#later(this.#random.between(2, 10), () => this.#set.standForElection(other));
      },
    };
  }

  /**
   * All others fall behind the primary, and one of them, slow at that, is elected as soon as they hear of it again: it has
   * to catch up, or still applies what it has just fetched.
   */
  #hastyElection(): void {
    const { members, network, shape } = this.#set;
    const primary = this.#primaryOr(this.#random.pick(members));
    const heir = this.#random.pick(members.filter((member) => member !== primary));
    this.#partition([primary], 'partition');
    // Not as long as the others need to notice.
    this.#later(this.#random.between(0.1, 0.9) * shape.electionTimeoutMs, () => {
      heir.slowProcessor(this.#random.pick([0.2, 1, 5, 10]));
      this.#undoLater(() => heir.slowProcessor(0));
      network.heal();
      const before = heir.lastWritten;
      const act = (): void => this.#set.standForElection(heir);
      if (this.#random.chance(0.5)) act();
      else this.#awaited = { isDue: () => compareOpTimes(heir.lastWritten, before) > 0, act };
    });
  }

  #startAll(members: readonly SimulatedMember[]): void {
    for (const member of members) if (!member.isRunning) member.start();
  }

  /** Runs `act` after a while, unless all is healed before. */
  #later(delayMs: number, act: () => void): void {
    this.#scheduler.after(delayMs, () => {
      if (!this.#isHealing) act();
    });
  }

  #disturbNetwork(fault: 'breakConnections' | 'lateChunks'): void {
    const { faults } = this.#set.network;
    if (fault === 'breakConnections') {
      faults.breakChance = this.#random.between(0, 0.01);
      this.#undoLater(() => void (faults.breakChance = 0));
    } else {
      faults.lateChance = this.#random.between(0, 0.3);
      faults.lateMsMax = this.#random.between(5, 3_000);
      this.#undoLater(() => void (faults.lateChance = 0));
    }
  }

  /** Cuts one side off from the others, or makes it unheard only. */
  #partition(side: readonly SimulatedMember[], kind: 'partition' | 'oneWayPartition'): void {
    const { members, network } = this.#set;
    for (const a of side) {
      for (const b of members) {
        if (side.includes(b)) continue;
        network.block(a.host, b.host);
        if (kind === 'partition') network.block(b.host, a.host);
      }
    }
    this.#undoLater(() => network.heal());
  }

  /** One member reaches everybody; the others fall into two halves that do not reach each other. */
  #bridge(): void {
    const { members, network } = this.#set;
    const [, ...others] = this.#random.shuffled(members);
    const half = others.slice(0, Math.ceil(others.length / 2));
    for (const a of half) {
      for (const b of others) {
        if (half.includes(b)) continue;
        network.block(a.host, b.host);
        network.block(b.host, a.host);
      }
    }
    this.#undoLater(() => network.heal());
  }
}

/** Whether all that `other` ever wrote is on this member's disk. An arbiter has nothing to lose. */
function hasAllOf({ member }: SimulatedMember, other: SimulatedMember): boolean {
  if (member === undefined || other.member === undefined) return false;
  if (member.replication.core.memberState === MEMBER_STATE.ARBITER) return true;
  const { lastWritten } = other.member.data.oplog;
  return compareOpTimes(member.data.oplog.lastDurable, lastWritten) >= 0;
}
