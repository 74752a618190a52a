/**
 * The commit quorum of createIndexes: which members must have built the index before the command ends.
 *
 * Members build an index when they apply the entry that commits it, so the quorum is waited for behind that entry. In
 * MongoDB members vote before it. What a client may rely on when the command has ended is the same; while it waits, the
 * primary uses the index already, and a wait that is given up leaves it there.
 *
 * Source: the manual, "Index Builds on Populated Collections"; jstests/noPassthrough/commit_quorum*.js.
 */
import { CommandError, isCommandError } from '../../base/command_error.ts';
import { VOTING_MEMBERS_MAX } from '../../base/limits.ts';
import type { OpTime } from '../../base/optime.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf, type RawValue, stringOf } from '../../bson/value.ts';
import { VOTING_MAJORITY, VOTING_MEMBERS } from '../../replication/write_concern.ts';
import type { CommandContext } from '../context.ts';
import type { WriteConcern } from '../concern/write_concern.ts';

/** Undefined: the client named none. Throws FailedToParse, BadValue, and for what the configuration can never satisfy 278 or 79. */
export function parseCommitQuorum(value: RawValue | undefined, { replication }: CommandContext): WriteConcern {
  if (value === undefined) return concernOf(VOTING_MEMBERS);
  const concern = concernOf(demandOf(value));
  if (!replication.isReplicaSet) throw new CommandError('BadValue', "Standalones can't specify commitQuorum");
  const error = replication.core.writeConcernError(concern);
  if (error === undefined) return concern;
  if (!isCommandError(error, 'UnsatisfiableWriteConcern')) throw error;
  const text = 'Commit quorum cannot be satisfied with the current replica set configuration';
  throw new CommandError('UnsatisfiableCommitQuorum', text);
}

/** Until the members have applied the entry at `optime`. Throws when the operation is interrupted or this member steps down. */
export async function awaitCommitQuorum(context: CommandContext, optime: OpTime, quorum: WriteConcern): Promise<void> {
  const { replication, deadline } = context;
  if (!replication.isReplicaSet) return;
  const outcome =
    replication.checkWriteConcern(optime, quorum) ??
    (await context.orInterrupted(replication.awaitWriteConcern(optime, quorum, deadline)));
  if (outcome.kind === 'failed') throw new CommandError(outcome.code, outcome.errmsg);
}

function concernOf(w: number | string): WriteConcern {
  return { w, j: false, wtimeoutMs: 0, provenance: 'internalWriteDefault' };
}

function demandOf(value: RawValue): number | string {
  if (value.type === BSON_TYPE.string) {
    const name = stringOf(value);
    if (name === 'votingMembers') return VOTING_MEMBERS;
    return name === 'majority' ? VOTING_MAJORITY : name;
  }
  if (!isNumericType(value.type)) throw new CommandError('FailedToParse', 'commitQuorum must be a string or a number');
  const members = Math.trunc(numberOf(value));
  if (members >= 0 && members <= VOTING_MEMBERS_MAX) return members;
  const text = `commitQuorum has to be a non-negative number and not greater than ${VOTING_MEMBERS_MAX}`;
  throw new CommandError('FailedToParse', text);
}
