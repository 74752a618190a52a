import { describe, expect, test } from 'vitest';
import { incrementOf, secondsOf, timestampOf } from '../base/optime.ts';
import { manualEnv } from '../../tests/support/manual_env.ts';
import { ClusterClock } from './cluster_clock.ts';

describe('the cluster clock', () => {
  test('follows the wall clock in whole seconds and counts within one', () => {
    const env = manualEnv();
    env.advance(5_900);
    const clock = new ClusterClock(env.clock);
    expect(clock.tick()).toBe(timestampOf(5, 1));
    expect(clock.tick(3)).toBe(timestampOf(5, 2));
    expect(clock.now).toBe(timestampOf(5, 4));
    env.advance(200);
    expect(clock.tick()).toBe(timestampOf(6, 1));
  });

  test('goes on from a later time it learnt, and never back', () => {
    const env = manualEnv();
    env.advance(5_000);
    const clock = new ClusterClock(env.clock);
    clock.advance(timestampOf(100, 7));
    clock.advance(timestampOf(50, 1));
    expect(clock.tick()).toBe(timestampOf(100, 8));
  });

  test('moves to the next second when the increments of one are used up', () => {
    const clock = new ClusterClock(manualEnv().clock);
    clock.advance(timestampOf(100, 2 ** 21 - 2));
    const first = clock.tick(2);
    expect([secondsOf(first), incrementOf(first)]).toEqual([101, 1]);
  });
});
