import { describe, expect, test } from 'vitest';
import { termOf } from '../base/optime.ts';
import { optime } from '../../tests/support/replication.ts';
import type { VoteRequest } from './messages.ts';
import { voteRefusal, type Voter } from './vote.ts';

const VOTER: Voter = {
  setName: 'rs0',
  term: termOf(5),
  config: { version: 3, term: termOf(4) },
  lastVote: { term: termOf(4), candidateIndex: 1 },
  lastVoteHost: 'm2:27017',
  lastWritten: optime(4, 10),
  isArbiter: false,
  healthyPrimary: { host: 'm1:27017', priority: 1 },
  candidatePriority: 1,
};

const REQUEST: VoteRequest = {
  setName: 'rs0',
  dryRun: false,
  term: termOf(5),
  candidateIndex: 2,
  configVersion: 3,
  configTerm: termOf(4),
  lastApplied: optime(4, 10),
  lastWritten: optime(4, 10),
};

const refusal = (voter: Partial<Voter>, request: Partial<VoteRequest> = {}) =>
  voteRefusal({ ...VOTER, ...voter }, { ...REQUEST, ...request });

describe('a vote', () => {
  test('is granted to an equally fresh candidate, even beside a healthy primary', () => {
    expect(refusal({})).toBe('');
  });

  test('is granted to a candidate with a newer config', () => {
    expect(refusal({}, { configVersion: 4 })).toBe('');
  });

  // Source: Raft §5.4.1: the log with the later term is more up to date, whatever the timestamps.
  test('is granted to a candidate whose last entry is of a later term', () => {
    expect(refusal({}, { lastWritten: optime(5, 1) })).toBe('');
  });

  test.each([
    ['an older config', {}, { configVersion: 2 }, "candidate's config with {version: 2, term: 4} is older than mine"],
    ['a lower term', {}, { term: termOf(4) }, "candidate's term (4) is lower than mine (5)"],
    ['another set', {}, { setName: 'x' }, "candidate's set name (x) differs from mine (rs0)"],
    ['staler data', {}, { lastWritten: optime(4, 9) }, "candidate's data is staler than mine"],
    ['an earlier term with later entries', {}, { lastWritten: optime(3, 99) }, "candidate's data is staler than mine"],
    [
      'a vote given in this term',
      { lastVote: { term: termOf(5), candidateIndex: 1 } },
      {},
      'already voted for another candidate (m2:27017) this term (5)',
    ],
    [
      'an arbiter beside a primary',
      { isArbiter: true },
      {},
      'can see a healthy primary (m1:27017) of equal or greater',
    ],
  ])('is refused for %s', (_, voter, request, reason) => {
    expect(refusal(voter, request)).toContain(reason);
  });

  test('of this term does not stop a dry run', () => {
    expect(refusal({ lastVote: { term: termOf(5), candidateIndex: 1 } }, { dryRun: true })).toBe('');
  });

  test('of an arbiter goes to a candidate of higher priority than the primary', () => {
    expect(refusal({ isArbiter: true, candidatePriority: 2 })).toBe('');
  });
});
