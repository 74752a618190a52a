/**
 * Whether this member may stand for election now. The bits of the mask are for operators who search logs.
 * Source: MongoDB's protocol version 1; manual, "Replica Set Elections".
 */
import { compareOpTimes, incrementOf, secondsOf, type OpTime } from '../base/optime.ts';
import type { Ms } from '../base/units.ts';
import { isElectable, isMajority, isVoter, priorityOf, votersOf } from './config.ts';
import type { ElectionReason } from './election_reason.ts';
import { MEMBER_STATE } from './member_state.ts';
import { hasData, othersOf, ownState, selfOf, type State } from './state.ts';

const REASONS = {
  noMajority: { bit: 0x1, text: () => 'I cannot see a majority' },
  notFresh: {
    bit: 0x2,
    text: () => 'member is not caught up enough to the most up-to-date member to call for takeover',
  },
  arbiter: { bit: 0x4, text: () => 'member is an arbiter' },
  noPriority: { bit: 0x8, text: () => 'member has zero priority' },
  steppedDown: { bit: 0x10, text: (until: string) => `I am still waiting for stepdown period to end at ${until}` },
  notSecondary: { bit: 0x20, text: () => 'member is not currently a secondary' },
  notInConfig: { bit: 0x40, text: () => 'node is not a member of a valid replica set configuration' },
  noData: { bit: 0x80, text: () => 'node has no applied oplog entries' },
  candidate: { bit: 0x100, text: () => 'node is already running for election' },
  shutdown: { bit: 0x200, text: () => 'node is shutting down' },
} as const;

type ReasonName = keyof typeof REASONS;

/** Why this member can not stand, as one sentence; undefined when it can. */
export function unelectableText(state: State, now: Ms, reason: ElectionReason): string | undefined {
  const names = unelectableReasons(state, now, reason);
  if (names.length === 0) return undefined;
  const until = new Date(state.electableAtWall).toISOString().replace('Z', '+00:00');
  const mask = names.reduce((bits, name) => bits | REASONS[name].bit, 0);
  const texts = names.map((name) => REASONS[name].text(until));
  return `Not standing for election because ${texts.join('; ')} (mask 0x${mask.toString(16)})`;
}

function unelectableReasons(state: State, now: Ms, reason: ElectionReason): ReasonName[] {
  const self = selfOf(state);
  if (self === undefined) return ['notInConfig'];
  const names: ReasonName[] = [];
  if (!seesMajority(state)) names.push('noMajority');
  if (reason === 'priorityTakeover' && !isFreshForPriorityTakeover(state)) names.push('notFresh');
  if (reason === 'catchupTakeover' && !isFreshest(state)) names.push('notFresh');
  if (self.arbiterOnly) names.push('arbiter');
  if (!self.arbiterOnly && !isElectable(self)) names.push('noPriority');
  if (now < state.electableAt) names.push('steppedDown');
  if (ownState(state) !== MEMBER_STATE.SECONDARY) names.push('notSecondary');
  if (!hasData(state)) names.push('noData');
  if (state.role === 'candidate') names.push('candidate');
  if (state.isShuttingDown) names.push('shutdown');
  return names;
}

/** Whether the voters that answered their last heartbeat, with this member, are a majority. */
export function seesMajority(state: State): boolean {
  if (state.config === undefined) return false;
  const self = selfOf(state);
  const mine = self !== undefined && isVoter(self) ? 1 : 0;
  const up = othersOf(state).filter(({ member, info }) => isVoter(member) && info.health === 'up').length;
  return isMajority(mine + up, votersOf(state.config).length);
}

/** Seconds a member may be behind the freshest one and still take over by priority. Source: priorityTakeoverFreshnessWindowSeconds. */
const TAKEOVER_WINDOW_SECS = 2;
const TAKEOVER_WINDOW_ENTRIES = 1000;

/** The most advanced optime of the members that are up, my own included. */
export function freshestOptime(state: State): OpTime {
  let freshest = state.progress.applied.optime;
  for (const { info } of othersOf(state)) {
    const optime = info.progress.applied.optime;
    if (info.health === 'up' && compareOpTimes(optime, freshest) > 0) freshest = optime;
  }
  return freshest;
}

function isFreshForPriorityTakeover(state: State): boolean {
  const mine = state.progress.applied.optime;
  const freshest = freshestOptime(state);
  if (mine.t !== freshest.t) return false;
  const seconds = secondsOf(freshest.ts) - secondsOf(mine.ts);
  if (seconds > 0) return seconds <= TAKEOVER_WINDOW_SECS;
  return incrementOf(freshest.ts) - incrementOf(mine.ts) <= TAKEOVER_WINDOW_ENTRIES;
}

function isFreshest(state: State): boolean {
  return compareOpTimes(state.progress.applied.optime, freshestOptime(state)) >= 0;
}

/** How many members have a strictly greater priority. */
export function priorityRank(state: State): number {
  const self = selfOf(state);
  if (self === undefined) return 0;
  return othersOf(state).filter(({ member }) => priorityOf(member) > priorityOf(self)).length;
}
