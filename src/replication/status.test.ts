import { describe, expect, test } from 'vitest';
import { unixMs } from '../base/units.ts';
import {
  answerHeartbeats,
  configOf,
  hostOf,
  progressAt,
  at,
  replyOf,
  TestCore,
} from '../../tests/support/replication.ts';
import { MEMBER_STATE } from './member_state.ts';
import { PROGRESS_NULL } from './progress.ts';

const CONFIG = configOf([{}, {}, { arbiterOnly: true }, { priority: 0 }, { hidden: true, priority: 0 }]);

function started(): TestCore {
  const core = new TestCore();
  answerHeartbeats(core, core.startWith(CONFIG), (target) => {
    if (target === hostOf(1)) return replyOf({ state: MEMBER_STATE.PRIMARY, primaryId: 1 });
    if (target === hostOf(2)) return replyOf({ state: MEMBER_STATE.ARBITER, progress: PROGRESS_NULL });
    return target === hostOf(3) ? replyOf() : 'refused';
  });
  return core;
}

describe('replSetGetStatus', () => {
  test('has the fields of MongoDB 8.0 in order', () => {
    const core = started();
    const status = core.core.status(core.now, unixMs(5));
    expect(Object.keys(status)).toEqual([
      'set',
      'date',
      'myState',
      'term',
      'syncSourceHost',
      'syncSourceId',
      'heartbeatIntervalMillis',
      'majorityVoteCount',
      'writeMajorityCount',
      'votingMembersCount',
      'writableVotingMembersCount',
      'optimes',
      'members',
    ]);
    const members = status['members'] as Record<string, unknown>[];
    expect(Object.keys(members[1] ?? {})).toEqual([
      '_id',
      'name',
      'health',
      'state',
      'stateStr',
      'uptime',
      'optime',
      'optimeDurable',
      'optimeWritten',
      'optimeDate',
      'optimeDurableDate',
      'optimeWrittenDate',
      'lastAppliedWallTime',
      'lastDurableWallTime',
      'lastWrittenWallTime',
      'lastHeartbeat',
      'lastHeartbeatRecv',
      'pingMs',
      'lastHeartbeatMessage',
      'syncSourceHost',
      'syncSourceId',
      'infoMessage',
      'configVersion',
      'configTerm',
    ]);
    expect(members.map(({ stateStr }) => stateStr)).toEqual([
      'SECONDARY',
      'PRIMARY',
      'ARBITER',
      'SECONDARY',
      '(not reachable/healthy)',
    ]);
    expect(members[2]?.['optime']).toBeUndefined();
  });

  test('is refused before a config and after removal', () => {
    const fresh = new TestCore();
    fresh.startWith(undefined, PROGRESS_NULL);
    const ask = (core: TestCore) => () => core.core.status(core.now, unixMs(5));
    expect(ask(fresh)).toThrow(expect.objectContaining({ code: 94, message: 'no replset config has been received' }));
    const removed = new TestCore({ self: 'other:1' });
    removed.startWith(CONFIG);
    expect(ask(removed)).toThrow(expect.objectContaining({ code: 93 }));
  });
});

describe('hello', () => {
  test('lists members by what clients may use them for', () => {
    const { core } = started();
    const hello = core.hello({ isLegacyName: false });
    expect(hello).toMatchObject({
      hosts: [hostOf(0), hostOf(1)],
      passives: [hostOf(3)],
      arbiters: [hostOf(2)],
      setName: 'rs0',
      setVersion: 1,
      isWritablePrimary: false,
      secondary: true,
      primary: hostOf(1),
      me: hostOf(0),
    });
    expect(Object.keys(hello)[0]).toBe('topologyVersion');
    expect(hello['electionId']).toBeUndefined();
  });

  test('says ismaster to those who ask so', () => {
    expect(started().core.hello({ isLegacyName: true })).toMatchObject({ ismaster: false });
  });

  test('without a config tells that there is none', () => {
    const core = new TestCore();
    core.startWith(undefined, PROGRESS_NULL);
    expect(core.core.hello({ isLegacyName: false })).toMatchObject({
      isWritablePrimary: false,
      secondary: false,
      info: 'Does not have a valid replica set config',
      isreplicaset: true,
    });
  });

  test('shows the last write, and no majority before one is known', () => {
    const core = new TestCore();
    core.startWith(CONFIG, progressAt(at(1, 5)));
    const lastWrite = core.core.hello({ isLegacyName: false })['lastWrite'] as Record<string, unknown>;
    expect(Object.keys(lastWrite)).toEqual(['opTime', 'lastWriteDate']);
    expect(lastWrite['lastWriteDate']).toEqual(new Date(5000));
  });
});
