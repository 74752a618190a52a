/**
 * What members say to each other, as typed objects. `message_documents.ts` turns them into MongoDB's documents and back.
 * Source: MongoDB's commands replSetHeartbeat, replSetRequestVotes and replSetUpdatePosition, and the metadata objects
 * `$replData` and `$oplogQueryData`.
 */
import type { OpTime, Term, Timestamp } from '../base/optime.ts';

import type { ReplSetConfig } from './config.ts';
import type { MemberState } from './member_state.ts';
import type { Position, Progress } from './progress.ts';

/** The config version a member without a config sends and answers. */
export const CONFIG_VERSION_NONE = -2;

export interface HeartbeatRequest {
  readonly setName: string;
  /** The receiver must have no config: part of the quorum check of replSetInitiate. */
  readonly checkEmpty: boolean;
  readonly configVersion: number;
  readonly configTerm: Term;
  /** '' when the sender has no config. */
  readonly from: string;
  /** -1 when the sender has no config. */
  readonly fromId: number;
  readonly term: Term;
  /** The `_id` of the member the sender takes for primary, -1 for none. */
  readonly primaryId: number;
}

export interface HeartbeatReply {
  readonly setName: string;
  /** Undefined while the responder has no config. */
  readonly state: MemberState | undefined;
  readonly configVersion: number;
  readonly configTerm: Term;
  /** Attached when the responder's config is newer than the one the request named. */
  readonly config: ReplSetConfig | undefined;
  readonly term: Term;
  readonly primaryId: number;
  readonly syncingTo: string | undefined;
  readonly progress: Progress;
  readonly electable: boolean;
  /** When the responder was elected; only a primary sends it. */
  readonly electionTime: Timestamp | undefined;
  readonly replData: ReplData | undefined;
}

export interface VoteRequest {
  readonly setName: string;
  readonly dryRun: boolean;
  readonly term: Term;
  /** The candidate's place in the config's members. */
  readonly candidateIndex: number;
  readonly configVersion: number;
  readonly configTerm: Term;
  readonly lastApplied: OpTime;
  readonly lastWritten: OpTime;
}

export interface VoteReply {
  readonly term: Term;
  readonly voteGranted: boolean;
  /** '' when granted. */
  readonly reason: string;
}

/** One member's positions inside replSetUpdatePosition. */
export interface MemberPosition {
  readonly memberId: number;
  readonly configVersion: number;
  readonly progress: Progress;
}

export interface UpdatePosition {
  readonly positions: readonly MemberPosition[];
  readonly replData: ReplData | undefined;
}

/** `$replData`: what every reply to a member carries when asked for. */
export interface ReplData {
  readonly term: Term;
  readonly commitPoint: Position;
  readonly lastVisible: OpTime;
  readonly configVersion: number;
  readonly configTerm: Term;
  /** 24 hexadecimal digits. */
  readonly replicaSetId: string | undefined;
  /** -1 for none; places in the config's members. */
  readonly syncSourceIndex: number;
  readonly isPrimary: boolean;
}

/** `$oplogQueryData`: what a sync source adds to batches of its oplog. */
export interface OplogQueryData {
  readonly commitPoint: Position;
  readonly lastApplied: OpTime;
  readonly lastWritten: OpTime;
  readonly rollbackId: number;
  /** -1 for none. */
  readonly primaryIndex: number;
  readonly syncSourceIndex: number;
  /** '' for none. */
  readonly syncSourceHost: string;
}
