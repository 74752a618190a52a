import type { CancelTimer, Env } from '../../src/base/env.ts';
import { ms, unixMs } from '../../src/base/units.ts';

/** An Env whose time stands still until `advance`; for tests of parts that need no files and no network. */
export interface ManualEnv extends Env {
  /** Lets `milliseconds` pass and calls the timers that are due. */
  advance(milliseconds: number): void;
}

const NOT_THERE = new Proxy(
  {},
  {
    get: () => {
      throw new Error('this Env has neither files nor network');
    },
  },
);

export function manualEnv(): ManualEnv {
  let now = 0;
  let timers: { readonly due: number; readonly callback: () => void }[] = [];
  let seed = 1;
  const uint32 = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed;
  };
  return {
    clock: { wall: () => unixMs(now), monotonic: () => ms(now) },
    timers: {
      after: (delay, callback): CancelTimer => {
        const timer = { due: now + delay, callback };
        timers.push(timer);
        return () => {
          timers = timers.filter((other) => other !== timer);
        };
      },
    },
    random: { uint32, bytes: (length) => Uint8Array.from({ length }, () => uint32() >>> 24) },
    files: NOT_THERE as Env['files'],
    network: NOT_THERE as Env['network'],
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
    endOfTurn: (callback) => void setImmediate(callback),
    advance: (milliseconds) => {
      now += milliseconds;
      const due = timers.filter((timer) => timer.due <= now);
      timers = timers.filter((timer) => timer.due > now);
      for (const timer of due) timer.callback();
    },
  };
}
