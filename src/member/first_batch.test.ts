import { describe, expect, test } from 'vitest';
import { termOf, timestampOf, type OpTime } from '../base/optime.ts';
import { judgeFirstBatch, type FirstBatch } from './first_batch.ts';

function optime(term: number, seconds: number): OpTime {
  return { ts: timestampOf(seconds, 1), t: termOf(term) };
}

const GOOD: FirstBatch = {
  lastFetched: optime(1, 10),
  first: optime(1, 10),
  last: optime(1, 12),
  sourceLastApplied: optime(1, 12),
  rollbackIdAtChoice: 1,
  rollbackId: 1,
  mustBeAhead: true,
};

function verdictOf(change: Partial<FirstBatch>): string {
  return judgeFirstBatch({ ...GOOD, ...change }).kind;
}

describe('the first batch of a sync source', () => {
  test('goes on when it starts with our last entry', () => {
    expect(verdictOf({})).toBe('continue');
  });

  test('is refused when the source rolled back meanwhile', () => {
    expect(verdictOf({ rollbackId: 2 })).toBe('invalidSource');
  });

  test('from a source that is behind leads to another source, not to a rollback', () => {
    const behind = { first: undefined, last: undefined, sourceLastApplied: optime(1, 9) };
    expect(verdictOf(behind)).toBe('invalidSource');
  });

  test('from a source with nothing newer is refused in steady state only', () => {
    const equal = { last: optime(1, 10), sourceLastApplied: optime(1, 10) };
    expect(verdictOf(equal)).toBe('invalidSource');
    expect(verdictOf({ ...equal, mustBeAhead: false })).toBe('continue');
  });

  test('shows that the oplogs parted when the source has a newer term instead of our entry', () => {
    expect(verdictOf({ first: optime(2, 11), last: optime(2, 11), sourceLastApplied: optime(2, 11) })).toBe('diverged');
  });

  test('that is empty although the source is ahead by term shows it too', () => {
    expect(verdictOf({ first: undefined, last: undefined, sourceLastApplied: optime(2, 5) })).toBe('diverged');
  });
});
