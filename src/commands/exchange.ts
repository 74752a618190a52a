/** One request with all that belongs to it until its last reply is sent. It is the context its command gets. */
import type { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import type { Log } from '../base/log.ts';
import type { OpTime, Timestamp } from '../base/optime.ts';
import type { MemberData } from '../database/member_data.ts';
import type { Message } from '../wire/message.ts';
import type { ClientState, CommandContext, ReplicationService, ReplyStream, ServerState } from './context.ts';
import { Operation, type OperationRegistry } from './operation.ts';
import { ParsedRequest } from './request.ts';
import type { WriteConcern, WriteConcernOutcome } from './concern/write_concern.ts';

/** What all requests of one member share. */
export interface Services {
  readonly env: Env;
  readonly log: Log;
  readonly data: MemberData;
  readonly replication: ReplicationService;
  readonly server: ServerState;
  readonly operations: OperationRegistry;
}

/** A write concern that was not satisfied, for the reply. */
export interface WriteConcernFailure {
  readonly concern: WriteConcern;
  readonly outcome: Extract<WriteConcernOutcome, { kind: 'failed' }>;
}

export class Exchange extends Operation implements CommandContext {
  readonly message: Message;
  readonly request = new ParsedRequest();
  stream: ReplyStream | undefined = undefined;
  lastWrite: OpTime | undefined = undefined;
  readAt: Timestamp | undefined = undefined;
  /** Of a command that writes: what the reply waits for. */
  concern: WriteConcern | undefined = undefined;
  /** What the reply tells, when it failed. */
  error: CommandError | undefined = undefined;
  writeConcernFailure: WriteConcernFailure | undefined = undefined;
  /** The reply to send; undefined when the client wants none. */
  reply: Uint8Array | undefined = undefined;
  /** To be called once the reply has left: its bytes are used again then. */
  replySent: (() => void) | undefined = undefined;
  /** A fail point's, shown beside what the command returns. */
  failPointConcernError: Readonly<Record<string, unknown>> | undefined = undefined;
  /** The client gets no reply although it wants one: a fail point takes its connection away. */
  losesReply = false;
  /** The connection is to be closed after the reply. */
  closesConnection = false;
  readonly #services: Services;

  constructor(services: Services, message: Message, connection: ClientState) {
    super(services.operations.nextId(), services.env.clock, connection);
    this.#services = services;
    this.message = message;
  }

  get env(): Env {
    return this.#services.env;
  }

  get log(): Log {
    return this.#services.log;
  }

  get data(): MemberData {
    return this.#services.data;
  }

  get replication(): ReplicationService {
    return this.#services.replication;
  }

  get server(): ServerState {
    return this.#services.server;
  }

  get operations(): OperationRegistry {
    return this.#services.operations;
  }
}
