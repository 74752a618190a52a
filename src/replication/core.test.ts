import { describe, expect, test } from 'vitest';
import { InvariantError } from '../base/invariant.ts';
import { OPTIME_NULL, termOf, type OpTime } from '../base/optime.ts';
import { ms } from '../base/units.ts';
import {
  answerHeartbeats,
  at,
  configOf,
  hostOf,
  kindsOf,
  optime,
  progressAt,
  replyOf,
  TestCore,
} from '../../tests/support/replication.ts';
import { MEMBER_STATE } from './member_state.ts';
import { PROGRESS_NULL } from './progress.ts';

const THREE = configOf([{}, {}, {}]);
const primaryReply = () => replyOf({ state: MEMBER_STATE.PRIMARY, primaryId: 1 });

describe('the core', () => {
  test('refuses time that goes back', () => {
    const core = new TestCore();
    core.startWith(THREE);
    core.now = ms(1);
    expect(() => core.step({ kind: 'tick' })).toThrow(InvariantError);
  });

  test('wants to be started first, and once', () => {
    const core = new TestCore();
    expect(() => core.step({ kind: 'tick' })).toThrow("'start' comes first");
    core.startWith(THREE);
    expect(() => core.startWith(THREE)).toThrow("'start' comes first");
  });

  test('without a config waits for nothing', () => {
    const core = new TestCore();
    core.startWith(undefined, PROGRESS_NULL);
    expect(core.core.deadline).toBe(Infinity);
    expect(core.core.memberState).toBe(MEMBER_STATE.STARTUP);
  });

  test('with data starts through STARTUP2 and RECOVERING into SECONDARY, and raises the counter each time', () => {
    const core = new TestCore();
    const effects = core.startWith(THREE);
    const states = effects.flatMap((effect) => (effect.kind === 'stateChanged' ? [effect.to] : []));
    expect(states).toEqual([MEMBER_STATE.STARTUP2, MEMBER_STATE.RECOVERING, MEMBER_STATE.SECONDARY]);
    expect(core.core.topologyCounter).toBe(3);
    expect(kindsOf(effects)).toContain('startSync');
  });

  test('without data asks for an initial sync and reports no position until it is done', () => {
    const core = new TestCore();
    expect(core.startWith(THREE, PROGRESS_NULL)).toContainEqual({ kind: 'startSync', mode: 'initialSync' });
    core.step({ kind: 'syncSourceChanged', source: hostOf(1) });
    expect(core.core.updatePosition()?.positions).toEqual([]);
    core.step({ kind: 'initialSyncFinished', progress: progressAt(at(1, 5)) });
    core.step({ kind: 'syncSourceChanged', source: hostOf(1) });
    expect(core.core.updatePosition()?.positions).toHaveLength(1);
    expect(core.core.memberState).toBe(MEMBER_STATE.SECONDARY);
  });

  test('takes its term from its last vote or its last entry, whichever is higher', () => {
    const start = (voteTerm: number, entryTerm: number): number => {
      const core = new TestCore();
      core.step({
        kind: 'start',
        config: THREE,
        lastVote: { term: termOf(voteTerm), candidateIndex: 0 },
        needsInitialSync: false,
        progress: progressAt(at(entryTerm, 5)),
        rollbackId: 1,
        promised: OPTIME_NULL,
      });
      return core.core.term;
    };
    expect([start(7, 3), start(2, 3)]).toEqual([7, 3]);
  });

  test('that threw its data away votes as if it still had what others counted on', () => {
    const vote = (written: OpTime): unknown => {
      const core = new TestCore();
      core.startWith(THREE, PROGRESS_NULL, optime(3, 7));
      const config = { configVersion: THREE.version, configTerm: THREE.term };
      const request = { setName: 'rs0', dryRun: false, term: termOf(4), candidateIndex: 1, ...config };
      const asked = { ...request, lastApplied: written, lastWritten: written };
      return core.step({ kind: 'voteRequest', request: asked, replyTo: 1 }).find(({ kind }) => kind === 'reply');
    };
    expect(vote(optime(3, 6))).toMatchObject({ reply: { reply: { voteGranted: false } } });
    expect(vote(optime(3, 7))).toMatchObject({ reply: { reply: { voteGranted: true } } });
  });

  test('stops when a position falls outside a rollback', () => {
    const core = new TestCore();
    core.startWith(THREE);
    expect(() => core.step({ kind: 'progress', progress: progressAt(at(1, 4)) })).toThrow('falls in a rollback only');
  });

  test('answers a query of a higher term with StaleTerm after it took the term over', () => {
    const core = new TestCore();
    core.startWith(THREE);
    const effects = core.step({ kind: 'termSeen', term: termOf(9), replyTo: 1 });
    expect(effects.at(-1)).toMatchObject({ kind: 'reply', reply: { kind: 'error', error: { code: 135 } } });
    expect(core.core.term).toBe(9);
  });

  test('forwards positions of others to its source', () => {
    const core = new TestCore();
    core.startWith(THREE);
    core.step({ kind: 'syncSourceChanged', source: hostOf(1) });
    const update = {
      positions: [{ memberId: 2, configVersion: 1, progress: progressAt(at(1, 5)) }],
      replData: undefined,
    };
    expect(kindsOf(core.step({ kind: 'updatePosition', update, replyTo: 1 }))).toEqual(['sendUpdatePosition', 'reply']);
    expect(core.core.updatePosition()?.positions.map(({ memberId }) => memberId)).toEqual([0, 2]);
  });

  test('refuses positions of members it does not know, after it took the others', () => {
    const core = new TestCore();
    core.startWith(THREE);
    const positions = [77, 2].map((memberId) => ({ memberId, configVersion: 1, progress: progressAt(at(1, 6)) }));
    const effects = core.step({ kind: 'updatePosition', update: { positions, replData: undefined }, replyTo: 1 });
    expect(effects.at(-1)).toMatchObject({ reply: { kind: 'error', error: { code: 74 } } });
  });
});

