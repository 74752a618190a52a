import { describe, expect, test } from 'vitest';
import { settler } from '../host/settle.ts';
import { Scheduler } from './scheduler.ts';
import { SeededRandom } from './seeded_random.ts';

const settle = settler();

describe('virtual time', () => {
  test('runs events by their time, and by their making where times are equal', async () => {
    const scheduler = new Scheduler(settle);
    const random = new SeededRandom(1);
    const times = Array.from({ length: 200 }, () => random.below(20));
    const ran: number[] = [];
    for (const [i, time] of times.entries()) scheduler.after(time, () => ran.push(i));
    await scheduler.runUntil(100);
    const expected = [...times.keys()].sort((a, b) => times[a] - times[b] || a - b);
    expect(ran).toEqual(expected);
    expect(scheduler.nowMs).toBe(100);
  });

  test('lets every promise of an event settle before the next event', async () => {
    const scheduler = new Scheduler(settle);
    const log: string[] = [];
    scheduler.after(1, () => {
      void (async () => {
        for (let i = 0; i < 5; i++) await Promise.resolve();
        log.push(`settled at ${scheduler.nowMs}`);
      })();
    });
    scheduler.after(1, () => log.push('next event'));
    await scheduler.runUntil(10);
    expect(log).toEqual(['settled at 1', 'next event']);
  });

  test('leaves out what was cancelled', async () => {
    const scheduler = new Scheduler(settle);
    let runs = 0;
    const event = scheduler.after(1, () => runs++);
    scheduler.cancel(event);
    await scheduler.runUntil(10);
    expect([runs, scheduler.eventsRun]).toEqual([0, 0]);
  });

  test('stops when it is told to, at the time of the last event', async () => {
    const scheduler = new Scheduler(settle);
    let isDone = false;
    scheduler.after(3, () => (isDone = true));
    scheduler.after(5, () => undefined);
    await scheduler.runUntil(100, () => isDone);
    expect(scheduler.nowMs).toBe(3);
  });

  test('goes on in the smallest steps', async () => {
    const scheduler = new Scheduler(settle);
    let steps = 0;
    const step = (): void => {
      steps++;
      if (steps < 1000) scheduler.after(0.001, step);
    };
    scheduler.after(30_000, step);
    await scheduler.runUntil(30_002);
    expect(steps).toBe(1000);
  });
});
