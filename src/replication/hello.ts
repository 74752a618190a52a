/**
 * The part of hello's reply that describes the set, in MongoDB's field order. Pure.
 * Source: MongoDB manual, "hello"; Server Discovery and Monitoring specification.
 */
import { ObjectId } from 'bson';
import { compareOpTimes, isNullOpTime, secondsOf, type OpTime } from '../base/optime.ts';
import { isElectable, priorityOf, type MemberConfig } from './config.ts';
import type { PlainDocument } from './document.ts';
import { electionIdOf } from './election_time.ts';
import { MEMBER_STATE } from './member_state.ts';
import { opTimeDocument } from './message_documents.ts';
import { acceptsWrites, ownState, primaryHost, selfOf, type State } from './state.ts';

export interface HelloOptions {
  /** The client said isMaster. */
  readonly isLegacyName: boolean;
}

export function topologyVersionDocument(state: State): PlainDocument {
  return { processId: new ObjectId(state.options.processId), counter: BigInt(state.topologyCounter) };
}

export function helloDocument(state: State, { isLegacyName }: HelloOptions): PlainDocument {
  const self = selfOf(state);
  const writable = { [isLegacyName ? 'ismaster' : 'isWritablePrimary']: acceptsWrites(state) };
  const topologyVersion = topologyVersionDocument(state);
  if (state.config === undefined || self === undefined) {
    const info = 'Does not have a valid replica set config';
    return { topologyVersion, ...writable, secondary: false, info, isreplicaset: true };
  }
  const primary = primaryHost(state);
  return {
    topologyVersion,
    ...hostLists(state.config.members),
    setName: state.config.setName,
    setVersion: state.config.version,
    ...writable,
    secondary: isShownAsSecondary(state),
    ...(primary !== undefined && { primary }),
    ...selfFields(self, isLegacyName),
    me: self.host,
    ...(state.leader !== undefined && { electionId: new ObjectId(electionIdOf(state.term)) }),
    lastWrite: lastWriteDocument(state),
  };
}

/** A primary that can not write yet looks like a secondary; one that is about to step down like neither. */
function isShownAsSecondary(state: State): boolean {
  if (state.isShuttingDown) return false;
  const shown = ownState(state);
  if (shown === MEMBER_STATE.PRIMARY) return !acceptsWrites(state) && state.stepDown === undefined;
  return shown === MEMBER_STATE.SECONDARY;
}

/** Hidden and delayed members are in none of the lists, so that drivers do not read from them. */
function hostLists(members: readonly MemberConfig[]): PlainDocument {
  const visible = members.filter((member) => !member.hidden && member.secondaryDelaySecs === 0);
  const hosts = visible.filter(isElectable).map(({ host }) => host);
  const passives = visible.filter((member) => !member.arbiterOnly && priorityOf(member) === 0).map(({ host }) => host);
  const arbiters = visible.filter(({ arbiterOnly }) => arbiterOnly).map(({ host }) => host);
  return {
    ...(hosts.length > 0 && { hosts }),
    ...(passives.length > 0 && { passives }),
    ...(arbiters.length > 0 && { arbiters }),
  };
}

function selfFields(self: MemberConfig, isLegacyName: boolean): PlainDocument {
  const delay = isLegacyName ? 'slaveDelay' : 'secondaryDelaySecs';
  return {
    ...(self.arbiterOnly && { arbiterOnly: true }),
    ...(!self.arbiterOnly && priorityOf(self) === 0 && { passive: true }),
    ...(self.hidden && { hidden: true }),
    ...(!self.buildIndexes && { buildIndexes: false }),
    ...(self.secondaryDelaySecs > 0 && { [delay]: self.secondaryDelaySecs }),
    ...(Object.keys(self.tags).length > 0 && { tags: { ...self.tags } }),
  };
}

/** An arbiter shows what it knows to be committed. */
export function shownApplied(state: State): OpTime {
  return selfOf(state)?.arbiterOnly === true ? state.commitPoint.optime : state.progress.applied.optime;
}

/** What majority reads of this member see. */
export function majorityOptime(state: State): OpTime {
  const applied = shownApplied(state);
  const committed = state.commitPoint.optime;
  return compareOpTimes(committed, applied) < 0 ? committed : applied;
}

/** Seconds, not the wall clock of the entry. */
function lastWriteDocument(state: State): PlainDocument {
  const applied = shownApplied(state);
  const majority = majorityOptime(state);
  return {
    opTime: opTimeDocument(applied),
    lastWriteDate: dateOf(applied),
    ...(!isNullOpTime(majority) && { majorityOpTime: opTimeDocument(majority), majorityWriteDate: dateOf(majority) }),
  };
}

export function dateOf(optime: OpTime): Date {
  return new Date(secondsOf(optime.ts) * 1000);
}
