/**
 * The configuration of a set, parsed. `config_parse.ts` reads and checks documents, `config_document.ts` writes them.
 * Source: MongoDB manual, "Replica Set Configuration".
 */
import { invariant } from '../base/invariant.ts';
import { TERM_UNINITIALIZED, type Term } from '../base/optime.ts';
import { ms, type Ms } from '../base/units.ts';

export interface MemberConfig {
  readonly id: number;
  /** 'host:port', the port always given. */
  readonly host: string;
  readonly arbiterOnly: boolean;
  readonly buildIndexes: boolean;
  readonly hidden: boolean;
  /** As configured; `priorityOf` is what counts. */
  readonly priority: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Horizon name to 'host:port'. */
  readonly horizons: Readonly<Record<string, string>> | undefined;
  readonly secondaryDelaySecs: number;
  /** As configured, 0 or 1; `isVoter` is what counts. */
  readonly votes: number;
  /** A voting member that has no data yet: it neither votes nor stands until it has. */
  readonly newlyAdded: boolean;
}

export interface ReplSetSettings {
  readonly chainingAllowed: boolean;
  readonly heartbeatIntervalMs: Ms;
  readonly heartbeatTimeoutMs: Ms;
  readonly electionTimeoutMs: Ms;
  /** Infinity: no limit; 0: no catch-up. */
  readonly catchUpTimeoutMs: Ms;
  /** Infinity: never. */
  readonly catchUpTakeoverDelayMs: Ms;
  /** Mode name to tag name to how many different values must have a write. */
  readonly modes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** 24 hexadecimal digits; undefined before the set is initiated. */
  readonly replicaSetId: string | undefined;
}

export interface ReplSetConfig {
  readonly setName: string;
  readonly version: number;
  /** The term of the primary that wrote it; -1 after a forced reconfig. */
  readonly term: Term;
  readonly members: readonly MemberConfig[];
  readonly isConfigServer: boolean;
  readonly writeConcernMajorityJournalDefault: boolean;
  readonly settings: ReplSetSettings;
}

/** Every set is initiated in this term. */
export const INITIAL_TERM = 0 as Term;

/** Whether the member's vote counts. A newly added member counts as votes 0. */
export function isVoter(member: MemberConfig): boolean {
  return member.votes > 0 && !member.newlyAdded;
}

/** A newly added member counts as priority 0. */
export function priorityOf(member: MemberConfig): number {
  return member.newlyAdded ? 0 : member.priority;
}

/** Whether the configuration allows it to become primary. */
export function isElectable(member: MemberConfig): boolean {
  return !member.arbiterOnly && priorityOf(member) > 0;
}

export function votersOf(config: ReplSetConfig): readonly MemberConfig[] {
  return config.members.filter(isVoter);
}

/** Whether more than half of the voting members agree. `voters` counts every voter, reachable or not. Source: Raft §5.2. */
export function isMajority(votes: number, voters: number): boolean {
  invariant(voters > 0, 'a set has at least one voter');
  invariant(votes <= voters, `${votes} votes from ${voters} voters`);
  return votes * 2 > voters;
}

/** Votes an election needs. */
export function majorityVoteCount(config: ReplSetConfig): number {
  return Math.floor(votersOf(config).length / 2) + 1;
}

export function writableVotingMembersCount(config: ReplSetConfig): number {
  return votersOf(config).filter((member) => !member.arbiterOnly).length;
}

/** Members that must have a write for w: "majority". Arbiters hold no data, so it may be fewer than a majority of votes. */
export function writeMajority(config: ReplSetConfig): number {
  return Math.min(majorityVoteCount(config), writableVotingMembersCount(config));
}

/** Whether a write without write concern waits for a majority. Source: MongoDB manual, "Implicit Default Write Concern". */
export function implicitDefaultIsMajority(config: ReplSetConfig): boolean {
  const hasArbiters = config.members.some((member) => member.arbiterOnly);
  return !hasArbiters || writableVotingMembersCount(config) > majorityVoteCount(config);
}

export interface ConfigVersionAndTerm {
  readonly version: number;
  readonly term: Term;
}

/**
 * Negative, zero or positive as `a` is older than, the same as or newer than `b`: by term, then by version; a config of
 * a forced reconfig (term -1) is compared by version alone. Source: MongoDB's logless reconfiguration.
 */
export function compareConfigs(a: ConfigVersionAndTerm, b: ConfigVersionAndTerm): number {
  if (a.term === TERM_UNINITIALIZED || b.term === TERM_UNINITIALIZED || a.term === b.term) return a.version - b.version;
  return a.term - b.term;
}

/** As log lines and error messages show it. */
export function formatConfigVersion(config: ConfigVersionAndTerm): string {
  return `{version: ${config.version}, term: ${config.term}}`;
}

/** The time between heartbeats of arbiters and of members that look for a sync source is shorter. */
export function heartbeatIntervalOf(config: ReplSetConfig, options: { isArbiter: boolean; isSearching: boolean }): Ms {
  const { heartbeatIntervalMs, electionTimeoutMs } = config.settings;
  if (options.isSearching) return ms(Math.min(electionTimeoutMs / 2, heartbeatIntervalMs / 4));
  if (options.isArbiter) return ms(Math.min(electionTimeoutMs / 2, heartbeatIntervalMs));
  return heartbeatIntervalMs;
}