describe('heartbeats', () => {
  test('go out at once at the start, and then in the interval', () => {
    const core = new TestCore();
    const effects = core.startWith(THREE);
    expect(effects.filter(({ kind }) => kind === 'sendHeartbeat')).toHaveLength(2);
    answerHeartbeats(core, effects, primaryReply);
    // Without a source a quarter of the interval of 2000 ms.
    expect(kindsOf(core.later(499).step({ kind: 'tick' }))).not.toContain('sendHeartbeat');
    expect(kindsOf(core.later(1).step({ kind: 'tick' })).filter((kind) => kind === 'sendHeartbeat')).toHaveLength(2);
  });

  test('are tried again at once twice before a silent member counts as down', () => {
    const core = new TestCore();
    let effects = core.startWith(THREE);
    const down = () => (core.core.status(core.now, 0 as never)['members'] as { state: number }[])[1]?.state;
    for (const expected of [MEMBER_STATE.UNKNOWN, MEMBER_STATE.UNKNOWN, MEMBER_STATE.DOWN]) {
      effects = answerHeartbeats(core.later(100), effects, () => 'timeout');
      expect(down()).toBe(expected);
    }
    expect(effects.filter(({ kind }) => kind === 'sendHeartbeat')).toHaveLength(0);
  });

  test('of another set are refused', () => {
    const core = new TestCore();
    core.startWith(THREE);
    const request = {
      setName: 'x',
      checkEmpty: false,
      configVersion: 1,
      configTerm: termOf(1),
      from: hostOf(1),
      fromId: 1,
      term: termOf(1),
      primaryId: -1,
    };
    expect(core.step({ kind: 'heartbeatRequest', request, replyTo: 1 }).at(-1)).toMatchObject({
      reply: { error: { code: 108, message: 'Our set name of rs0 does not match name x reported by remote node' } },
    });
  });

  test('make the election timer start anew only when they come from a primary of this term', () => {
    const core = new TestCore();
    const effects = core.startWith(THREE, progressAt(at(3, 5)));
    const before = 10_000 + core.now;
    core.later(300);
    answerHeartbeats(core, effects, () => replyOf({ state: MEMBER_STATE.PRIMARY, primaryId: 1, term: termOf(2) }));
    core.step({ kind: 'syncSourceChanged', source: hostOf(1) });
    expect(core.core.primary).toBeUndefined();
    const reply = primaryReply();
    answerHeartbeats(core, core.later(700).step({ kind: 'tick' }), () => ({ ...reply, term: termOf(3) }));
    expect(core.core.primary).toBe(hostOf(1));
    expect(before).toBe(11_000);
    expect(
      core
        .later(9999)
        .step({ kind: 'tick' })
        .some(({ kind }) => kind === 'sendVoteRequest'),
    ).toBe(false);
    expect(
      core
        .later(1)
        .step({ kind: 'tick' })
        .some(({ kind }) => kind === 'sendVoteRequest'),
    ).toBe(true);
  });
});

