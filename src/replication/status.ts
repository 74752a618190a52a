/** replSetGetStatus, in the field order of MongoDB 8.0. Pure. Source: MongoDB manual, "replSetGetStatus". */
import { Double } from 'bson';
import { CommandError } from '../base/command_error.ts';
import { secondsOf, type Timestamp } from '../base/optime.ts';
import type { Ms, UnixMs } from '../base/units.ts';
import {
  majorityVoteCount,
  votersOf,
  writableVotingMembersCount,
  writeMajority,
  type MemberConfig,
  type ReplSetConfig,
} from './config.ts';
import type { PlainDocument } from './document.ts';
import { dateOf, majorityOptime, shownApplied } from './hello.ts';
import { syncSourceIndexOf } from './heartbeat.ts';
import { MEMBER_STATE, stateText } from './member_state.ts';
import { bsonTimestamp, opTimeDocument } from './message_documents.ts';
import { PROGRESS_NULL, type Progress } from './progress.ts';
import {
  othersOf,
  ownState,
  selfOf,
  type CandidateMetrics,
  type OtherEntry,
  type ParticipantMetrics,
  type State,
} from './state.ts';

/** A message about the member itself is shown for this long. */
const INFO_MESSAGE_MS = 120_000;

/** What only the driver knows. */
export interface StatusExtras {
  readonly initialSyncStatus?: PlainDocument;
  readonly lastStableRecoveryTimestamp?: Timestamp;
}

export interface StatusTime {
  readonly now: Ms;
  readonly wall: UnixMs;
}

/** Throws NotYetInitialized without a config, InvalidReplicaSetConfig for a removed member. */
export function statusDocument(state: State, time: StatusTime, extras: StatusExtras = {}): PlainDocument {
  const { config } = state;
  const self = selfOf(state);
  if (config === undefined) throw notYetInitialized();
  if (self === undefined) {
    throw new CommandError('InvalidReplicaSetConfig', 'Our replica set config is invalid or we are not a member of it');
  }
  const { candidateMetrics, participantMetrics } = state;
  const { lastStableRecoveryTimestamp, initialSyncStatus } = extras;
  return {
    set: config.setName,
    date: new Date(time.wall),
    myState: ownState(state),
    term: BigInt(state.term),
    ...(state.isTooStale && { tooStale: true }),
    ...syncSourceFields(state),
    ...countFields(config),
    optimes: optimesDocument(state),
    ...(lastStableRecoveryTimestamp !== undefined && {
      lastStableRecoveryTimestamp: bsonTimestamp(lastStableRecoveryTimestamp),
    }),
    ...(initialSyncStatus !== undefined && { initialSyncStatus }),
    ...(candidateMetrics !== undefined && { electionCandidateMetrics: candidateDocument(candidateMetrics) }),
    ...(participantMetrics !== undefined && { electionParticipantMetrics: participantDocument(participantMetrics) }),
    members: membersDocument(state, time),
  };
}

export function notYetInitialized(): CommandError {
  return new CommandError('NotYetInitialized', 'no replset config has been received');
}

function syncSourceFields(state: State): PlainDocument {
  return { syncSourceHost: state.syncSource ?? '', syncSourceId: idAt(state.config, syncSourceIndexOf(state)) };
}

function idAt(config: ReplSetConfig | undefined, index: number): number {
  return config?.members[index]?.id ?? -1;
}

function countFields(config: ReplSetConfig): PlainDocument {
  return {
    heartbeatIntervalMillis: BigInt(config.settings.heartbeatIntervalMs),
    majorityVoteCount: majorityVoteCount(config),
    writeMajorityCount: writeMajority(config),
    votingMembersCount: votersOf(config).length,
    writableVotingMembersCount: writableVotingMembersCount(config),
  };
}

function optimesDocument(state: State): PlainDocument {
  const { progress, commitPoint } = state;
  return {
    lastCommittedOpTime: opTimeDocument(commitPoint.optime),
    lastCommittedWallTime: new Date(commitPoint.wall),
    readConcernMajorityOpTime: opTimeDocument(majorityOptime(state)),
    appliedOpTime: opTimeDocument(shownApplied(state)),
    durableOpTime: opTimeDocument(progress.durable.optime),
    writtenOpTime: opTimeDocument(progress.written.optime),
    ...wallTimes(progress),
  };
}

function wallTimes({ applied, durable, written }: Progress): PlainDocument {
  return {
    lastAppliedWallTime: new Date(applied.wall),
    lastDurableWallTime: new Date(durable.wall),
    lastWrittenWallTime: new Date(written.wall),
  };
}

