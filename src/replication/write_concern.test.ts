import { describe, expect, test } from 'vitest';
import { at, configOf, optime, progressAt } from '../../tests/support/replication.ts';
import { PROGRESS_NULL } from './progress.ts';
import { isSatisfied, unsatisfiableError, VOTING_MAJORITY, VOTING_MEMBERS, type Replicated } from './write_concern.ts';

const CONFIG = configOf(
  [
    { tags: { dc: 'a' } },
    { tags: { dc: 'a' } },
    { tags: { dc: 'b' }, hidden: true, priority: 0 },
    { arbiterOnly: true },
  ],
  { settings: { getLastErrorModes: { both: { dc: 2 } } } },
);
const WRITE = optime(2, 10);
const AHEAD = progressAt(at(2, 10));
const BEHIND = progressAt(at(2, 9));

const state = (second: typeof AHEAD, third: typeof AHEAD, change: Partial<Replicated> = {}): Replicated => ({
  config: CONFIG,
  selfIndex: 0,
  term: 2,
  progress: [AHEAD, second, third, PROGRESS_NULL],
  commitPoint: optime(2, 9),
  ...change,
});

describe('a write concern', () => {
  test('of a number counts any member with data', () => {
    expect(isSatisfied(state(BEHIND, AHEAD), WRITE, { w: 2, j: undefined })).toBe(true);
    expect(isSatisfied(state(BEHIND, AHEAD), WRITE, { w: 3, j: undefined })).toBe(false);
  });

  test('with j counts what is on disk', () => {
    const unsynced = progressAt(at(2, 10), at(2, 9));
    expect(isSatisfied(state(unsynced, BEHIND), WRITE, { w: 2, j: true })).toBe(false);
    expect(isSatisfied(state(unsynced, BEHIND), WRITE, { w: 2, j: false })).toBe(true);
  });

  test('of "majority" waits for the commit point', () => {
    const replicated = state(AHEAD, AHEAD);
    expect(isSatisfied(replicated, WRITE, { w: 'majority', j: undefined })).toBe(false);
    expect(isSatisfied({ ...replicated, commitPoint: WRITE }, WRITE, { w: 'majority', j: undefined })).toBe(true);
  });

  test('of the voting members waits for all that have data, or for a majority of all', () => {
    const all = { w: VOTING_MEMBERS, j: false };
    expect(isSatisfied(state(AHEAD, BEHIND), WRITE, all)).toBe(false);
    expect(isSatisfied(state(AHEAD, AHEAD), WRITE, all)).toBe(true);
    const most = { w: VOTING_MAJORITY, j: false };
    expect(isSatisfied(state(BEHIND, BEHIND), WRITE, most)).toBe(false);
    expect(isSatisfied(state(AHEAD, AHEAD), WRITE, most)).toBe(true);
    expect(unsatisfiableError(CONFIG, all) ?? unsatisfiableError(CONFIG, most)).toBeUndefined();
  });

  test('of a mode counts different values of its tags', () => {
    expect(isSatisfied(state(AHEAD, BEHIND), WRITE, { w: 'both', j: undefined })).toBe(false);
    expect(isSatisfied(state(BEHIND, AHEAD), WRITE, { w: 'both', j: undefined })).toBe(true);
  });

  test('is not satisfied by members ahead of this one when it does not have the write itself', () => {
    const replicated = state(AHEAD, AHEAD, { progress: [BEHIND, AHEAD, AHEAD, PROGRESS_NULL] });
    expect(isSatisfied(replicated, WRITE, { w: 1, j: undefined })).toBe(false);
  });

  test('is not satisfied by an entry of a term this primary does not know', () => {
    const other = progressAt(at(3, 1));
    expect(isSatisfied(state(other, other), WRITE, { w: 2, j: undefined })).toBe(false);
  });

  test('of 0 never waits', () => {
    const replicated = state(BEHIND, BEHIND, { progress: [BEHIND, BEHIND, BEHIND, PROGRESS_NULL] });
    expect(isSatisfied(replicated, WRITE, { w: 0, j: undefined })).toBe(true);
  });

  test('that can never be satisfied is an error', () => {
    expect(unsatisfiableError(CONFIG, { w: 3, j: undefined })).toBeUndefined();
    expect(unsatisfiableError(CONFIG, { w: 4, j: undefined })).toMatchObject({
      code: 100,
      message: 'Not enough data-bearing nodes',
    });
    expect(unsatisfiableError(CONFIG, { w: 'x', j: undefined })).toMatchObject({
      code: 79,
      message: "No write concern mode named 'x' found in replica set configuration",
    });
  });
});
