/**
 * From whom a member copies the oplog. Pure.
 *
 * Differs from MongoDB in one point: MongoDB waits until every other member answered two heartbeats before it compares
 * ping times. Here a member without enough ping times takes the primary at once, because a secondary that waits delays
 * every majority write after an election; it moves to a nearer source later by the ordinary rule.
 * Source: MongoDB manual, "Replica Set Data Synchronization" (sync source selection, chained replication).
 */
import { compareOpTimes, secondsOf, type OpTime } from '../base/optime.ts';
import type { Ms } from '../base/units.ts';
import { isVoter, type MemberConfig } from './config.ts';
import { MEMBER_STATE } from './member_state.ts';
import type { OplogQueryData } from './messages.ts';
import { othersOf, selfOf, type OtherEntry, type State } from './state.ts';

/** A source may be this far behind the primary, in seconds. Source: maxSyncSourceLagSecs. */
const SOURCE_LAG_SECS_MAX = 30;

/** A source must be nearer than another by this to be preferred. Source: changeSyncSourceThresholdMillis. */
const NEARER_BY_MS = 5;

/** Ping times are compared when every other member answered this many heartbeats on average. */
const PINGS_TO_COMPARE = 2;
const PINGS_TO_CHANGE = 5;

/** Most changes to a nearer source within an hour. Source: maxNumSyncSourceChangesPerHour. */
export const NEARER_CHANGES_MAX = 3;
export const NEARER_CHANGES_PERIOD_MS = 3_600_000;

/** 'host:port' of the source, or undefined when nobody is suitable now. */
export function chooseSource(state: State, now: Ms, lastFetched: OpTime): string | undefined {
  if (!maySync(state)) return undefined;
  const primary = primaryEntry(state);
  const isPrimaryUsable = primary !== undefined && isUsable(state, primary, { now, lastFetched });
  if (isRestrictedToPrimary(state)) return isPrimaryUsable ? primary.member.host : undefined;
  if (isPrimaryUsable && !hasPings(state, PINGS_TO_COMPARE)) return primary.member.host;
  const usable = othersOf(state).filter((entry) => isUsable(state, entry, { now, lastFetched }));
  const nearest = nearestOf(usable.filter((entry) => isPreferred(state, entry, primary))) ?? nearestOf(usable);
  if (nearest === undefined) return undefined;
  if (isPrimaryUsable && pingOf(primary) - pingOf(nearest) <= NEARER_BY_MS) return primary.member.host;
  return nearest.member.host;
}

/** A primary fetches only while it catches up; arbiters never. */
function maySync(state: State): boolean {
  const self = selfOf(state);
  if (self === undefined || self.arbiterOnly) return false;
  return state.leader === undefined || state.leader.phase === 'catchUp';
}

/** With chainingAllowed: false only the primary is a source; a primary that catches up has no other choice. */
function isRestrictedToPrimary(state: State): boolean {
  return state.config?.settings.chainingAllowed === false && state.leader === undefined;
}

function primaryEntry(state: State): OtherEntry | undefined {
  return othersOf(state).find(({ index }) => index === state.primaryIndex);
}

interface Wish {
  readonly now: Ms;
  readonly lastFetched: OpTime;
}

function isUsable(state: State, entry: OtherEntry, wish: Wish): boolean {
  const { member, info } = entry;
  const self = selfOf(state);
  if (self === undefined || member.arbiterOnly || info.health !== 'up') return false;
  if (info.state !== MEMBER_STATE.PRIMARY && info.state !== MEMBER_STATE.SECONDARY) return false;
  if (self.buildIndexes && !member.buildIndexes) return false;
  if ((state.denied.get(member.host) ?? -Infinity) > wish.now) return false;
  return isAhead(state, entry, wish.lastFetched);
}

/** A source must be ahead, so that no two members copy from each other. A primary copies from nobody: equal is enough. */
function isAhead(state: State, { index, info }: OtherEntry, lastFetched: OpTime): boolean {
  const order = compareOpTimes(info.progress.applied.optime, lastFetched);
  return index === state.primaryIndex ? order >= 0 : order > 0;
}

