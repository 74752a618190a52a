/** The simulated machine as one process sees it. */
import type { Env, Files } from '../base/env.ts';

import type { SeededRandom } from './seeded_random.ts';
import type { SimNetwork } from './sim_network.ts';
import type { SimProcess } from './sim_process.ts';

/** How long one turn of a process's loop takes: code that waits for a clock turn by turn then gets on. */
const TURN_MS = 0.02;

/** Cheaper than `queueMicrotask`, which keeps more books. */
const NOW = Promise.resolve();

export interface SimMachine {
  readonly host: string;
  readonly process: SimProcess;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  /** Its disk, as this life of the process sees it. */
  readonly files: Files;
}

export function simEnv({ host, process: life, network, random, files }: SimMachine): Env {
  return {
    clock: life,
    timers: life,
    random,
    files,
    network: network.view(host, life),
    breathe: () =>
      new Promise((resolve) => {
        life.schedule(TURN_MS, resolve);
      }),
    // Within the same event: what was sent in it is under way, but nobody has it before the next.
    endOfTurn: (callback) => void NOW.then(callback),
  };
}
