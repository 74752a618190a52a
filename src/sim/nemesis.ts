/**
 * What goes wrong. Each run draws which kinds of fault it has, how often and for how long (a "swarm": a run with only
 * partitions finds other bugs than one with everything), and lets them loose until it is told to heal.
 */
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
  'isolatePrimary',
  'kill',
  'killPrimary',
  'lateChunks',
  'oneWayPartition',
  'partition',
  'pause',
  'pausePrimary',
  'slowDisk',
  'slowDisks',
  'stepDown',
] as const;

export type Fault = (typeof FAULTS)[number];

interface NemesisOptions {
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly set: SimulatedSet;
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
  #strikes = 0;

  constructor({ scheduler, random, set }: NemesisOptions) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#set = set;
    const wanted = random.chance(0.3) ? FAULTS.length : 1 + random.below(6);
    this.faults = random.shuffled(FAULTS).slice(0, wanted).sort();
    this.#meanPauseMs = random.pick([500, 1_500, 4_000, 8_000]);
    this.#meanDurationMs = random.pick([300, 2_000, 8_000, 15_000]);
  }

  /** How many faults were made. */
  get strikes(): number {
    return this.#strikes;
  }

  start(): void {
    this.#scheduler.after(this.#random.between(0, 2 * this.#meanPauseMs), () => {
      if (this.#isHealing) return;
      this.#strikes++;
      this.#strike(this.#random.pick(this.faults));
      this.start();
    });
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
      member.process?.resume();
      if (!member.isRunning) member.start();
    }
  }

  /** Runs `undo` after a random time, unless all is healed before. */
  #undoLater(undo: () => void): void {
    this.#scheduler.after(DURATION_MS_MIN + this.#random.between(0, 2 * this.#meanDurationMs), () => {
      if (!this.#isHealing) undo();
    });
  }

  #strike(fault: Fault): void {
    const { members } = this.#set;
    const one = this.#random.pick(members);
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
      this.#undoLater(() => {
        if (!member.isRunning) member.start();
      });
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
