/**
 * What the member must do after a step, in this order. An effect waits for those before it: a vote is on disk before
 * its reply leaves. Effects of later steps queue behind those of earlier ones.
 */
import type { CommandError } from '../base/command_error.ts';
import type { LogLine } from '../base/log.ts';
import type { OpTime, Term } from '../base/optime.ts';
import type { Ms } from '../base/units.ts';
import type { ReplSetConfig } from './config.ts';
import type { PlainDocument } from './document.ts';
import type { ReplyTo } from './input.ts';
import type { MemberState } from './member_state.ts';
import type { HeartbeatReply, HeartbeatRequest, VoteReply, VoteRequest } from './messages.ts';
import type { LastVote } from './vote.ts';

/** The answer to a command; `encodeReply` in message_documents.ts makes its bytes. */
export type Reply =
  | { readonly kind: 'heartbeat'; readonly reply: HeartbeatReply }
  | { readonly kind: 'vote'; readonly reply: VoteReply }
  | { readonly kind: 'document'; readonly document: PlainDocument }
  | { readonly kind: 'error'; readonly error: CommandError };

/** How the member gets its data: a whole copy first, then the oplog; or the oplog alone. */
export type SyncMode = 'initialSync' | 'steady' | 'catchUp';

export type Effect =
  /** Durable before anything after it. Carried out even when the term is over by then: it only forbids a second vote. */
  | { readonly kind: 'persistVote'; readonly vote: LastVote }
  /** Durable before anything after it. */
  | { readonly kind: 'persistConfig'; readonly config: ReplSetConfig }
  /**
   * A new set begins here: persist the config, make an initial sync id, write the first oplog entry
   * ({msg: 'initiating set'}, term -1), and when all is durable give the input `initiateWritten`.
   */
  | { readonly kind: 'initiateSet'; readonly config: ReplSetConfig }
  /** Give `heartbeatResult` with the same id and target, whatever happens. */
  | {
      readonly kind: 'sendHeartbeat';
      readonly target: string;
      readonly requestId: number;
      readonly request: HeartbeatRequest;
      readonly timeout: Ms;
    }
  /** Give `voteResult` with the same id and target, whatever happens. */
  | {
      readonly kind: 'sendVoteRequest';
      readonly target: string;
      readonly requestId: number;
      readonly request: VoteRequest;
      readonly timeout: Ms;
    }
  /** Send `{replSetStepUp: 1, skipDryRun: true}` there; its outcome does not matter. */
  | { readonly kind: 'handOff'; readonly target: string }
  | { readonly kind: 'reply'; readonly replyTo: ReplyTo; readonly reply: Reply }
  /** The state other members and clients see. Comes after the counter was raised. */
  | { readonly kind: 'stateChanged'; readonly from: MemberState; readonly to: MemberState }
  /** Waiting hellos are answered: the counter is at this value now. */
  | { readonly kind: 'topologyChanged'; readonly counter: number }
  /**
   * Fetch from whom `chooseSyncSource` names. 'catchUp': this member is primary and fetches what others have before it
   * writes; it never rolls back in this mode: when a source would need that, give `catchUpFailed`.
   */
  | { readonly kind: 'startSync'; readonly mode: SyncMode }
  /** Fetch no more; forget the source. What was fetched may be applied or dropped. */
  | { readonly kind: 'stopSync' }
  /** A better source may be there: ask `chooseSyncSource` again at once if waiting for one. */
  | { readonly kind: 'syncSourcesChanged' }
  /** Fetch no more, apply all that was fetched, then give `drained`. */
  | { readonly kind: 'startDrain'; readonly term: Term }
  /** Write {msg: 'new primary'} in this term, then give `newTermWritten`. */
  | { readonly kind: 'writeNewPrimaryNoop'; readonly term: Term }
  /** Clients may write; entries carry this term. */
  | { readonly kind: 'writesEnabled'; readonly term: Term }
  /** No client writes from now on; operations that write or wait to write are killed (11602). */
  | { readonly kind: 'writesDisabled' }
  /** No longer primary: those who wait for a write concern get 189, open transactions end. */
  | { readonly kind: 'steppedDown' }
  /** The data up to here is on a majority and never rolls back. */
  | { readonly kind: 'commitPointChanged'; readonly commitPoint: OpTime }
  /** Some write concern may have become satisfied, or impossible. */
  | { readonly kind: 'wakeWriteConcern' }
  /** Tell the sync source our and our followers' positions (replSetUpdatePosition), now. */
  | { readonly kind: 'sendUpdatePosition' }
  | { readonly kind: 'log'; readonly line: LogLine };
