import { describe, expect, test } from 'vitest';
import { ms } from '../base/units.ts';
import { settler } from '../host/settle.ts';
import { Scheduler } from './scheduler.ts';
import { SimClock } from './sim_clock.ts';
import { SimProcess } from './sim_process.ts';

const settle = settler();

function machine(): { scheduler: Scheduler; clock: SimClock; process: SimProcess; uncaught: unknown[] } {
  const scheduler = new Scheduler(settle);
  const clock = new SimClock(scheduler);
  const uncaught: unknown[] = [];
  const process = new SimProcess({ scheduler, clock, onUncaught: (error) => uncaught.push(error) });
  return { scheduler, clock, process, uncaught };
}

describe('a simulated process', () => {
  test('handles nothing while it is paused, and then everything in its order', async () => {
    const { scheduler, process } = machine();
    const handled: string[] = [];
    for (const name of ['a', 'b', 'c']) process.schedule(1, () => handled.push(`${name} ${scheduler.nowMs}`));
    process.after(ms(2), () => handled.push(`timer ${scheduler.nowMs}`));
    process.pause();
    await scheduler.runUntil(50);
    expect(handled).toEqual([]);
    process.resume();
    await scheduler.runUntil(51);
    expect(handled).toEqual(['a 50', 'b 50', 'c 50', 'timer 50']);
  });

  test('handles nothing any more once it has crashed', async () => {
    const { scheduler, process } = machine();
    let handled = 0;
    process.schedule(5, () => handled++);
    process.pause();
    await scheduler.runUntil(10);
    process.crash();
    process.resume();
    process.deliver(() => handled++);
    await scheduler.runUntil(20);
    expect(handled).toBe(0);
  });

  test('with a slow processor keeps what comes meanwhile waiting, in its order', async () => {
    const { scheduler, process } = machine();
    process.costOfLookMs = 10;
    const handled: string[] = [];
    const work = (name: string) => (): void => {
      const began = process.monotonic();
      handled.push(`${name} ${scheduler.nowMs} ${process.monotonic() - began}`);
    };
    process.schedule(1, work('a'));
    process.schedule(2, work('b'));
    process.schedule(21, work('c'));
    await scheduler.runUntil(100);
    expect(handled).toEqual(['a 1 10', 'b 21 10', 'c 41 10']);
  });

  test('sees a clock that never goes back, however its rate changes', async () => {
    const { scheduler, clock, process } = machine();
    const shown: number[] = [];
    for (const rate of [1.03, 0.97, 1, 0.5, 2]) {
      await scheduler.runUntil(scheduler.nowMs + 1000);
      shown.push(process.monotonic());
      clock.setRate(rate);
      shown.push(process.monotonic());
    }
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
    expect(shown.at(-1)).toBeCloseTo(1000 + 1030 + 970 + 1000 + 500);
  });

  test('has a wall clock that may jump back while the monotonic one goes on', async () => {
    const { scheduler, clock, process } = machine();
    await scheduler.runUntil(1000);
    const [wall, monotonic] = [process.wall(), process.monotonic()];
    clock.jump(-5000);
    expect([process.wall() - wall, process.monotonic() - monotonic]).toEqual([-5000, 0]);
  });

  test('fires timers by its own clock', async () => {
    const { scheduler, clock, process } = machine();
    clock.setRate(2);
    const fired: number[] = [];
    process.after(ms(100), () => fired.push(scheduler.nowMs));
    const cancel = process.after(ms(100), () => fired.push(-1));
    cancel();
    await scheduler.runUntil(200);
    expect(fired).toEqual([50]);
  });

  test('tells of what nobody caught', async () => {
    const { scheduler, process, uncaught } = machine();
    process.schedule(1, () => {
      throw new Error('lost');
    });
    await scheduler.runUntil(2);
    expect(uncaught).toEqual([new Error('lost')]);
  });
});
