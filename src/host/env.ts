/** The real machine as an {@link Env}. */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { CancelTimer, Clock, Env, Files, Random, Timers } from '../base/env.ts';
import { ms, unixMs, type Ms } from '../base/units.ts';
import { HostFiles } from './files.ts';
import { HostNetwork } from './network.ts';
import { TurnEnd } from './turn_end.ts';

/** Longest delay setTimeout takes; longer ones are waited for in parts. Source: Node's documentation of timers. */
const TIMEOUT_MS_MAX = 0x7fff_ffff;

/** Random bytes are fetched from the system this many at a time. */
const RANDOM_POOL_BYTES = 4096;

/** With files below `directory`. */
export function createHostEnv(directory: string): Env {
  return hostEnv(new HostFiles(directory));
}

/** `files` decides where on the disk paths lie. */
export function hostEnv(files: Files): Env {
  const turnEnd = new TurnEnd();
  return {
    clock: HOST_CLOCK,
    timers: HOST_TIMERS,
    random: new HostRandom(),
    files,
    network: new HostNetwork(turnEnd),
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    endOfTurn: (callback) => turnEnd.after(callback),
  };
}

const HOST_CLOCK: Clock = {
  wall: () => unixMs(Date.now()),
  monotonic: () => ms(performance.now()),
};

const HOST_TIMERS: Timers = { after };

function after(delay: Ms, callback: () => void): CancelTimer {
  let timer: NodeJS.Timeout;
  let rest = Math.max(0, delay);
  const arm = (): void => {
    const part = Math.min(rest, TIMEOUT_MS_MAX);
    rest -= part;
    timer = setTimeout(rest > 0 ? arm : callback, part);
  };
  arm();
  return () => clearTimeout(timer);
}

class HostRandom implements Random {
  #pool: Buffer = randomBytes(RANDOM_POOL_BYTES);
  #at = 0;

  uint32(): number {
    return this.#take(4).readUInt32LE(0);
  }

  bytes(length: number): Uint8Array {
    return length > RANDOM_POOL_BYTES ? new Uint8Array(randomBytes(length)) : new Uint8Array(this.#take(length));
  }

  #take(length: number): Buffer {
    if (this.#at + length > RANDOM_POOL_BYTES) {
      this.#pool = randomBytes(RANDOM_POOL_BYTES);
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += length;
    return this.#pool.subarray(start, this.#at);
  }
}
