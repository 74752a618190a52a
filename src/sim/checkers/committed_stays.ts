/**
 * What any member once took for committed is in everybody's log in the end, and a member's commit point never goes back
 * while its process lives. Source: Raft §5.4, "leader completeness".
 */
import { compareOpTimes, formatOpTime, isNullOpTime, OPTIME_NULL, type OpTime } from '../../base/optime.ts';
import type { Member } from '../../member/member.ts';
import { entryOpTime } from '../../oplog/entry.ts';
import type { Checker } from './checker.ts';

export function committedStays(): Checker {
  const known = new WeakMap<Member, OpTime>();
  const committed = new Map<string, OpTime>();
  return {
    name: 'committed stays',
    observe: (set) => {
      for (const { member, index } of set.members) {
        if (member === undefined) continue;
        const { optime } = member.replication.core.commitPoint;
        const before = known.get(member) ?? OPTIME_NULL;
        if (optime === before) continue;
        if (compareOpTimes(optime, before) < 0) {
          return `the commit point of member ${index} went back from ${formatOpTime(before)} to ${formatOpTime(optime)}`;
        }
        known.set(member, optime);
        committed.set(formatOpTime(optime), optime);
      }
      return undefined;
    },
    verify: async (set) => {
      const wrong: string[] = [];
      for (const { member, index } of set.dataMembers) {
        if (member === undefined) continue;
        for (const optime of committed.values()) {
          if (isNullOpTime(optime)) continue;
          const entry = member.data.oplog.find(optime.ts);
          if (entry === undefined || compareOpTimes(entryOpTime(entry), optime) !== 0) {
            wrong.push(`${formatOpTime(optime)} was committed and is not in the log of member ${index}`);
          }
        }
      }
      return wrong.slice(0, 5);
    },
  };
}
