import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareOpTimes } from '../base/optime.ts';
import { at, configOf, optime, progressAt } from '../../tests/support/replication.ts';
import {
  advancedCommitPoint,
  commitPointFromPeer,
  commitPointFromSource,
  commitPointOfArbiter,
  majorityPosition,
} from './commit_point.ts';
import { POSITION_NULL, PROGRESS_NULL } from './progress.ts';

const THREE = configOf([{}, {}, {}]);

describe('the position of a majority', () => {
  test('is the middle one of three', () => {
    const progress = [progressAt(at(1, 9)), progressAt(at(1, 7)), progressAt(at(1, 3))];
    expect(majorityPosition(THREE, progress)).toEqual(at(1, 7));
  });

  test('counts what is on disk, not what is applied', () => {
    const progress = [progressAt(at(1, 9)), progressAt(at(1, 9), at(1, 4)), progressAt(at(1, 3))];
    expect(majorityPosition(THREE, progress)).toEqual(at(1, 4));
  });

  test('counts what is applied when the config says so', () => {
    const config = configOf([{}, {}, {}], { writeConcernMajorityJournalDefault: false });
    const progress = [progressAt(at(1, 9)), progressAt(at(1, 9), at(1, 4)), progressAt(at(1, 3))];
    expect(majorityPosition(config, progress)).toEqual(at(1, 9));
  });

  test('leaves out members without vote, and an arbiter holds nothing', () => {
    const config = configOf([{}, {}, { arbiterOnly: true }, { votes: 0, priority: 0 }]);
    const progress = [progressAt(at(1, 9)), progressAt(at(1, 2)), PROGRESS_NULL, progressAt(at(1, 9))];
    expect(majorityPosition(config, progress)).toEqual(at(1, 2));
  });

  test('is held by at least a write majority of the voters with data', () => {
    const seconds = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(seconds, (all) => {
        const config = configOf(all.map(() => ({})));
        const position = majorityPosition(
          config,
          all.map((second) => progressAt(at(1, second))),
        );
        const holders = all.filter(
          (second) => compareOpTimes(at(1, second).optime, position?.optime ?? optime(0, 0)) >= 0,
        );
        expect(holders.length * 2).toBeGreaterThan(all.length);
      }),
    );
  });
});

describe('the commit point of a primary', () => {
  // Source: Raft §5.4.2, figure 8.
  test('does not move to an entry of an earlier term', () => {
    const progress = [progressAt(at(2, 9)), progressAt(at(1, 7)), progressAt(at(1, 3))];
    const current = at(1, 2);
    expect(advancedCommitPoint({ config: THREE, progress, current, firstOptimeOfTerm: optime(2, 8) })).toBe(current);
  });

  test('moves with the first entry of the own term', () => {
    const progress = [progressAt(at(2, 9)), progressAt(at(2, 8)), progressAt(at(1, 3))];
    const options = { config: THREE, progress, current: at(1, 2), firstOptimeOfTerm: optime(2, 8) };
    expect(advancedCommitPoint(options)).toEqual(at(2, 8));
  });

  test('never falls', () => {
    const progress = [progressAt(at(2, 9)), progressAt(at(2, 8)), progressAt(at(1, 3))];
    const current = at(2, 9);
    expect(advancedCommitPoint({ config: THREE, progress, current, firstOptimeOfTerm: optime(2, 7) })).toBe(current);
  });
});

describe('a commit point a follower hears of', () => {
  const mine = progressAt(at(2, 10));

  test('in a heartbeat counts in the term of the own last entry only', () => {
    expect(commitPointFromPeer(at(2, 8), mine, at(2, 5))).toEqual(at(2, 8));
    expect(commitPointFromPeer(at(3, 8), mine, at(2, 5))).toEqual(at(2, 5));
    expect(commitPointFromPeer(at(2, 4), mine, at(2, 5))).toEqual(at(2, 5));
  });

  test('from the sync source counts up to the own last entry in another term', () => {
    expect(commitPointFromSource(at(3, 20), mine, at(2, 5))).toEqual(at(2, 10));
    expect(commitPointFromSource(at(2, 8), mine, at(2, 5))).toEqual(at(2, 8));
    expect(commitPointFromSource(at(2, 12), mine, at(2, 5))).toEqual(at(2, 12));
  });

  test('is taken over by an arbiter as it is', () => {
    expect(commitPointOfArbiter(at(3, 20), POSITION_NULL)).toEqual(at(3, 20));
    expect(commitPointOfArbiter(POSITION_NULL, at(3, 20))).toEqual(at(3, 20));
  });
});
