/**
 * A majority read at or after the time of a write that a majority acknowledged shows the write, on every member. And what
 * a majority read has shown is there in the end.
 */
import { formatOpTime } from '../../base/optime.ts';
import type { Checker } from './checker.ts';
import { tokensIn } from './present_tokens.ts';

export function readsSeeWrites(): Checker {
  return {
    name: 'reads see writes',
    verify: async (set, { violations, shown }) => {
      const wrong = [...violations];
      for (const { member, index } of set.dataMembers) {
        if (member === undefined) continue;
        const present = new Set(tokensIn(member.data));
        for (const [token, address] of shown) {
          if (present.has(token)) continue;
          const last = formatOpTime(member.data.oplog.lastWritten);
          wrong.push(
            `${address} showed write ${token} to a majority read; member ${index}, at ${last}, does not have it`,
          );
        }
      }
      return wrong.slice(0, 5);
    },
  };
}
