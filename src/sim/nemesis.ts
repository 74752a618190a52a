/**
 * What goes wrong. Each run draws which kinds of fault it has and how often (a "swarm": a run with only partitions finds
 * other bugs than one with everything), and lets them loose until it is told to heal.
 */
import type { Scheduler } from './scheduler.ts';
import type { SeededRandom } from './seeded_random.ts';
import type { SimulatedSet } from './simulated_set.ts';

/** Every kind of fault. */
export const FAULTS = [
  'crash',
  'crashAll',
  'pause',
  'partition',
  'oneWayPartition',
  'isolatePrimary',
  'breakConnections',
  'lateChunks',
  'slowDisk',
  'clockDrift',
  'clockJump',
  'stepDown',
] as const;

export type Fault = (typeof FAULTS)[number];

interface NemesisOptions {
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  readonly set: SimulatedSet;
}

export class Nemesis {
  readonly faults: readonly Fault[];
  readonly #random: SeededRandom;
  readonly #set: SimulatedSet;
  readonly #scheduler: Scheduler;
  readonly #meanPauseMs: number;
  #isHealing = false;
  #strikes = 0;

  constructor({ scheduler, random, set }: NemesisOptions) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#set = set;
    const wanted = 1 + random.below(FAULTS.length);
    this.faults = random.shuffled(FAULTS).slice(0, wanted).sort();
    this.#meanPauseMs = random.between(300, 8_000);
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
      member.syncDelayMsMax = 2;
      member.process?.resume();
      if (!member.isRunning) member.start();
    }
  }

  /** Runs `undo` after a random time, unless all is healed before. */
  #undoLater(undo: () => void): void {
    this.#scheduler.after(this.#random.between(50, 25_000), () => {
      if (!this.#isHealing) undo();
    });
  }

  #strike(fault: Fault): void {
    const { members, network } = this.#set;
    const member = this.#random.pick(members);
    switch (fault) {
      case 'crash':
        return this.#crash([member]);
      case 'crashAll':
        return this.#crash(members);
      case 'pause':
        member.process?.pause();
        return this.#undoLater(() => member.process?.resume());
      case 'partition':
      case 'oneWayPartition':
      case 'isolatePrimary':
        return this.#partition(fault);
      case 'breakConnections':
        network.faults.breakChance = this.#random.between(0, 0.01);
        return this.#undoLater(() => void (network.faults.breakChance = 0));
      case 'lateChunks':
        network.faults.lateChance = this.#random.between(0, 0.3);
        network.faults.lateMsMax = this.#random.between(5, 3_000);
        return this.#undoLater(() => void (network.faults.lateChance = 0));
      case 'slowDisk':
        member.syncDelayMsMax = this.#random.between(10, 3_000);
        return this.#undoLater(() => void (member.syncDelayMsMax = 2));
      case 'clockDrift':
        member.clock.setRate(this.#random.between(0.97, 1.03));
        return undefined;
      case 'clockJump':
        member.clock.jump(this.#random.between(-30_000, 30_000));
        return undefined;
      case 'stepDown':
        return this.#set.stepDown(this.#random.chance(0.5));
    }
  }

  #crash(members: SimulatedSet['members']): void {
    for (const member of members) {
      if (!member.isRunning) continue;
      member.crash();
      this.#undoLater(() => {
        if (!member.isRunning) member.start();
      });
    }
  }

  #partition(kind: 'partition' | 'oneWayPartition' | 'isolatePrimary'): void {
    const { members, network } = this.#set;
    const primary = members.find(({ isPrimary }) => isPrimary);
    const alone = kind === 'isolatePrimary' && primary !== undefined ? [primary] : this.#random.shuffled(members);
    const sideA = alone.slice(0, Math.max(1, this.#random.below(members.length)));
    for (const a of sideA) {
      for (const b of members) {
        if (sideA.includes(b)) continue;
        network.block(a.host, b.host);
        if (kind !== 'oneWayPartition') network.block(b.host, a.host);
      }
    }
    this.#undoLater(() => network.heal());
  }
}
