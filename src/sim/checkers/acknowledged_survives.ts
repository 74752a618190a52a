/**
 * Every write that was acknowledged on a majority is there in the end, and no write is there twice, was never sent, or
 * was refused. (A write acknowledged by one member alone may be gone after a failover: that is what the client chose.)
 * A write that was repeated as the same retryable write and then acknowledged is there once.
 */
import type { MemberData } from '../../database/member_data.ts';
import type { History, WriteRecord } from '../history.ts';
import type { Checker } from './checker.ts';
import { tokensIn } from './present_tokens.ts';

export function acknowledgedSurvives(): Checker {
  return {
    name: 'acknowledged survives',
    verify: async (set, history) => {
      const wrong: string[] = [];
      for (const { member, index } of set.dataMembers) {
        if (member !== undefined)
          wrong.push(...compare(member.data, history).map((problem) => `member ${index}: ${problem}`));
      }
      return wrong.slice(0, 10);
    },
  };
}

function compare(data: MemberData, history: History): string[] {
  const wrong: string[] = [];
  const present = new Set<number>();
  for (const token of tokensIn(data)) {
    if (present.has(token)) wrong.push(`write ${token} is there twice`);
    present.add(token);
  }
  const sent = new Set<number>();
  const deleted = new Set<number>();
  for (const { kind, token } of history.writes) (kind === 'delete' ? deleted : sent).add(token);
  for (const token of present) if (!sent.has(token)) wrong.push(`write ${token} was never sent`);
  for (const write of history.writes) {
    const problem = problemOf(write, present.has(write.token), deleted.has(write.token));
    if (problem !== undefined) {
      const { kind, token, sentAtMs, wasRetried } = write;
      const how = `${(sentAtMs / 1000).toFixed(3)} s${wasRetried ? ' and repeated' : ''}`;
      wrong.push(`${kind} ${token}, sent at ${how}, ${problem}`);
    }
  }
  return wrong;
}

/** Whatever else it deleted, a delete was only ever sent for what a majority had acknowledged. */
function problemOf(write: WriteRecord, isPresent: boolean, isDeleted: boolean): string | undefined {
  const { kind, outcome, promised } = write;
  const isCertain = outcome === 'acknowledged' && promised === 'majority';
  if (kind === 'delete') return isCertain && isPresent ? 'was acknowledged by a majority, and is undone' : undefined;
  if (isCertain && !isPresent && !isDeleted) return 'was acknowledged by a majority, and is lost';
  return outcome === 'refused' && isPresent ? 'was refused, and is there' : undefined;
}
