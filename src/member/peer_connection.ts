/**
 * A connection to another member. Requests may overlap; each has its own time limit. A failure is a NetworkError ('refused':
 * nobody listens there, 'timeout', 'unreachable', 'closed') or, when the member answered with an error, a CommandError.
 */
import { CommandError } from '../base/command_error.ts';
import { NetworkError, type CancelTimer, type Connection, type Env, type NetworkErrorKind } from '../base/env.ts';
import { ms, type Ms } from '../base/units.ts';
import { fieldName, int32At } from '../bson/bytes.ts';
import { decodePlain } from '../bson/codec.ts';
import { findField } from '../bson/elements.ts';
import { isTruthy } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { MAX_WIRE_VERSION, MIN_WIRE_VERSION } from '../commands/server/version.ts';
import { MessageFramer } from '../wire/framer.ts';
import { MSG_FLAG, WireError, type Message } from '../wire/message.ts';
import { parseMessage, validateSections } from '../wire/parse.ts';
import { frameRequest } from '../wire/request.ts';

/** Takes one reply's body. False ends the stream; a promise holds back what follows until it resolves. */
export type OnReply = (body: Uint8Array) => boolean | Promise<boolean>;

interface PendingRequest {
  readonly onMessage: (message: Message) => void;
  readonly fail: (error: Error) => void;
  /** Between messages, and until when the next has to be here. */
  readonly silenceMax: Ms;
  deadline: Ms;
}

const OK = fieldName('ok');

const NEVER = ms(Infinity);

export class PeerConnection {
  readonly address: string;
  readonly #env: Env;
  readonly #connection: Connection;
  readonly #framer = new MessageFramer();
  readonly #pending = new Map<number, PendingRequest>();
  #lastRequestId = 0;
  #cancelTimer: CancelTimer | undefined;
  /** When the timer runs out: at the first deadline of a request, or before it. */
  #timerAt: Ms = NEVER;
  #isClosed = false;
  #isHeldBack = false;
  #hello: Uint8Array = new Uint8Array(0);

  /** Connects and says hello as a member. Rejects with a NetworkError or CommandError. */
  static async connect(env: Env, address: string, timeout: Ms): Promise<PeerConnection> {
    const peer = new PeerConnection(env, address, await env.network.connect(address, timeout));
    try {
      peer.#hello = await peer.request(helloCommand(), timeout);
      return peer;
    } catch (error) {
      peer.close();
      throw error;
    }
  }

