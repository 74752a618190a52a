/** Writes configurations as documents: all fields, in MongoDB's order, as replSetGetConfig shows and `local` stores them. */
import { Double, ObjectId } from 'bson';
import { TERM_UNINITIALIZED } from '../base/optime.ts';
import type { MemberConfig, ReplSetConfig, ReplSetSettings } from './config.ts';
import type { PlainDocument } from './document.ts';

/** `newlyAdded` is internal: stored and sent between members, never shown to users. */
export function configToDocument(config: ReplSetConfig, options: { readonly isInternal: boolean }): PlainDocument {
  return {
    _id: config.setName,
    version: config.version,
    ...(config.term !== TERM_UNINITIALIZED && { term: config.term }),
    members: config.members.map((member) => memberDocument(member, options.isInternal)),
    ...(config.isConfigServer && { configsvr: true }),
    protocolVersion: 1n,
    writeConcernMajorityJournalDefault: config.writeConcernMajorityJournalDefault,
    settings: settingsDocument(config.settings),
  };
}

function memberDocument(member: MemberConfig, isInternal: boolean): PlainDocument {
  return {
    _id: member.id,
    host: member.host,
    arbiterOnly: member.arbiterOnly,
    buildIndexes: member.buildIndexes,
    hidden: member.hidden,
    priority: new Double(member.priority),
    tags: { ...member.tags },
    ...(member.horizons !== undefined && { horizons: { ...member.horizons } }),
    secondaryDelaySecs: BigInt(member.secondaryDelaySecs),
    votes: member.votes,
    ...(isInternal && member.newlyAdded && { newlyAdded: true }),
  };
}

function settingsDocument(settings: ReplSetSettings): PlainDocument {
  return {
    chainingAllowed: settings.chainingAllowed,
    heartbeatIntervalMillis: settings.heartbeatIntervalMs,
    heartbeatTimeoutSecs: settings.heartbeatTimeoutMs / 1000,
    electionTimeoutMillis: settings.electionTimeoutMs,
    catchUpTimeoutMillis: finiteOr(settings.catchUpTimeoutMs),
    catchUpTakeoverDelayMillis: finiteOr(settings.catchUpTakeoverDelayMs),
    getLastErrorModes: structuredClone(settings.modes),
    getLastErrorDefaults: { w: 1, wtimeout: 0 },
    ...(settings.replicaSetId !== undefined && { replicaSetId: new ObjectId(settings.replicaSetId) }),
  };
}

/** -1 stands for "no limit" on the wire. */
function finiteOr(value: number): number {
  return Number.isFinite(value) ? value : -1;
}