function candidateDocument(metrics: CandidateMetrics): PlainDocument {
  const { priorPrimaryId, targetCatchUp, newTermStartDate, writeAvailabilityDate } = metrics;
  return {
    lastElectionReason: metrics.reason,
    lastElectionDate: new Date(metrics.date),
    electionTerm: BigInt(metrics.term),
    lastCommittedOpTimeAtElection: opTimeDocument(metrics.commitPoint),
    lastSeenWrittenOpTimeAtElection: opTimeDocument(metrics.lastWritten),
    lastSeenOpTimeAtElection: opTimeDocument(metrics.lastApplied),
    numVotesNeeded: metrics.votesNeeded,
    priorityAtElection: new Double(metrics.priority),
    electionTimeoutMillis: BigInt(metrics.electionTimeoutMs),
    ...(priorPrimaryId !== undefined && { priorPrimaryMemberId: priorPrimaryId }),
    ...(targetCatchUp === undefined ? { numCatchUpOps: 0n } : { targetCatchupOpTime: opTimeDocument(targetCatchUp) }),
    ...(newTermStartDate !== undefined && { newTermStartDate: new Date(newTermStartDate) }),
    ...(writeAvailabilityDate !== undefined && { wMajorityWriteAvailabilityDate: new Date(writeAvailabilityDate) }),
  };
}

function participantDocument(metrics: ParticipantMetrics): PlainDocument {
  return {
    votedForCandidate: metrics.voted,
    electionTerm: BigInt(metrics.term),
    lastVoteDate: new Date(metrics.date),
    electionCandidateMemberId: metrics.candidateId,
    voteReason: metrics.reason,
    lastWrittenOpTimeAtElection: opTimeDocument(metrics.lastWritten),
    maxWrittenOpTimeInSet: opTimeDocument(metrics.maxWritten),
    lastAppliedOpTimeAtElection: opTimeDocument(metrics.lastApplied),
    maxAppliedOpTimeInSet: opTimeDocument(metrics.maxApplied),
    priorityAtElection: new Double(metrics.priority),
  };
}

function membersDocument(state: State, time: StatusTime): PlainDocument[] {
  const others = othersOf(state);
  return (state.config?.members ?? []).map((member, index) => {
    const entry = others.find((other) => other.index === index);
    return entry === undefined ? selfDocument(state, member, time) : otherDocument(state, entry, time);
  });
}

function secondsSince(moment: Ms, now: Ms): number {
  return Math.max(0, Math.floor((now - moment) / 1000));
}

function selfDocument(state: State, member: MemberConfig, { now }: StatusTime): PlainDocument {
  const { progress, infoMessage, config } = state;
  const shown = ownState(state);
  const isInfoFresh = infoMessage !== undefined && now - infoMessage.since < INFO_MESSAGE_MS;
  return {
    _id: member.id,
    name: member.host,
    health: new Double(1),
    state: shown,
    stateStr: stateText(shown),
    uptime: secondsSince(state.startedAt, now),
    ...(!member.arbiterOnly && {
      optime: opTimeDocument(progress.applied.optime),
      optimeDate: dateOf(progress.applied.optime),
      optimeWritten: opTimeDocument(progress.written.optime),
      optimeWrittenDate: dateOf(progress.written.optime),
      ...wallTimes(progress),
    }),
    ...syncSourceFields(state),
    ...(state.maintenanceCount > 0 && { maintenanceMode: state.maintenanceCount }),
    infoMessage: isInfoFresh ? infoMessage.text : '',
    ...electionFields(state.leader?.electionTime),
    configVersion: config?.version ?? -1,
    configTerm: config?.term ?? -1,
    self: true,
    lastHeartbeatMessage: '',
  };
}

function electionFields(electionTime: Timestamp | undefined): PlainDocument {
  if (electionTime === undefined) return {};
  return { electionTime: bsonTimestamp(electionTime), electionDate: new Date(secondsOf(electionTime) * 1000) };
}

function otherDocument(state: State, { member, info }: OtherEntry, { now }: StatusTime): PlainDocument {
  const { reply } = info;
  return {
    _id: member.id,
    name: member.host,
    health: new Double(info.health === 'up' ? 1 : 0),
    state: info.state,
    stateStr: stateText(info.state),
    uptime: info.upSince === undefined ? 0 : secondsSince(info.upSince, now),
    ...(!member.arbiterOnly && otherOptimes(reply?.progress ?? PROGRESS_NULL, info.progress)),
    lastHeartbeat: new Date(info.lastHeartbeat),
    lastHeartbeatRecv: new Date(info.lastHeartbeatReceived),
    pingMs: BigInt(Math.round(info.pingMs ?? 0)),
    lastHeartbeatMessage: info.heartbeatMessage,
    syncSourceHost: reply?.syncingTo ?? '',
    syncSourceId: state.config?.members.find(({ host }) => host === reply?.syncingTo)?.id ?? -1,
    infoMessage: '',
    ...electionFields(info.state === MEMBER_STATE.PRIMARY ? reply?.electionTime : undefined),
    configVersion: info.configVersion,
    configTerm: info.configTerm,
  };
}

/** Optimes as the last heartbeat had them (null when it failed), times of positions reported on any way. */
function otherOptimes(heartbeat: Progress, known: Progress): PlainDocument {
  return {
    optime: opTimeDocument(heartbeat.applied.optime),
    optimeDurable: opTimeDocument(heartbeat.durable.optime),
    optimeWritten: opTimeDocument(heartbeat.written.optime),
    optimeDate: dateOf(heartbeat.applied.optime),
    optimeDurableDate: dateOf(heartbeat.durable.optime),
    optimeWrittenDate: dateOf(heartbeat.written.optime),
    ...wallTimes(known),
  };
}
