import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { termOf } from '../base/optime.ts';
import { configOf } from '../../tests/support/replication.ts';
import {
  compareConfigs,
  implicitDefaultIsMajority,
  isMajority,
  majorityVoteCount,
  priorityOf,
  isVoter,
  writeMajority,
} from './config.ts';

const version = fc.record({
  version: fc.integer({ min: 1, max: 5 }),
  term: fc.integer({ min: -1, max: 4 }).map(termOf),
});

describe('the order of configs', () => {
  test('a higher term is newer whatever the version', () => {
    expect(compareConfigs({ version: 1, term: termOf(2) }, { version: 9, term: termOf(1) })).toBeGreaterThan(0);
  });

  test('a config of a forced reconfig is compared by version alone', () => {
    expect(compareConfigs({ version: 10, term: termOf(-1) }, { version: 9, term: termOf(7) })).toBeGreaterThan(0);
  });

  test('no two configs are each newer than the other', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(Math.sign(compareConfigs(a, b)) + Math.sign(compareConfigs(b, a))).toBe(0);
      }),
    );
  });
});

describe('majorities', () => {
  test('two majorities of the same voters share a voter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.nat(7), fc.nat(7), (voters, a, b) => {
        fc.pre(a <= voters && b <= voters && isMajority(a, voters) && isMajority(b, voters));
        expect(a + b).toBeGreaterThan(voters);
      }),
    );
  });

  test.each([
    // members, votes needed, members with data needed, implicit default is majority
    ['PSS', [{}, {}, {}], 2, 2, true],
    ['PSA', [{}, {}, { arbiterOnly: true }], 2, 2, false],
    ['PSSA', [{}, {}, {}, { arbiterOnly: true }], 3, 3, false],
    ['PSSSA', [{}, {}, {}, {}, { arbiterOnly: true }], 3, 3, true],
    ['PAA', [{}, { arbiterOnly: true }, { arbiterOnly: true }], 2, 1, false],
    ['PS and one without vote', [{}, {}, { votes: 0, priority: 0 }], 2, 2, true],
  ])('%s', (_, members, votes, writes, implicit) => {
    const config = configOf(members);
    expect([majorityVoteCount(config), writeMajority(config), implicitDefaultIsMajority(config)]).toEqual([
      votes,
      writes,
      implicit,
    ]);
  });

  test('a newly added member neither votes nor stands', () => {
    const [, added] = configOf([{}, { newlyAdded: true, priority: 3 }]).members;
    expect(added !== undefined && [isVoter(added), priorityOf(added)]).toEqual([false, 0]);
  });
});
