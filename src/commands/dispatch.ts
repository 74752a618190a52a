/**
 * From a message to its reply.
 *
 * Life of a request: `parseArguments` finds the generic arguments; the command is looked up by its name; `admission.ts`
 * checks whether it may run here; `concern_waits.ts` waits for what the read concern needs; the command runs and writes
 * its fields into the reply; `concern_waits.ts` waits for the write concern; dispatch appends `ok`, metadata and times and
 * frames the whole. A CommandError at any point becomes an error reply. When no step waits, all of it happens within
 * the call of `run` and no promise is made.
 *
 * An unexpected error is logged and answered, too, unless nothing is known after it (`answerable_error.ts`): then it
 * leaves through `run` and stops the member.
 */
import { CommandError } from '../base/command_error.ts';
import { isNotPrimaryError } from '../base/error_codes.ts';
import { ms } from '../base/units.ts';
import { encodeDocument } from '../bson/codec.ts';
import { fieldName } from '../bson/bytes.ts';
import type { ElementReader } from '../bson/elements.ts';
import { Slab } from '../bson/slab.ts';
import { BsonWriter } from '../bson/writer.ts';
import { writeOplogQueryData, writeReplData } from '../replication/position_documents.ts';
import type { Message } from '../wire/message.ts';
import { validateBody } from '../wire/parse.ts';
import { frameReply, openReply } from '../wire/reply.ts';
import { checkMemberState, checkRequest, ignoresReadConcern } from './admission.ts';
import { answerableError } from './answerable_error.ts';
import { checkSequences } from './check_sequences.ts';
import { checkDrift, ReplyTimes } from './concern/cluster_time.ts';
import type { CommandTable } from './command_table.ts';
import {
  confirmLinearizable,
  isWaitUseful,
  visibleTimestamp,
  waitAfterWrite,
  waitBeforeRead,
  writeConcernOf,
} from './concern/concern_waits.ts';
import type { ClientState, ServerState } from './context.ts';
import { writeErrorReply, writeWriteConcernFailure } from './error_reply.ts';
import { Exchange, type Services } from './exchange.ts';
import { meetFailPoint } from './server/meet_fail_point.ts';
import { parseArguments, parseName } from './request.ts';
import { defaultReadConcern } from './concern/rw_concern_defaults.ts';
import { classOf } from './server/usage.ts';
import type { WriteConcern } from './concern/write_concern.ts';

/** Replies from this size on are sent from the writer's own buffer instead of a copy; it is used again once they left. */
const HAND_OVER_BYTES_MIN = 32 * 1024;

/** Writers kept for later requests, and what their large buffers may take together. */
const WRITERS_MAX = 64;
const LARGE_WRITERS_BYTES_MAX = 8 * 1024 * 1024;

const OK = fieldName('ok');

/** Hello and authentication, whose replies are never compressed. Source: the OP_COMPRESSED specification. */
const NEVER_COMPRESSED = new Set(['hello', 'isMaster', 'saslStart', 'saslContinue', 'authenticate', 'getnonce']);

export class Dispatcher {
  readonly #services: Services;
  readonly #table: CommandTable;
  readonly #times = new ReplyTimes();
  readonly #writers: BsonWriter[] = [];
  /** What the large buffers among them take. */
  #largeBytes = 0;
  readonly #slab = new Slab();
  #lastReplyId = 0;

  constructor(services: Services, table: CommandTable) {
    this.#services = services;
    this.#table = table;
  }

  /** Begins to handle a message. Throws CommandError when it holds what is no BSON. */
  open(message: Message, connection: ClientState): Exchange {
    return new Exchange(this.#services, message, connection);
  }

  /**
   * Makes the reply of an exchange: its first, or its next when its stream continues. Afterwards, or when the promise
   * resolves, `exchange.reply` is the message to send.
   */
  run(exchange: Exchange): Promise<void> | undefined {
    const writer = this.#takeWriter();
    openReply(writer, exchange.message);
    let pending: Promise<void> | undefined;
    try {
      pending = exchange.stream === undefined ? this.#start(exchange, writer) : this.#again(exchange, writer);
    } catch (error) {
      pending = this.#fail(exchange, writer, error);
      if (pending === undefined) return this.#finish(exchange, writer);
    }
    if (pending === undefined) {
      writer.double(OK, 1);
      return this.#finish(exchange, writer);
    }
    this.#services.operations.add(exchange);
    return this.#complete(exchange, writer, pending);
  }

  async #complete(exchange: Exchange, writer: BsonWriter, pending: Promise<void>): Promise<void> {
    try {
      await pending;
      if (exchange.error === undefined) writer.double(OK, 1);
    } catch (error) {
      await this.#fail(exchange, writer, error);
    } finally {
      this.#services.operations.remove(exchange);
    }
    this.#finish(exchange, writer);
  }

