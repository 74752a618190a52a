import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import { termOf, timestampOf, type OpTime } from '../base/optime.ts';
import { ms, unixMs, type Ms } from '../base/units.ts';
import { OpTimeWaiters } from './waiters.ts';

const FOREVER = Infinity as Ms;

function at(increment: number): OpTime {
  return { ts: timestampOf(1, increment), t: termOf(1) };
}

/** Time that moves only when told to. */
function manualTime(): { env: Env; fire: () => void } {
  const due: (() => void)[] = [];
  const env = {
    clock: { monotonic: () => ms(0), wall: () => unixMs(0) },
    timers: {
      after: (_: Ms, callback: () => void) => {
        due.push(callback);
        return () => {};
      },
    },
  } as unknown as Env;
  return { env, fire: () => due.splice(0).forEach((callback) => callback()) };
}

describe('waiting for optimes', () => {
  test('a release ends what is reached, whatever the order of arrival', async () => {
    const waiters = new OpTimeWaiters(manualTime().env);
    const ended: number[] = [];
    for (const increment of [3, 1, 2]) void waiters.wait(at(increment), FOREVER).then(() => ended.push(increment));
    waiters.release((optime) => optime.ts <= at(2).ts);
    await Promise.resolve();
    expect(new Set(ended)).toEqual(new Set([1, 2]));
    waiters.release(() => true);
    await Promise.resolve();
    expect(ended.at(-1)).toBe(3);
    expect(waiters.isEmpty).toBe(true);
  });

  test('a wait that times out is not released again', async () => {
    const { env, fire } = manualTime();
    const waiters = new OpTimeWaiters(env);
    const wait = waiters.wait(at(1), ms(5));
    fire();
    expect(await wait).toEqual({ kind: 'timeout' });
    waiters.release(() => true);
    expect(waiters.isEmpty).toBe(true);
  });

  test('a failure ends every wait', async () => {
    const waiters = new OpTimeWaiters(manualTime().env);
    const error = new CommandError('PrimarySteppedDown', 'stepped down');
    const waits = [waiters.wait(at(1), FOREVER), waiters.wait(at(2), FOREVER)];
    waiters.fail(error);
    expect(await Promise.all(waits)).toEqual([
      { kind: 'failed', error },
      { kind: 'failed', error },
    ]);
  });

  test('many releases in a row keep the queue short and the order', async () => {
    const waiters = new OpTimeWaiters(manualTime().env);
    const waits = Array.from({ length: 5000 }, (_, i) => waiters.wait(at(i), FOREVER));
    for (let i = 0; i < 5000; i += 7) waiters.release((optime) => optime.ts <= at(i).ts);
    waiters.wakeAll();
    expect((await Promise.all(waits)).every(({ kind }) => kind === 'reached')).toBe(true);
  });
});
