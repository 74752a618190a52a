/**
 * When a write is replicated as far as its client asked. Pure.
 * Source: MongoDB manual, "Write Concern" and "Custom Write Concerns".
 */
import { CommandError } from '../base/command_error.ts';
import { compareOpTimes, type OpTime } from '../base/optime.ts';
import { isVoter, writeMajority, type MemberConfig, type ReplSetConfig } from './config.ts';
import type { Position, Progress } from './progress.ts';

/** What a write asks for, as far as replication decides it. `j` undefined: as the config says for 'majority', else no. */
export interface WriteConcernDemand {
  readonly w: number | string;
  readonly j: boolean | undefined;
}

/**
 * Demands that clients' write concerns cannot express: all voting members that have data, or a majority of the voting
 * members, have applied the entry. No mode of a configuration begins with `$`.
 */
export const VOTING_MEMBERS = '$votingMembers';
export const VOTING_MAJORITY = '$votingMajority';

/** What the primary knows of the members; parallel to the config's. */
export interface Replicated {
  readonly config: ReplSetConfig;
  readonly selfIndex: number;
  readonly term: number;
  readonly progress: readonly Progress[];
  readonly commitPoint: OpTime;
}

/** 79 for an unknown mode, 100 when there are not enough members; undefined when waiting makes sense. */
export function unsatisfiableError(config: ReplSetConfig, { w }: WriteConcernDemand): CommandError | undefined {
  if (typeof w === 'number') {
    const dataBearing = config.members.filter((member) => !member.arbiterOnly && !member.newlyAdded).length;
    return w <= dataBearing
      ? undefined
      : new CommandError('UnsatisfiableWriteConcern', 'Not enough data-bearing nodes');
  }
  if (w === 'majority' || w === VOTING_MEMBERS || w === VOTING_MAJORITY) return undefined;
  if (config.settings.modes[w] !== undefined) return undefined;
  return new CommandError(
    'UnknownReplWriteConcern',
    `No write concern mode named '${w}' found in replica set configuration`,
  );
}

/** Whether the entry at `optime` is where `demand` wants it. Only meaningful on the primary that wrote it. */
export function isSatisfied(replicated: Replicated, optime: OpTime, demand: WriteConcernDemand): boolean {
  const { w } = demand;
  const isDurable = demand.j ?? (w === 'majority' && replicated.config.writeConcernMajorityJournalDefault);
  const own = replicated.progress[replicated.selfIndex];
  // Others that are ahead of this member do not count for it: its own copy comes first.
  if (own === undefined || !hasReached(own, optime, { isDurable, term: replicated.term })) {
    return w === 0 && demand.j !== true;
  }
  if (w === 'majority') return isOnMajority(replicated, optime, isDurable);
  if (typeof w === 'number') return countOf(replicated, optime, isDurable) >= w;
  if (w === VOTING_MEMBERS || w === VOTING_MAJORITY) return isOnVoters(replicated, optime, w);
  return isModeSatisfied(replicated, optime, { mode: w, isDurable });
}

/** The commit point decides; with j: true where the commit point does not ask for durability, that is counted too. */
function isOnMajority(replicated: Replicated, optime: OpTime, isDurable: boolean): boolean {
  if (compareOpTimes(replicated.commitPoint, optime) < 0) return false;
  const voters = holdersOf(replicated, optime, isDurable).filter(isVoter);
  return voters.length >= writeMajority(replicated.config);
}

function isOnVoters(
  replicated: Replicated,
  optime: OpTime,
  w: typeof VOTING_MEMBERS | typeof VOTING_MAJORITY,
): boolean {
  const { config } = replicated;
  const voters = holdersOf(replicated, optime, false).filter(isVoter).length;
  if (w === VOTING_MAJORITY) return voters >= writeMajority(config);
  return voters === config.members.filter((member) => isVoter(member) && !member.arbiterOnly).length;
}

/** Hidden, delayed and non-voting members count; arbiters and members in initial sync report no position. */
function countOf(replicated: Replicated, optime: OpTime, isDurable: boolean): number {
  return holdersOf(replicated, optime, isDurable).length;
}

function isModeSatisfied(
  replicated: Replicated,
  optime: OpTime,
  { mode, isDurable }: { mode: string; isDurable: boolean },
): boolean {
  const constraint = replicated.config.settings.modes[mode];
  if (constraint === undefined) return false;
  const holders = holdersOf(replicated, optime, isDurable);
  return Object.entries(constraint).every(
    ([tag, count]) => new Set(holders.flatMap((member) => member.tags[tag] ?? [])).size >= count,
  );
}

function holdersOf(replicated: Replicated, optime: OpTime, isDurable: boolean): MemberConfig[] {
  return replicated.config.members.filter((member, index) => {
    const progress = replicated.progress[index];
    if (member.arbiterOnly || member.newlyAdded || progress === undefined) return false;
    return hasReached(progress, optime, { isDurable, term: replicated.term });
  });
}

/** A position of a term this primary does not know is on another branch, however large it is. */
function hasReached(
  progress: Progress,
  optime: OpTime,
  { isDurable, term }: { isDurable: boolean; term: number },
): boolean {
  const position: Position = isDurable ? progress.durable : progress.applied;
  return position.optime.t <= term && compareOpTimes(position.optime, optime) >= 0;
}
