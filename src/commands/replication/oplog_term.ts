import { CommandError } from '../../base/command_error.ts';
import { isTerm } from '../../base/optime.ts';
import type { CommandContext } from '../context.ts';

/**
 * A member that reads the oplog tells its term. A later one than ours makes us take it over, which ends being primary;
 * the reader then tries again. Undefined when there is nothing to do; otherwise rejects with StaleTerm (135).
 */
export function noteRequesterTerm(term: number, context: CommandContext): Promise<void> | undefined {
  const { replication } = context;
  if (!replication.isReplicaSet) {
    throw new CommandError('BadValue', 'cannot specify a term to a member that is not part of a replica set');
  }
  if (term <= replication.core.term) return undefined;
  if (!isTerm(term)) throw new CommandError('BadValue', `${term} is not a term`);
  const seen = replication.request((replyTo) => ({ kind: 'termSeen', term, replyTo }));
  return seen.then(() => {
    throw new CommandError('StaleTerm', 'Replication term of this node was stale; retry query');
  });
}
