/**
 * What a command gets and what it is made of. Every file of a command exports one {@link Command}; dispatch parses the
 * request, checks that it may run here, and calls `run` with a {@link CommandRequest}, a {@link CommandContext} and the
 * writer of the reply.
 */
import type { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import type { Log } from '../base/log.ts';
import type { OpTime, Timestamp } from '../base/optime.ts';
import type { Ms } from '../base/units.ts';
import type { RawValue } from '../bson/value.ts';
import type { BsonWriter } from '../bson/writer.ts';
import type { MemberData } from '../database/member_data.ts';
import type { ReadConcern } from './concern/read_concern.ts';
import type { ReplicationService } from './replication/replication_service.ts';
import type { ServerState } from './server/server_state.ts';

export type { ReplicationService } from './replication/replication_service.ts';
export type { ServerState } from './server/server_state.ts';

/** Documents that came beside the body (OP_MSG kind 1): whole documents back to back in `bytes[start, end)`. */
export interface DocumentSequence {
  /** The field they stand for, as 'documents', 'updates', 'deletes'. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export type ReadPreferenceMode = 'primary' | 'primaryPreferred' | 'secondary' | 'secondaryPreferred' | 'nearest';

/**
 * One request, its generic arguments parsed. All bytes were validated as BSON, belong to this request alone and stay
 * as they are; a command may keep views of them.
 */
export interface CommandRequest {
  /** As the client wrote it, so an alias stays an alias ('isMaster'). */
  readonly name: string;
  readonly db: string;
  /** The whole command document, generic arguments and `$db` included. Its first element is the command itself. */
  readonly body: Uint8Array;
  readonly sequences: readonly DocumentSequence[];
  /** Undefined when the client sent no `$readPreference`. */
  readonly readPreference: ReadPreferenceMode | undefined;
  readonly readConcern: ReadConcern;
  /** The `writeConcern` document as sent; undefined when absent. Dispatch itself waits for it. */
  readonly writeConcern: RawValue | undefined;
  /** The `lsid` document. */
  readonly lsid: RawValue | undefined;
  readonly txnNumber: bigint | undefined;
  /** False in a multi-document transaction, undefined otherwise; true is never accepted. */
  readonly autocommit: boolean | undefined;
  readonly startTransaction: boolean | undefined;
  /** 0 when there is none. Commands that wait use `context.deadline`; getMore reads this one for its await time. */
  readonly maxTimeMS: Ms;
  /** Only what the versioned API has is allowed. */
  readonly apiStrict: boolean | undefined;
  readonly comment: RawValue | undefined;
  /** `$clusterTime.clusterTime`; the member's clock has been advanced to it already. */
  readonly clusterTime: Timestamp | undefined;
  /** The collection that the command turned out to be about: set once its name was read. */
  ns: string | undefined;
  /** Whether another member asked for `$replData` and `$oplogQueryData` in the reply. */
  readonly wantsReplData: boolean;
  readonly wantsOplogQueryData: boolean;
  /** Whether the client takes further replies to this request without asking (see {@link CommandContext.stream}). */
  readonly exhaustAllowed: boolean;
}

/** A request that is answered more than once: each reply is made by running the command again. */
export interface ReplyStream {
  /** Replies made before this one. */
  replies: number;
  /** Set by `run` each time when another reply shall follow this one. False again before every run. */
  continues: boolean;
  /** What awaitable hello and oplog getMore remember between two runs. */
  topologyCounter: number | undefined;
  lastKnownCommittedOpTime: OpTime | undefined;
}

/** One client's connection, as commands see it. */
export interface ClientState {
  /** Unique in this process, from 1 up. */
  readonly id: number;
  /** 'host:port'. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** The `client` document of the first hello. */
  metadata: Uint8Array | undefined;
  /** Whether it ever sent `helloOk: true` or a hello: it then gets "not primary" in place of "not master". */
  knowsHello: boolean;
  saidHello: boolean;
  /** Whether its first hello carried `internalClient`: another member of the set. */
  isInternal: boolean;
  /** False: stays open when this member is removed or rolls back. */
  hangUpOnStepDown: boolean;
  /** Zlib was agreed on. */
  compresses: boolean;
  readonly isClosed: boolean;
  /** Calls back once, when the connection is gone; at once if it is already. Returns what unsubscribes. */
  onClosed(callback: () => void): () => void;
}

/** How far long work is, as currentOp shows it. */
export interface OperationProgress {
  readonly message: string;
  readonly done: number;
  readonly total: number;
}

/** One request under way, as others see it. */
export interface RunningOperation {
  /** The `opid` of currentOp and killOp. */
  readonly id: number;
  readonly request: CommandRequest;
  readonly command: Command;
  readonly connection: ClientState;
  /** Of the monotonic clock. */
  readonly startedAt: Ms;
  readonly isInterrupted: boolean;
  /** Of long work that can tell how far it is. */
  progress: OperationProgress | undefined;
  /** Makes it stop with `reason` at its next look, and wakes it when it waits. The first reason stays. */
  interrupt(reason: CommandError): void;
}

/** The operations that did not end within the turn they began in. */
export interface Operations {
  readonly count: number;
  get(id: number): RunningOperation | undefined;
  all(): Iterable<RunningOperation>;
  /** Interrupts every operation that `chosen` picks. Returns how many. */
  interruptAll(reason: CommandError, chosen?: (operation: RunningOperation) => boolean): number;
}

/** What a command may use while it runs. One per request; may be kept until its reply is sent. */
export interface CommandContext extends RunningOperation {
  readonly env: Env;
  readonly log: Log;
  readonly data: MemberData;
  readonly replication: ReplicationService;
  readonly server: ServerState;
  readonly operations: Operations;
  readonly connection: ClientState;
  /** Of `env.clock.monotonic()`; from maxTimeMS. Infinity when there is none. */
  readonly deadline: Ms;
  /** Present when the client allowed several replies. */
  readonly stream: ReplyStream | undefined;
  /** The optime the write concern is waited for and `operationTime` shows, set by commands that wrote. */
  lastWrite: OpTime | undefined;
  /** Set by reads at an older timestamp (majority, snapshot): what `operationTime` shows. */
  readAt: Timestamp | undefined;
  /** Throws when the operation was killed, passed its deadline, or its client is gone. Call it every few milliseconds. */
  checkInterrupt(): void;
  /** Calls back once, as soon as `checkInterrupt` would throw this error for another reason than time. */
  onInterrupt(callback: (error: CommandError) => void): () => void;
  /** Settles as `wait` does, or rejects as soon as the operation is interrupted. */
  orInterrupted<T>(wait: Promise<T>): Promise<T>;
}

/**
 * Whether a command may run on a member that is not primary: not at all; when the client's read preference allows it;
 * always.
 */
export type SecondaryUse = 'never' | 'optIn' | 'always';

export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly adminOnly?: boolean;
  readonly secondary: SecondaryUse;
  /** May run in STARTUP2, RECOVERING, ROLLBACK and REMOVED too. */
  readonly maintenanceOk?: boolean;
  /** Takes a write concern, which dispatch waits for after `run`. */
  readonly isWrite?: boolean;
  /** Of a command that is a write only in some requests, as aggregate is with $out or $merge: whether this is one. */
  readonly writesIn?: (request: CommandRequest) => boolean;
  /** Accepts a `txnNumber` without `autocommit`. */
  readonly isRetryableWrite?: boolean;
  /** Read concern levels besides 'local' that it accepts; absent: none. */
  readonly readConcerns?: readonly string[];
  /** Belongs to the versioned API, so `apiStrict` accepts it. */
  readonly isApiVersion1?: boolean;
  /** Waiting is its purpose, so a long one is not logged as slow. */
  readonly waitsByDesign?: boolean;
  /** Which of `serverStatus.opcounters` counts it; absent: 'command'. */
  readonly opcounter?: 'insert' | 'query' | 'update' | 'delete' | 'getmore';
  /** Throws for arguments that are wrong whatever state the member is in; asked only where it will not run. */
  check?(request: CommandRequest): void;
  /** One sentence for `listCommands`. */
  readonly help: string;
  /**
   * Writes its fields into `reply`, whose document is open; dispatch appends `ok` and the times, and turns a thrown
   * CommandError into an error reply (what was written before is dropped). A command that need not wait returns
   * nothing, and its reply leaves in the same turn.
   */
  run(request: CommandRequest, context: CommandContext, reply: BsonWriter): void | Promise<void>;
}
