/** In the end all logs are the same, byte for byte, over the time that they share. Source: Raft §5.3, "log matching". */
import { equalBytes } from '../../bson/bytes.ts';
import { formatOpTime } from '../../base/optime.ts';
import type { Oplog } from '../../oplog/oplog.ts';
import { entryOpTime } from '../../oplog/entry.ts';
import type { SimulatedMember } from '../simulated_member.ts';
import type { Checker } from './checker.ts';

export function logsAgree(): Checker {
  return {
    name: 'logs agree',
    verify: async (set) => {
      const logs = set.dataMembers.flatMap((member) =>
        member.member === undefined ? [] : [{ member, log: member.member.data.oplog }],
      );
      const [first, ...others] = logs;
      if (first === undefined) return ['nobody has a log'];
      return others.flatMap(({ member, log }) => compareLogs(first.log, log, member));
    },
  };
}

function compareLogs(a: Oplog, b: Oplog, member: SimulatedMember): string[] {
  const from = Math.max(a.oldest?.ts ?? 0, b.oldest?.ts ?? 0) as NonNullable<typeof a.oldest>['ts'];
  const [readerA, readerB] = [a.reader({ from }), b.reader({ from })];
  for (;;) {
    const [entryA, entryB] = [readerA.next(), readerB.next()];
    if (entryA === undefined && entryB === undefined) return [];
    if (entryA !== undefined && entryB !== undefined && equalBytes(entryA, entryB)) continue;
    const [atA, atB] = [entryA, entryB].map((entry) =>
      entry === undefined ? 'its end' : formatOpTime(entryOpTime(entry)),
    );
    return [`the logs of members 0 and ${member.index} differ: ${atA} and ${atB}`];
  }
}
