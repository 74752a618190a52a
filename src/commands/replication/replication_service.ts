/** What commands ask of replication; the member implements it around the replication core. */
import type { OpTime, Timestamp } from '../../base/optime.ts';
import type { Ms } from '../../base/units.ts';
import type { ReplicationCore } from '../../replication/core.ts';
import type { Reply } from '../../replication/effect.ts';
import type { InputBody, ReplyTo } from '../../replication/input.ts';
import type { WriteConcern, WriteConcernOutcome } from '../concern/write_concern.ts';

export type { WriteConcernOutcome } from '../concern/write_concern.ts';

export interface ShutdownOptions {
  readonly force: boolean;
  readonly timeoutSecs: number;
}

export interface ReplicationService {
  /** Queries only; inputs go through `submit` and `request`. */
  readonly core: ReplicationCore;
  /** Whether the member was started with a set's name. Without, replies carry no times and nothing is checked. */
  readonly isReplicaSet: boolean;
  /** What is left of the time before shutdown in which hello answers with an error; undefined when not shutting down. */
  readonly remainingQuiesceMs: Ms | undefined;

  /** Adds the times, runs the core and carries out what follows. */
  submit(input: InputBody): void;
  /** As `submit`, for inputs that are answered. Rejects with the CommandError the core answers. */
  request(build: (replyTo: ReplyTo) => InputBody): Promise<Exclude<Reply, { kind: 'error' }>>;

  /** What a write without a write concern of its own waits for. */
  readonly defaultWriteConcern: WriteConcern;
  /** Without waiting: undefined when only waiting can tell. */
  checkWriteConcern(optime: OpTime, writeConcern: WriteConcern): WriteConcernOutcome | undefined;
  /**
   * Resolves when it is satisfied or cannot be. Rejects with CommandError: 189 when this member steps down meanwhile,
   * 91 or 11600 at shutdown, 50 when `deadline` (of the operation, not the wtimeout) passes.
   */
  awaitWriteConcern(optime: OpTime, writeConcern: WriteConcern, deadline: Ms): Promise<WriteConcernOutcome>;

  /** Resolves when the topology counter differs from `counter` or `deadline` passed, whichever is first. */
  awaitTopologyChange(counter: number, deadline: Ms): Promise<void>;
  /** Resolves when local reads see everything up to `at`. Rejects with CommandError 50 at `deadline`. */
  awaitApplied(at: Timestamp, deadline: Ms): Promise<void>;
  /** The same for majority reads; TIMESTAMP_NULL waits until there is a majority snapshot at all. */
  awaitMajority(at: Timestamp, deadline: Ms): Promise<void>;

  /** Ends the member in good order; resolves when its connections may be closed. */
  shutdown(options: ShutdownOptions): Promise<void>;
}
