/**
 * What can happen to a member, as far as replication is concerned. The driver turns events into inputs and calls
 * `ReplicationCore.step` with one at a time.
 */
import type { OpTime, Term } from '../base/optime.ts';
import type { Ms, UnixMs } from '../base/units.ts';
import type { ReplSetConfig } from './config.ts';
import type { PlainDocument } from './document.ts';
import type {
  HeartbeatReply,
  HeartbeatRequest,
  OplogQueryData,
  ReplData,
  UpdatePosition,
  VoteReply,
  VoteRequest,
} from './messages.ts';
import type { LastVote } from './vote.ts';
import type { Progress } from './progress.ts';

/** Names a waiting command; the driver makes it, the core gives it back in the `reply` effect. Each is answered once. */
export type ReplyTo = number;

/** Why no reply came. 'refused': nobody listens there, so that member's process is gone. */
export type RequestFailure =
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'timeout'; readonly message: string }
  /** The member answered with an error, or the connection failed in another way. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

export type RequestResult<Reply> = { readonly kind: 'reply'; readonly reply: Reply } | RequestFailure;

/** What replSetStepDown was asked. Seconds as the client gave them; a fraction is allowed. */
export interface StepDownArguments {
  readonly stepDownSecs: number;
  /** Undefined: the default, 10 (0 with `force`). */
  readonly catchUpSecs: number | undefined;
  readonly force: boolean;
}

export type InputBody =
  /**
   * Once, first. `config` is what `local.system.replset` holds; `needsInitialSync`: no data, or an unfinished copy;
   * `promised`: up to where this member once had entries that it threw away since.
   */
  | {
      readonly kind: 'start';
      readonly config: ReplSetConfig | undefined;
      readonly lastVote: LastVote | undefined;
      readonly needsInitialSync: boolean;
      readonly progress: Progress;
      readonly rollbackId: number;
      readonly promised: OpTime;
    }
  /** Time passed. Wanted at `ReplicationCore.deadline`; more often does no harm. */
  | { readonly kind: 'tick' }
  /**
   * The driver's own event loop stood still for that long. To be given before anything else after the stall: all
   * timers that judge other members move by it.
   */
  | { readonly kind: 'stalled'; readonly duration: Ms }
  | { readonly kind: 'heartbeatRequest'; readonly request: HeartbeatRequest; readonly replyTo: ReplyTo }
  | {
      readonly kind: 'heartbeatResult';
      readonly requestId: number;
      readonly target: string;
      readonly result: RequestResult<HeartbeatReply>;
    }
  | { readonly kind: 'voteRequest'; readonly request: VoteRequest; readonly replyTo: ReplyTo }
  | {
      readonly kind: 'voteResult';
      readonly requestId: number;
      readonly target: string;
      readonly result: RequestResult<VoteReply>;
    }
  /** An attempt to connect to `target`, for whatever purpose, was refused: its process is gone. */
  | { readonly kind: 'connectionRefused'; readonly target: string }
  /** My own positions; never behind what was given before (but see rollbackFinished). */
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'updatePosition'; readonly update: UpdatePosition; readonly replyTo: ReplyTo }
  /** A term named by an oplog find or getMore of another member. */
  | { readonly kind: 'termSeen'; readonly term: Term; readonly replyTo: ReplyTo }
  /** A batch of the oplog came from `from` (host and port); its metadata. */
  | {
      readonly kind: 'syncSourceMetadata';
      readonly from: string;
      readonly replData: ReplData | undefined;
      readonly oplogQueryData: OplogQueryData | undefined;
    }
  /** The fetcher now reads from `source`; undefined: from nobody. */
  | { readonly kind: 'syncSourceChanged'; readonly source: string | undefined }
  /** Do not choose `target` as sync source until then. */
  | { readonly kind: 'syncSourceDenied'; readonly target: string; readonly until: Ms }
  /** Every possible source has dropped what this member would need next; false: one became possible again. */
  | { readonly kind: 'tooStale'; readonly tooStale: boolean }
  /** replSetInitiate. `config`: as sent, undefined when absent. The id is for a new set and used when it succeeds. */
  | {
      readonly kind: 'initiate';
      readonly config: PlainDocument | undefined;
      readonly self: string;
      readonly newReplicaSetId: string;
      readonly replyTo: ReplyTo;
    }
  /** The `initiateSet` effect is done: config and first entry are on disk. */
  | { readonly kind: 'initiateWritten'; readonly progress: Progress }
  | { readonly kind: 'stepDown'; readonly arguments: StepDownArguments; readonly replyTo: ReplyTo }
  | { readonly kind: 'stepUp'; readonly skipDryRun: boolean; readonly replyTo: ReplyTo }
  | { readonly kind: 'freeze'; readonly seconds: number; readonly replyTo: ReplyTo }
  | { readonly kind: 'maintenance'; readonly enter: boolean; readonly replyTo: ReplyTo }
  | { readonly kind: 'abortCatchUp'; readonly replyTo: ReplyTo }
  /** Fetching in mode 'catchUp' met a source this primary would have to roll back for. */
  | { readonly kind: 'catchUpFailed' }
  /** Everything fetched before `startDrain` of that term is applied. */
  | { readonly kind: 'drained'; readonly term: Term }
  /** The entry that `writeNewPrimaryNoop` of that term asked for is in the oplog. */
  | { readonly kind: 'newTermWritten'; readonly term: Term; readonly optime: OpTime; readonly progress: Progress }
  /** The data is a copy of the set's as of `progress.applied`. */
  | { readonly kind: 'initialSyncFinished'; readonly progress: Progress }
  /** The member's oplog does not continue its source's. Only on followers. */
  | { readonly kind: 'rollbackStarted' }
  /** The oplog was cut; the only input after which positions may be lower than before. */
  | { readonly kind: 'rollbackFinished'; readonly progress: Progress; readonly rollbackId: number }
  /** A clean shutdown begins: no elections, no votes from now on. Step down first. */
  | { readonly kind: 'shutdown' };

/** Every input carries the time it is handled at. `now` never goes back; `wall` may jump and decides nothing. */
export type Input = InputBody & { readonly now: Ms; readonly wall: UnixMs };