/** What is demanded of a source as long as somebody satisfies it. */
function isPreferred(state: State, { member, info, index }: OtherEntry, primary: OtherEntry | undefined): boolean {
  const self = selfOf(state);
  if (self === undefined || index === primary?.index) return true;
  if (isVoter(self) && !isVoter(member)) return false;
  if (member.hidden || hasLongerDelay(member, self)) return false;
  if (primary === undefined) return true;
  const lag = secondsOf(primary.info.progress.applied.optime.ts) - secondsOf(info.progress.applied.optime.ts);
  return lag <= SOURCE_LAG_SECS_MAX;
}

function hasLongerDelay(member: MemberConfig, self: MemberConfig): boolean {
  return member.secondaryDelaySecs > self.secondaryDelaySecs;
}

function hasPings(state: State, each: number): boolean {
  const others = othersOf(state);
  const pings = others.reduce((sum, { info }) => sum + info.pings, 0);
  return pings >= others.length * each;
}

function pingOf({ info }: OtherEntry): number {
  return info.pingMs ?? Infinity;
}

function nearestOf(entries: readonly OtherEntry[]): OtherEntry | undefined {
  let nearest: OtherEntry | undefined;
  for (const entry of entries) if (nearest === undefined || pingOf(entry) < pingOf(nearest)) nearest = entry;
  return nearest;
}

export interface SourceReport {
  readonly now: Ms;
  readonly source: string;
  /** The metadata of the last batch. */
  readonly data: OplogQueryData | undefined;
  readonly lastFetched: OpTime;
}

/** Why to leave the source, for the log; undefined to stay. */
export function reasonToChange(state: State, report: SourceReport): string | undefined {
  const current = othersOf(state).find(({ member }) => member.host === report.source);
  const self = selfOf(state);
  if (current === undefined || self === undefined) return 'the source is not in the configuration';
  const { data } = report;
  if (isRestrictedToPrimary(state) && state.primaryIndex >= 0 && state.primaryIndex !== current.index) {
    return 'chaining is not allowed and another member is primary';
  }
  if (data !== undefined) {
    const isBehind = compareOpTimes(data.lastApplied, report.lastFetched) <= 0;
    const isPrimary = data.primaryIndex === current.index;
    if (isBehind && !isPrimary && data.syncSourceIndex < 0) return 'the source has no source itself and is not ahead';
    if (isBehind && data.syncSourceHost === self.host) return 'the source copies from this member';
  }
  if (isLagging(state, current, report)) return 'the source lags behind another member';
  return isMuchNearer(state, current, report) ? 'another member is nearer' : undefined;
}

function isLagging(state: State, current: OtherEntry, { now, lastFetched, data }: SourceReport): boolean {
  const known = current.info.progress.applied.optime;
  const optime = data !== undefined && compareOpTimes(data.lastApplied, known) > 0 ? data.lastApplied : known;
  return othersOf(state).some(
    (entry) =>
      entry.index !== current.index &&
      isUsable(state, entry, { now, lastFetched }) &&
      isPreferred(state, entry, undefined) &&
      secondsOf(entry.info.progress.applied.optime.ts) - secondsOf(optime.ts) > SOURCE_LAG_SECS_MAX,
  );
}

function isMuchNearer(state: State, current: OtherEntry, { now, lastFetched }: SourceReport): boolean {
  if (!hasPings(state, PINGS_TO_CHANGE)) return false;
  const recent = state.lastSyncSourceChanges.filter((at) => now - at < NEARER_CHANGES_PERIOD_MS);
  if (recent.length >= NEARER_CHANGES_MAX) return false;
  const better = chooseSource(state, now, lastFetched);
  const entry = othersOf(state).find(({ member }) => member.host === better);
  return entry !== undefined && entry.index !== current.index && pingOf(current) - pingOf(entry) > NEARER_BY_MS;
}
