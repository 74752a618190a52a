/**
 * TCP through node:net.
 *
 * All sockets read into one buffer of ours (`socket_reading.ts`), which is lent to the receiver: a stream would take
 * 64 KiB of memory for every read, give most of it back, and hand the rest on by way of its own queue.
 *
 * What is sent leaves at the end of the turn, with all that other connections send in it (`turn_end.ts`); the sends of one turn
 * to one connection make one write.
 */
import { createServer, type Server, type Socket } from 'node:net';
import {
  NetworkError,
  type Connection,
  type ConnectionHandler,
  type Listener,
  type Network,
  type NetworkErrorKind,
} from '../base/env.ts';
import { invariant } from '../base/invariant.ts';
import type { Ms } from '../base/units.ts';
import { connectWithReads, withReads } from './socket_reading.ts';
import type { Flushable, TurnEnd } from './turn_end.ts';

/** Connections the system keeps for us before they are accepted. */
const BACKLOG = 4096;

/** A peer that does not take our last bytes within this time is cut off. */
const CLOSE_GRACE_MS = 1000;

const KEEP_ALIVE_DELAY_MS = 120_000;

/** Sends of one turn up to this size are joined, because copying them costs less than handing over many parts. */
const JOIN_BYTES_MAX = 32 * 1024;

export class HostNetwork implements Network {
  readonly #turnEnd: TurnEnd;

  constructor(turnEnd: TurnEnd) {
    this.#turnEnd = turnEnd;
  }

  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener> {
    const server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS, pauseOnConnect: true },
      (accepted) => {
        const reads = new Reads();
        onConnection(new SocketConnection(withReads(accepted, reads.take), reads, this.#turnEnd));
      },
    );
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(networkErrorOf(error, `${host}:${port}`)));
      server.listen({ host, port, backlog: BACKLOG }, () => resolve(new ServerListener(server)));
    });
  }

  connect(address: string, timeout: Ms): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const { host, port } = splitAddress(address);
      const reads = new Reads();
      const options = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS };
      const socket = connectWithReads(options, reads.take);
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new NetworkError('timeout', `no connection to ${address} within ${timeout} ms`));
      }, timeout);
      const onError = (error: Error): void => {
        clearTimeout(timer);
        socket.destroy();
        reject(networkErrorOf(error, address));
      };
      socket.once('error', onError);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.off('error', onError);
        resolve(new SocketConnection(socket, reads, this.#turnEnd));
      });
    });
  }
}

class ServerListener implements Listener {
  readonly port: number;
  readonly #server: Server;

  constructor(server: Server) {
    const address = server.address();
    invariant(typeof address === 'object' && address !== null, 'a TCP server listens on a port');
    this.port = address.port;
    this.#server = server;
    // Accepting may fail for a moment (no free descriptors); the server goes on listening.
    server.on('error', () => {});
  }

  close(): void {
    this.#server.close();
  }
}

/** Leads what a socket reads to the connection over it, which is made later. */
class Reads {
  onData: (chunk: Uint8Array) => void = () => {};
  readonly take = (chunk: Uint8Array): void => this.onData(chunk);
}

class SocketConnection implements Connection, Flushable {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly #socket: Socket;
  readonly #reads: Reads;
  readonly #turnEnd: TurnEnd;
  #handler: ConnectionHandler | undefined;
  /** Sent in this turn and not yet given to the socket. */
  readonly #unsent: Uint8Array[] = [];
  /** To be called when all of #unsent was given to the system. */
  #sent: (() => void)[] = [];
  #unsentBytes = 0;
  #isFlushDue = false;
  #isClosing = false;
  #isClosed = false;
  readonly #flushWaiters: (() => void)[] = [];
  readonly #drainWaiters: (() => void)[] = [];

