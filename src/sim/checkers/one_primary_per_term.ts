/** Election safety: no two members are primary in the same term. Source: Raft §5.2. */
import { MEMBER_STATE } from '../../replication/member_state.ts';
import type { Checker } from './checker.ts';

export function onePrimaryPerTerm(): Checker {
  const primaries = new Map<number, number>();
  return {
    name: 'one primary per term',
    observe: (set) => {
      for (const { member, index } of set.members) {
        const core = member?.replication.core;
        if (core === undefined || core.memberState !== MEMBER_STATE.PRIMARY) continue;
        const other = primaries.get(core.term);
        if (other === undefined) primaries.set(core.term, index);
        else if (other !== index) return `members ${other} and ${index} are both primary in term ${core.term}`;
      }
      return undefined;
    },
  };
}
