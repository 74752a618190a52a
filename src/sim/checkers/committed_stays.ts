/**
 * What any member once took for committed is in everybody's log in the end, and a member's commit point never goes back
 * while its process lives. Source: Raft §5.4, "leader completeness".
 */
import { compareOpTimes, formatOpTime, isNullOpTime, OPTIME_NULL, type OpTime } from '../../base/optime.ts';
import type { Member } from '../../member/member.ts';
import type { Oplog } from '../../oplog/oplog.ts';
import { entryOpTime } from '../../oplog/entry.ts';
import type { Checker } from './checker.ts';

function optimesOf(oplog: Oplog): Set<string> {
  const optimes = new Set<string>();
  const reader = oplog.reader({});
  for (let entry = reader.next(); entry !== undefined; entry = reader.next())
    optimes.add(formatOpTime(entryOpTime(entry)));
  return optimes;
}

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
        const logged = optimesOf(member.data.oplog);
        for (const [text, optime] of committed) {
          // What is older than the log is in the data only: that of a member that copied it later.
          if (isNullOpTime(optime) || logged.has(text)) continue;
          if (optime.ts >= (member.data.oplog.oldest?.ts ?? 0)) {
            wrong.push(`${text} was committed and is not in the log of member ${index}`);
          }
        }
      }
      return wrong.slice(0, 5);
    },
  };
}