  #start(exchange: Exchange, writer: BsonWriter): Promise<void> | undefined {
    const { message, request } = exchange;
    const { server, env } = this.#services;
    server.network.requests += 1;
    validateBody(message);
    const reader = parseName(message, request);
    const command = this.#table.get(request.name);
    if (command === undefined) throw new CommandError('CommandNotFound', `no such command: '${request.name}'`);
    exchange.command = command;
    server.opcounters[command.opcounter ?? 'command'] += 1;
    const checking = checkSequences(message, env);
    if (checking === undefined) return this.#admit(exchange, writer, reader);
    return checking.then(() => this.#admit(exchange, writer, reader));
  }

  /** Runs the command of a checked message, if it may run here; `reader` stands on the command's name. */
  #admit(exchange: Exchange, writer: BsonWriter, reader: ElementReader): Promise<void> | undefined {
    const { message, request, connection, command } = exchange;
    const { server, data, env, replication } = this.#services;
    parseArguments(message, request, reader);
    if (request.clusterTime !== undefined) {
      checkDrift(request.clusterTime, env.clock.wall());
      if (replication.isReplicaSet) data.clock.advance(request.clusterTime);
    }
    if (command.readConcerns !== undefined) maybeSetReadConcern(exchange);
    checkRequest(command, request);
    checkMemberState(command, request, replication, connection);
    // getMore gives the field another meaning: how long to wait for new data.
    if (request.maxTimeMS > 0 && command.opcounter !== 'getmore') {
      exchange.deadline = ms(exchange.startedAt + request.maxTimeMS);
    }
    if (request.exhaustAllowed) {
      exchange.stream = {
        replies: 0,
        continues: false,
        topologyCounter: undefined,
        lastKnownCommittedOpTime: undefined,
      };
    }
    const isWrite = command.isWrite === true || command.writesIn?.(request) === true;
    const concern = isWrite ? writeConcernOf(exchange) : undefined;
    exchange.concern = concern;
    const failure = server.failPoints.isActive ? meetFailPoint(exchange) : undefined;
    const wait = failure === undefined ? waitBeforeRead(exchange) : failure.then(() => waitBeforeRead(exchange));
    if (wait !== undefined) return wait.then(() => this.#runCommand(exchange, writer, concern));
    return this.#runCommand(exchange, writer, concern);
  }

  /** Makes the next reply of a stream. Where the member has come to in between is checked as for a new request. */
  #again(exchange: Exchange, writer: BsonWriter): Promise<void> | undefined {
    const { request, command, connection, stream } = exchange;
    if (stream !== undefined) stream.continues = false;
    exchange.startedAt = this.#services.env.clock.monotonic();
    exchange.checkInterrupt();
    checkMemberState(command, request, this.#services.replication, connection);
    return this.#runCommand(exchange, writer, undefined);
  }