  private constructor(env: Env, address: string, connection: Connection) {
    this.#env = env;
    this.address = address;
    this.#connection = connection;
    connection.start({
      data: (chunk) => {
        this.#framer.push(chunk);
        this.#readMessages();
      },
      closed: () => this.#fail('closed', 'closed the connection'),
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The reply to the hello this connection began with. */
  get hello(): Uint8Array {
    return this.#hello;
  }

  /**
   * Sends a command, `$db` included, and resolves with the body of its reply. When no reply comes in time the connection
   * is closed, because the member answers in order and would hold up the next request as well.
   */
  request(body: Uint8Array, timeout: Ms): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: Message): void => {
        const error = errorOf(message);
        if (error === undefined) resolve(bodyOf(message));
        else reject(error);
      };
      this.#send(body, 0, { onMessage, fail: reject, silenceMax: timeout, deadline: NEVER });
    });
  }

  /**
   * Sends a command that the member may answer several times. Resolves when the member sent its last reply, or when
   * `onReply` returned false (the connection is then closed if more was to come). Rejects when nothing comes for
   * `silenceMax`, when the connection fails, when a reply is an error, and with what `onReply` throws.
   */
  stream(body: Uint8Array, silenceMax: Ms, onReply: OnReply): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        reject(error);
        this.close();
      };
      const settle = (goesOn: boolean, message: Message): void => {
        if (goesOn && message.moreToCome) return this.#await(message.requestId, pending);
        if (message.moreToCome) this.close();
        resolve();
      };
      const pending: PendingRequest = {
        fail: reject,
        silenceMax,
        deadline: NEVER,
        onMessage: (message) => {
          const error = errorOf(message);
          if (error !== undefined) return reject(error);
          try {
            const goesOn = onReply(bodyOf(message));
            if (typeof goesOn === 'boolean') settle(goesOn, message);
            else this.#holdBack(goesOn, (result) => settle(result, message), fail);
          } catch (thrown) {
            fail(thrown);
          }
        },
      };
      this.#send(body, MSG_FLAG.exhaustAllowed, pending);
    });
  }

  /** Requests under way are rejected with 'closed'. */
  close(): void {
    this.#fail('closed', 'the connection was closed here');
  }

  #send(body: Uint8Array, flags: number, pending: PendingRequest): void {
    if (this.#isClosed) return pending.fail(new NetworkError('closed', `${this.address}: the connection is closed`));
    this.#lastRequestId = (this.#lastRequestId + 1) & 0x7fff_ffff;
    const requestId = this.#lastRequestId;
    this.#await(requestId, pending);
    this.#connection.send(frameRequest(body, { requestId, flags }));
  }

  /** The next message that answers `requestId` goes to `pending`. */
  #await(requestId: number, pending: PendingRequest): void {
    if (this.#isClosed) return pending.fail(new NetworkError('closed', `${this.address}: the connection is closed`));
    this.#pending.set(requestId, pending);
    pending.deadline = ms(this.#env.clock.monotonic() + pending.silenceMax);
    if (pending.deadline < this.#timerAt) this.#setTimer(pending.deadline);
  }

  /**
   * One timer for all requests, left alone when a reply comes: most run out after what they were set for is long over, and
   * one for each message would cost as much as the message.
   */
  #setTimer(at: Ms): void {
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer = this.#env.timers.after(ms(at - this.#env.clock.monotonic()), () => this.#checkDeadlines());
  }

  #checkDeadlines(): void {
    this.#cancelTimer = undefined;
    this.#timerAt = NEVER;
    const now = this.#env.clock.monotonic();
    let next = NEVER;
    for (const { deadline, silenceMax } of this.#pending.values()) {
      if (deadline <= now) return this.#fail('timeout', `no reply within ${silenceMax} ms`);
      if (deadline < next) next = deadline;
    }
    if (next < NEVER) this.#setTimer(next);
  }

  /** Reads nothing more until `decision` is there. */
  #holdBack(decision: Promise<boolean>, settle: (goesOn: boolean) => void, fail: (error: unknown) => void): void {
    this.#isHeldBack = true;
    this.#connection.pause();
    const goOn = (): void => {
      this.#isHeldBack = false;
      if (this.#isClosed) return;
      this.#connection.resume();
      this.#readMessages();
    };
    decision.then((goesOn) => {
      settle(goesOn);
      goOn();
    }, fail);
  }

  #readMessages(): void {
    try {
      while (!this.#isClosed && !this.#isHeldBack) {
        const bytes = this.#framer.next();
        if (bytes === undefined) return;
        const message = parseMessage(bytes);
        validateSections(message);
        this.#deliver(message);
      }
    } catch (error) {
      if (!(error instanceof WireError) && !(error instanceof CommandError)) throw error;
      this.#fail('closed', `sent what is no message: ${error.message}`);
    }
  }

  #deliver(message: Message): void {
    const pending = this.#pending.get(message.responseTo);
    if (pending === undefined) return;
    this.#pending.delete(message.responseTo);
    pending.onMessage(message);
  }

  #fail(kind: NetworkErrorKind, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer?.();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#connection.close();
    for (const request of pending) request.fail(new NetworkError(kind, `${this.address}: ${reason}`));
  }
}

function helloCommand(): Uint8Array {
  return new BsonWriter()
    .startDocument()
    .int32('hello', 1)
    .startSubdocument('internalClient')
    .int32('minWireVersion', MIN_WIRE_VERSION)
    .int32('maxWireVersion', MAX_WIRE_VERSION)
    .end()
    .string('$db', 'admin')
    .endDocument()
    .finish();
}

function bodyOf(message: Message): Uint8Array {
  const { bytes, bodyStart } = message;
  return bytes.subarray(bodyStart, bodyStart + int32At(bytes, bodyStart));
}

/** The error a reply carries; undefined for `ok: 1`. */
function errorOf(message: Message): CommandError | undefined {
  const ok = findField(message.bytes, OK, message.bodyStart);
  if (ok !== undefined && isTruthy(ok)) return undefined;
  const { code, errmsg, codeName: _, ok: __, ...details } = decodePlain(message.bytes, message.bodyStart);
  const number = typeof code === 'number' ? code : 8;
  return new CommandError(number, typeof errmsg === 'string' ? errmsg : 'the member answered with an error', details);
}
