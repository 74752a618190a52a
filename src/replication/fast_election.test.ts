import { describe, expect, test } from 'vitest';
import {
  answerHeartbeats,
  at,
  configOf,
  hostOf,
  progressAt,
  replyOf,
  TestCore,
} from '../../tests/support/replication.ts';
import type { Effect } from './effect.ts';
import { MEMBER_STATE } from './member_state.ts';
import { CONFIG_VERSION_NONE, type HeartbeatReply } from './messages.ts';

type Answer = HeartbeatReply | 'refused' | 'timeout';

const FIVE_SECONDS = 5000;
const primary = () => replyOf({ state: MEMBER_STATE.PRIMARY, primaryId: 1 });

/** When the member first asks for votes within five seconds after a start in which the others answered so; undefined: never. */
function firstStand(first: Answer, second: Answer, member = {}): number | undefined {
  const core = new TestCore();
  const config = configOf([member, {}, {}]);
  const answer = (target: string): Answer => (target === hostOf(1) ? first : second);
  let effects: readonly Effect[] = core.startWith(config);
  const startedAt = core.now;
  while (core.now - startedAt < FIVE_SECONDS) {
    if (effects.some(({ kind }) => kind === 'sendVoteRequest')) return core.now - startedAt;
    effects = answerHeartbeats(core, effects, answer);
    if (effects.length === 0) effects = core.later(1).step({ kind: 'tick' });
  }
  return undefined;
}

describe('after a start', () => {
  test('a member stands at once when all others see no primary', () => {
    expect(firstStand(replyOf(), replyOf())).toBeLessThan(20);
  });

  test('the first in order stands before the others', () => {
    const ahead = replyOf({ progress: progressAt(at(1, 9)) });
    expect(firstStand(ahead, ahead)).toBeGreaterThanOrEqual(35);
  });

  test('it gives members that are down a moment to come up', () => {
    const moment = firstStand(replyOf(), 'refused');
    expect(moment).toBeGreaterThanOrEqual(250);
    expect(moment).toBeLessThan(400);
  });

  test.each([
    ['a primary answers', primary(), replyOf()],
    ['a member knows a primary', replyOf({ primaryId: 2 }), replyOf()],
    ['a member is silent: it could be the primary', replyOf(), 'timeout'],
    ['no majority is up', 'refused', 'refused'],
    ['no majority has the config yet', replyOf({ configVersion: CONFIG_VERSION_NONE }), 'refused'],
  ] as const)('it waits for the election timeout when %s', (_, first, second) => {
    expect(firstStand(first, second)).toBeUndefined();
  });

  test('a member that can not be elected never stands', () => {
    expect(firstStand(replyOf(), replyOf(), { priority: 0 })).toBeUndefined();
  });
});

describe('a refused connection', () => {
  const withPrimary = (): TestCore => {
    const core = new TestCore();
    answerHeartbeats(core, core.startWith(configOf([{}, {}, {}])), (target) =>
      target === hostOf(1) ? primary() : replyOf({ primaryId: 1 }),
    );
    return core;
  };
  const standsWithin = (core: TestCore, duration: number): boolean => {
    for (let passed = 0; passed < duration; passed++) {
      const effects = core.later(1).step({ kind: 'tick' });
      if (effects.some(({ kind }) => kind === 'sendVoteRequest')) return true;
    }
    return false;
  };

  test('to the primary starts an election within milliseconds', () => {
    const core = withPrimary();
    core.step({ kind: 'connectionRefused', target: hostOf(1) });
    expect(standsWithin(core, 30)).toBe(true);
  });

  test('to another member does not', () => {
    const core = withPrimary();
    core.step({ kind: 'connectionRefused', target: hostOf(2) });
    expect(standsWithin(core, 400)).toBe(false);
  });

  test('is forgotten when the primary answers after all', () => {
    const core = withPrimary();
    core.later(500);
    const heartbeats = core.step({ kind: 'tick' });
    core.step({ kind: 'connectionRefused', target: hostOf(1) });
    answerHeartbeats(core, heartbeats, () => primary());
    expect(standsWithin(core, 400)).toBe(false);
  });

  test('does not count while the own loop stood still', () => {
    const core = withPrimary();
    core.step({ kind: 'connectionRefused', target: hostOf(1) });
    core.later(1000).step({ kind: 'stalled', duration: 1000 as never });
    expect(core.step({ kind: 'tick' }).some(({ kind }) => kind === 'sendVoteRequest')).toBe(false);
  });
});
