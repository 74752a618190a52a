import { describe, expect, test } from 'vitest';
import type { OpTime } from '../base/optime.ts';
import { optime } from '../../tests/support/replication.ts';
import { findCommonPoint, type BackwardReader } from './common_point.ts';

/** Entries as 'seconds@term', oldest first. */
function oplog(text: string): BackwardReader {
  const optimes: OpTime[] = text.split(' ').map((entry) => {
    const [seconds, term] = entry.split('@').map(Number);
    return optime(term, seconds);
  });
  return { next: () => optimes.pop() };
}

describe('the common point of two oplogs', () => {
  test('is the newest entry that both have', async () => {
    const found = await findCommonPoint(oplog('1@1 2@1 3@1'), oplog('1@1 2@1 4@2 5@2'));
    expect(found).toEqual({ kind: 'found', optime: optime(1, 2) });
  });

  test('is not an entry of the same time in another term', async () => {
    const found = await findCommonPoint(oplog('1@1 2@1 3@1'), oplog('1@1 2@1 3@2'));
    expect(found).toEqual({ kind: 'found', optime: optime(1, 2) });
  });

  test('may lie before our oldest entry, in what we copied', async () => {
    const found = await findCommonPoint(oplog('3@1 4@1'), oplog('1@1 2@1 5@2'));
    expect(found).toEqual({ kind: 'beforeOurOldest', optime: optime(1, 2) });
  });

  test('may lie before the oldest entry of the other, who has just copied its data', async () => {
    const found = await findCommonPoint(oplog('6@1 7@2 8@2'), oplog('7@1 9@3'));
    expect(found).toEqual({ kind: 'beforeTheirOldest' });
  });

  test('is not known when both have copied their data since', async () => {
    expect(await findCommonPoint(oplog('7@2'), oplog('7@3'))).toEqual({ kind: 'beforeTheirOldest' });
  });
});
