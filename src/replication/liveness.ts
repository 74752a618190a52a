/**
 * Whether a primary still has its majority. Every message from a member, and every position of it that arrives through
 * others, refreshes it; one that is silent for electionTimeoutMillis is stale. Pure.
 * Source: MongoDB's protocol version 1; manual, "electionTimeoutMillis".
 */
import { ms, type Ms } from '../base/units.ts';
import { isMajority, isVoter, votersOf, type ReplSetConfig } from './config.ts';
import type { OtherEntry } from './state.ts';

export function isSilent(lastUpdate: Ms, now: Ms, electionTimeout: Ms): boolean {
  return now - lastUpdate >= electionTimeout;
}

/** The primary's own vote counts among those that are alive. */
export function keepsMajority(config: ReplSetConfig, others: readonly OtherEntry[], selfVotes: boolean): boolean {
  const alive = others.filter(({ member, info }) => isVoter(member) && !info.isStale).length;
  return isMajority(alive + (selfVotes ? 1 : 0), votersOf(config).length);
}

/** When the next member would become stale. */
export function nextSilence(config: ReplSetConfig, others: readonly OtherEntry[]): Ms {
  let first = Infinity;
  for (const { info } of others) {
    if (!info.isStale) first = Math.min(first, info.lastUpdate + config.settings.electionTimeoutMs);
  }
  return ms(first);
}