  constructor(socket: Socket, reads: Reads, turnEnd: TurnEnd) {
    this.#socket = socket;
    this.#reads = reads;
    this.#turnEnd = turnEnd;
    this.remoteAddress = joinAddress(socket.remoteAddress, socket.remotePort);
    this.localAddress = joinAddress(socket.localAddress, socket.localPort);
    // 'close' follows every error and says all that matters here.
    socket.on('error', () => {});
    socket.on('close', () => this.#onClose());
    socket.on('drain', () => this.#wakeDrained());
  }

  start(handler: ConnectionHandler): void {
    invariant(this.#handler === undefined, 'a connection is started once');
    this.#handler = handler;
    if (this.#isClosed) return handler.closed();
    this.#reads.onData = (chunk) => this.#onData(handler, chunk);
    this.#socket.resume();
  }

  send(bytes: Uint8Array, sent?: () => void): void {
    if (this.#isClosing) return;
    this.#unsent.push(bytes);
    if (sent !== undefined) this.#sent.push(sent);
    this.#unsentBytes += bytes.length;
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#turnEnd.flushAfter(this);
  }

  get queuedBytes(): number {
    return this.#unsentBytes + this.#socket.writableLength;
  }

  async drained(): Promise<void> {
    if (this.#isFlushDue) await new Promise<void>((resolve) => this.#flushWaiters.push(resolve));
    if (this.#isClosed || !this.#socket.writableNeedDrain) return;
    await new Promise<void>((resolve) => this.#drainWaiters.push(resolve));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    if (this.#isClosing) return;
    this.flush();
    this.#isClosing = true;
    this.#socket.destroySoon();
    if (this.#isClosed) return;
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_GRACE_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #onData(handler: ConnectionHandler, chunk: Uint8Array): void {
    if (this.#isClosing) return;
    handler.data(chunk);
    this.#turnEnd.maybeEndEarly();
  }

  /** Gives what was sent to the socket. */
  flush(): void {
    this.#isFlushDue = false;
    const unsent = this.#unsent;
    if (unsent.length > 0) {
      const sent = this.#takeCallbacks();
      if (unsent.length === 1) this.#write(unsent[0], sent);
      else if (this.#unsentBytes <= JOIN_BYTES_MAX) this.#write(joined(unsent, this.#unsentBytes), sent);
      else this.#writeTogether(sent);
      unsent.length = 0;
      this.#unsentBytes = 0;
    }
    if (this.#flushWaiters.length > 0) wake(this.#flushWaiters.splice(0));
  }

  #takeCallbacks(): readonly (() => void)[] | undefined {
    if (this.#sent.length === 0) return undefined;
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  #write(bytes: Uint8Array, sent: readonly (() => void)[] | undefined): void {
    if (sent === undefined) this.#socket.write(bytes);
    else this.#socket.write(bytes, (error) => (error ? undefined : wake(sent)));
  }

  /** The system takes them in order, so that the last one stands for all. */
  #writeTogether(sent: readonly (() => void)[] | undefined): void {
    const unsent = this.#unsent;
    this.#socket.cork();
    for (let i = 0; i + 1 < unsent.length; i++) this.#socket.write(unsent[i]);
    this.#write(unsent[unsent.length - 1], sent);
    this.#socket.uncork();
  }

  #onClose(): void {
    this.#isClosing = true;
    this.#isClosed = true;
    this.#unsent.length = 0;
    this.#sent.length = 0;
    this.#unsentBytes = 0;
    wake(this.#flushWaiters.splice(0));
    this.#wakeDrained();
    this.#handler?.closed();
  }

  #wakeDrained(): void {
    wake(this.#drainWaiters.splice(0));
  }
}

function wake(waiters: readonly (() => void)[]): void {
  for (const waiter of waiters) waiter();
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = Buffer.allocUnsafe(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** 'host:port', with brackets around an IPv6 address. */
function joinAddress(host: string | undefined, port: number | undefined): string {
  const text = host ?? 'unknown';
  return text.includes(':') ? `[${text}]:${port ?? 0}` : `${text}:${port ?? 0}`;
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new NetworkError('unreachable', `'${address}' is not host:port`);
  }
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port };
}

const KINDS: Readonly<Record<string, NetworkErrorKind>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  EADDRINUSE: 'addressInUse',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
};

function networkErrorOf(error: Error, address: string): NetworkError {
  const code = 'code' in error ? String(error.code) : '';
  return new NetworkError(KINDS[code] ?? 'unreachable', `${address}: ${error.message || code}`, { cause: error });
}
