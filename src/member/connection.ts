/**
 * One client's connection. Requests are handled one after the other in the order they came; those that need not wait are
 * answered in the turn in which their bytes arrived. A client that does not read its replies, or sends far ahead, is not
 * read from for a while. Bytes that are no message close the connection and nothing else.
 */
import { CommandError } from '../base/command_error.ts';
import type { Connection } from '../base/env.ts';
import { RECEIVE_AHEAD_BYTES_MAX, SEND_QUEUE_BYTES_MAX } from '../base/limits.ts';
import type { LogSeverity } from '../base/log.ts';
import type { ClientState } from '../commands/context.ts';
import type { Dispatcher } from '../commands/dispatch.ts';
import type { Exchange, Services } from '../commands/exchange.ts';
import { MessageFramer } from '../wire/framer.ts';
import { WireError } from '../wire/message.ts';
import { parseMessage } from '../wire/parse.ts';

export class ClientConnection implements ClientState {
  readonly id: number;
  readonly remoteAddress: string;
  readonly localAddress: string;
  metadata: Uint8Array | undefined = undefined;
  knowsHello = false;
  saidHello = false;
  isInternal = false;
  hangUpOnStepDown = true;
  compresses = false;

  readonly #services: Services;
  readonly #dispatcher: Dispatcher;
  readonly #connection: Connection;
  readonly #framer = new MessageFramer();
  readonly #closedCallbacks = new Set<() => void>();
  /** The request being handled, when it did not end in the turn it began in. */
  #current: Exchange | undefined = undefined;
  #isBusy = false;
  #isPaused = false;
  #isClosed = false;

  constructor(id: number, connection: Connection, services: Services, dispatcher: Dispatcher) {
    this.id = id;
    this.remoteAddress = connection.remoteAddress;
    this.localAddress = connection.localAddress;
    this.#connection = connection;
    this.#services = services;
    this.#dispatcher = dispatcher;
  }

  /** Begins to serve; called once, in the turn in which the connection came. */
  start(): void {
    this.#connection.start({ data: (chunk) => this.#onData(chunk), closed: () => this.#onClosed() });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  onClosed(callback: () => void): () => void {
    if (this.#isClosed) {
      callback();
      return () => {};
    }
    this.#closedCallbacks.add(callback);
    return () => this.#closedCallbacks.delete(callback);
  }

  /** Ends the connection; what was sent before still goes out. The request under way is interrupted. */
  close(): void {
    this.#connection.close();
    this.#onClosed();
  }

  #onData(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#services.server.network.bytesIn += chunk.length;
    this.#framer.push(chunk);
    if (this.#isBusy) this.#maybePause();
    else this.#readMessages();
  }

  #readMessages(): void {
    while (!this.#isBusy && !this.#isClosed) {
      const exchange = this.#nextExchange();
      if (exchange === undefined) return;
      const pending = this.#dispatcher.run(exchange);
      if (pending === undefined) {
        this.#answer(exchange);
      } else {
        this.#isBusy = true;
        this.#current = exchange;
        // A rejection is a broken invariant; it is meant to reach the process's outermost handler.
        void pending.then(() => this.#onHandled(exchange));
      }
    }
  }

  #nextExchange(): Exchange | undefined {
    try {
      const bytes = this.#framer.next();
      return bytes === undefined ? undefined : this.#dispatcher.open(parseMessage(bytes), this);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#log('W', 8_000_110, 'Closing a connection that sent what is no message', { error: error.message });
      this.close();
      return undefined;
    }
  }

  #onHandled(exchange: Exchange): void {
    this.#isBusy = false;
    this.#current = undefined;
    this.#answer(exchange);
    this.#goOn();
  }

  /** Reads on after a pause in handling. */
  #goOn(): void {
    if (this.#isBusy || this.#isClosed) return;
    this.#readMessages();
    if (this.#isPaused && !this.#isBusy && !this.#isClosed) {
      this.#isPaused = false;
      this.#connection.resume();
    }
  }

  #answer(exchange: Exchange): void {
    this.#send(exchange);
    if (exchange.stream?.continues === true) void this.#sendFurtherReplies(exchange);
    else if (this.#connection.queuedBytes > SEND_QUEUE_BYTES_MAX) void this.#awaitReader();
  }

  #send(exchange: Exchange): void {
    const { reply } = exchange;
    if (reply !== undefined && !this.#isClosed) {
      this.#services.server.network.bytesOut += reply.length;
      this.#connection.send(reply, exchange.replySent);
    }
    if (exchange.closesConnection) this.close();
  }

  async #sendFurtherReplies(exchange: Exchange): Promise<void> {
    this.#isBusy = true;
    this.#current = exchange;
    while (exchange.stream?.continues === true && !this.#isClosed) {
      if (this.#connection.queuedBytes > SEND_QUEUE_BYTES_MAX) await this.#connection.drained();
      // Replies that never wait must not keep others from their turn.
      await (this.#dispatcher.run(exchange) ?? this.#services.env.breathe());
      this.#send(exchange);
    }
    this.#isBusy = false;
    this.#current = undefined;
    this.#goOn();
  }

  async #awaitReader(): Promise<void> {
    this.#isBusy = true;
    this.#maybePause();
    await this.#connection.drained();
    this.#isBusy = false;
    this.#goOn();
  }

  #maybePause(): void {
    if (this.#isPaused || this.#framer.pendingBytes <= RECEIVE_AHEAD_BYTES_MAX) return;
    this.#isPaused = true;
    this.#connection.pause();
  }

  #onClosed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#current?.interrupt(
      new CommandError('ClientDisconnect', 'operation was interrupted because a client disconnected'),
    );
    for (const callback of this.#closedCallbacks) callback();
    this.#closedCallbacks.clear();
  }

  #log(severity: LogSeverity, id: number, message: string, attributes: Readonly<Record<string, unknown>>): void {
    this.#services.log.write({
      severity,
      component: 'NETWORK',
      id,
      context: `conn${this.id}`,
      message,
      attributes: { remote: this.remoteAddress, connectionId: this.id, ...attributes },
    });
  }
}