describe('a sync source', () => {
  const start = (reply1: Parameters<typeof replyOf>[0], reply2: Parameters<typeof replyOf>[0], settings = {}) => {
    const core = new TestCore();
    const effects = core.startWith(configOf([{}, {}, {}], { settings }));
    answerHeartbeats(core, effects, (target) => replyOf(target === hostOf(1) ? reply1 : reply2));
    return core;
  };
  const ahead = progressAt(at(1, 6));
  const primary = { state: MEMBER_STATE.PRIMARY, primaryId: 1 };

  test('is the primary at once, even when it is not ahead', () => {
    const { core, now } = start(primary, { progress: ahead });
    expect(core.chooseSyncSource(now, optime(1, 5))).toBe(hostOf(1));
  });

  test('is never a secondary that is not ahead', () => {
    const { core, now } = start({}, { progress: progressAt(at(1, 5)) });
    expect(core.chooseSyncSource(now, optime(1, 5))).toBeUndefined();
  });

  test('is a secondary that is ahead when there is no primary', () => {
    const { core, now } = start({}, { progress: ahead });
    expect(core.chooseSyncSource(now, optime(1, 5))).toBe(hostOf(2));
  });

  test('is only the primary without chaining', () => {
    const { core, now } = start({}, { progress: ahead }, { chainingAllowed: false });
    expect(core.chooseSyncSource(now, optime(1, 5))).toBeUndefined();
  });

  test('is not one that was denied, until the time is over', () => {
    const core = start({}, { progress: ahead });
    core.step({ kind: 'syncSourceDenied', target: hostOf(2), until: ms(core.now + 60) });
    expect(core.core.chooseSyncSource(core.now, optime(1, 5))).toBeUndefined();
    expect(core.core.chooseSyncSource(core.later(60).now, optime(1, 5))).toBe(hostOf(2));
  });

  test('that copies from this member and is not ahead is left', () => {
    const core = start({}, { progress: ahead });
    const data = {
      commitPoint: at(1, 4),
      lastApplied: optime(1, 5),
      lastWritten: optime(1, 5),
      rollbackId: 1,
      primaryIndex: -1,
      syncSourceIndex: 0,
      syncSourceHost: hostOf(0),
    };
    const change = (changes: Partial<typeof data>) =>
      core.core.shouldChangeSyncSource(core.now, hostOf(2), { ...data, ...changes }, optime(1, 5));
    expect(change({})).toBe(true);
    expect(change({ lastApplied: optime(1, 6) })).toBe(false);
    expect(change({ syncSourceIndex: -1, syncSourceHost: '' })).toBe(true);
    expect(change({ syncSourceIndex: -1, syncSourceHost: '', primaryIndex: 2 })).toBe(false);
  });
});