  #runCommand(exchange: Exchange, writer: BsonWriter, concern: WriteConcern | undefined): Promise<void> | undefined {
    const { command, request } = exchange;
    const pending = command.run(request, exchange, writer);
    if (pending === undefined) return afterRun(exchange, writer, concern);
    return pending.then(() => afterRun(exchange, writer, concern));
  }

  /** Turns an error into the reply. A failed write still waits for its write concern: what it met may be new. */
  #fail(exchange: Exchange, writer: BsonWriter, error: unknown): Promise<void> | undefined {
    const { concern } = exchange;
    const failure = answerableError(error, exchange);
    exchange.error = failure;
    this.#services.server.asserts.user += 1;
    const pending =
      concern === undefined || exchange.writeConcernFailure !== undefined || !isWaitUseful(failure)
        ? undefined
        : waitAfterWrite(exchange, concern);
    const write = (): void => {
      openReply(writer, exchange.message);
      writeErrorReply(writer, exchange, failure);
      if (exchange.stream !== undefined) exchange.stream.continues = false;
      if (exchange.message.moreToCome && isNotPrimaryError(failure.code)) exchange.closesConnection = true;
    };
    if (pending !== undefined) return pending.then(write);
    write();
    return undefined;
  }

  /** Appends what follows the command's fields and `ok`, and frames the reply. */
  #finish(exchange: Exchange, writer: BsonWriter): undefined {
    const { message, request, command, stream } = exchange;
    this.#observe(exchange);
    if (message.moreToCome || exchange.losesReply) {
      exchange.reply = undefined;
      this.#release(writer);
      return undefined;
    }
    if (exchange.error === undefined) {
      writeWriteConcernFailure(writer, exchange);
      const { failPointConcernError } = exchange;
      if (failPointConcernError !== undefined) {
        writer.document('writeConcernError', encodeDocument(failPointConcernError));
      }
    }
    if (request.wantsReplData || request.wantsOplogQueryData) this.#appendMetadata(exchange, writer);
    if (this.#services.replication.isReplicaSet) this.#appendTimes(exchange, writer);
    this.#lastReplyId = (this.#lastReplyId + 1) & 0x7fff_ffff;
    const requestId = this.#lastReplyId;
    const moreToCome = stream?.continues === true;
    const bytes = frameReply(writer, message, {
      requestId,
      moreToCome,
      mayCompress: !NEVER_COMPRESSED.has(command.name),
    });
    if (stream !== undefined && moreToCome) {
      message.requestId = requestId;
      stream.replies += 1;
    }
    exchange.replySent = undefined;
    if (bytes.length >= HAND_OVER_BYTES_MIN) {
      exchange.reply = bytes;
      exchange.replySent = () => this.#release(writer);
    } else {
      exchange.reply = this.#slab.copy(bytes);
      this.#release(writer);
    }
    return undefined;
  }

  #takeWriter(): BsonWriter {
    const writer = this.#writers.pop();
    if (writer === undefined) return new BsonWriter();
    if (writer.capacity >= HAND_OVER_BYTES_MIN) this.#largeBytes -= writer.capacity;
    return writer;
  }

  #release(writer: BsonWriter): void {
    const { capacity } = writer;
    const largeBytes = capacity >= HAND_OVER_BYTES_MIN ? capacity : 0;
    if (this.#writers.length >= WRITERS_MAX || this.#largeBytes + largeBytes > LARGE_WRITERS_BYTES_MAX) return;
    this.#largeBytes += largeBytes;
    this.#writers.push(writer);
  }

  #appendMetadata({ request, replication }: Exchange, writer: BsonWriter): void {
    const replData = request.wantsReplData ? replication.core.replData() : undefined;
    if (replData !== undefined) writeReplData(writer, replData);
    const queryData = request.wantsOplogQueryData ? replication.core.oplogQueryData() : undefined;
    if (queryData !== undefined) writeOplogQueryData(writer, queryData);
  }

  #appendTimes(exchange: Exchange, writer: BsonWriter): void {
    const operationTime = exchange.lastWrite?.ts ?? exchange.readAt ?? visibleTimestamp(exchange);
    const { now } = this.#services.data.clock;
    this.#times.append(writer, now > operationTime ? now : operationTime, operationTime);
  }

  /** Counts the time an operation took, and logs the slow ones. */
  #observe(exchange: Exchange): void {
    const { server, env, log } = this.#services;
    const duration = env.clock.monotonic() - exchange.startedAt;
    const { command, request } = exchange;
    countCommand(server, command.name, exchange.error !== undefined);
    server.latencies[classOf(command)].add(Math.round(duration * 1000));
    if (request.ns !== undefined) server.usage.add(request.ns, command, duration);
    if (duration < server.parameters.get('slowms') || exchange.stream !== undefined || command.waitsByDesign === true)
      return;
    log.write({
      severity: 'I',
      component: 'COMMAND',
      id: 51_803,
      context: `conn${exchange.connection.id}`,
      message: 'Slow query',
      attributes: { type: 'command', ns: request.db, command: command.name, durationMillis: Math.round(duration) },
    });
  }
}

function countCommand({ commandCounts }: ServerState, name: string, hasFailed: boolean): void {
  let counts = commandCounts.get(name);
  if (counts === undefined) {
    counts = { total: 0, failed: 0 };
    commandCounts.set(name, counts);
  }
  counts.total += 1;
  if (hasFailed) counts.failed += 1;
}

/** A read without a read concern gets the default one. */
function maybeSetReadConcern({ request, connection, data }: Exchange): void {
  if (request.readConcern.isGiven || connection.isInternal) return;
  request.readConcern = defaultReadConcern(data) ?? request.readConcern;
}

function afterRun(
  exchange: Exchange,
  writer: BsonWriter,
  concern: WriteConcern | undefined,
): Promise<void> | undefined {
  if (concern !== undefined) {
    // An unacknowledged write tells nothing but that it arrived.
    if (concern.w === 0 && exchange.command.isRetryableWrite === true) openReply(writer, exchange.message);
    return waitAfterWrite(exchange, concern);
  }
  const isLinearizable = exchange.request.readConcern.level === 'linearizable';
  return isLinearizable && !ignoresReadConcern(exchange.command) ? confirmLinearizable(exchange) : undefined;
}
