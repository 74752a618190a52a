/**
 * The commit point: the newest entry that is on a majority and therefore never rolls back. A primary computes it, the
 * others learn it. Pure. Source: Raft §5.3, §5.4.2 and §8; MongoDB manual, "Read Concern majority".
 */
import { compareOpTimes, isNullOpTime, type OpTime } from '../base/optime.ts';
import { isVoter, writeMajority, type ReplSetConfig } from './config.ts';
import type { Position, Progress } from './progress.ts';

/** What a voter's entry counts as: on disk, unless the config says that a majority write need not be. */
function countedPosition(config: ReplSetConfig, progress: Progress): Position {
  return config.writeConcernMajorityJournalDefault ? progress.durable : progress.applied;
}

/**
 * The position that enough voters have. Arbiters sort lowest: they have no data, and the number needed never exceeds
 * the voters with data. `progress` is parallel to the config's members.
 */
export function majorityPosition(config: ReplSetConfig, progress: readonly Progress[]): Position | undefined {
  const positions: Position[] = [];
  for (const [index, member] of config.members.entries()) {
    const known = progress[index];
    if (isVoter(member) && known !== undefined) positions.push(countedPosition(config, known));
  }
  positions.sort((a, b) => compareOpTimes(a.optime, b.optime));
  return positions[positions.length - writeMajority(config)];
}

/**
 * The primary's new commit point, or the current one. Entries of earlier terms are committed only together with one
 * of the own term: counting copies of them proves nothing. Source: Raft §5.4.2, figure 8.
 */
export function advancedCommitPoint(options: {
  readonly config: ReplSetConfig;
  readonly progress: readonly Progress[];
  readonly current: Position;
  readonly firstOptimeOfTerm: OpTime;
}): Position {
  const { config, progress, current, firstOptimeOfTerm } = options;
  const candidate = majorityPosition(config, progress);
  if (candidate === undefined) return current;
  if (compareOpTimes(candidate.optime, current.optime) <= 0) return current;
  if (compareOpTimes(candidate.optime, firstOptimeOfTerm) < 0) return current;
  return candidate;
}

/**
 * What a follower makes of a commit point it hears of in a heartbeat or in metadata of someone who is not its source:
 * only one of the same term as its own newest entry is certain to be on its branch.
 */
export function commitPointFromPeer(known: Position, mine: Progress, current: Position): Position {
  if (compareOpTimes(known.optime, current.optime) <= 0) return current;
  if (known.optime.t !== mine.written.optime.t) return current;
  return known;
}

/**
 * What a follower makes of its sync source's commit point: the source's log contains it. In the follower's own term it
 * is on the follower's branch, perhaps a little ahead of what it has; in another term only the part that it has already
 * copied from there is certain.
 */
export function commitPointFromSource(known: Position, mine: Progress, current: Position): Position {
  const isSameTerm = known.optime.t === mine.applied.optime.t;
  const isAhead = compareOpTimes(known.optime, mine.applied.optime) > 0;
  const certain = isAhead && !isSameTerm ? mine.applied : known;
  return compareOpTimes(certain.optime, current.optime) > 0 ? certain : current;
}

/** An arbiter has no log to compare with. */
export function commitPointOfArbiter(known: Position, current: Position): Position {
  if (isNullOpTime(known.optime)) return current;
  return compareOpTimes(known.optime, current.optime) > 0 ? known : current;
}
