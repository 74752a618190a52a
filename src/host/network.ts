/**
 * TCP through node:net.
 *
 * What is sent while a chunk is being handled leaves when the handler returns; what is sent at other times leaves at the
 * end of the turn. Either way the sends of one turn make one write.
 */
import { connect as netConnect, createServer, type Server, type Socket } from 'node:net';
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

/** Connections the system keeps for us before they are accepted. */
const BACKLOG = 4096;

/** A peer that does not take our last bytes within this time is cut off. */
const CLOSE_GRACE_MS = 1000;

const KEEP_ALIVE_DELAY_MS = 120_000;

/** Sends of one turn up to this size are joined, because copying them costs less than handing over many parts. */
const JOIN_BYTES_MAX = 32 * 1024;

export class HostNetwork implements Network {
  listen(host: string, port: number, onConnection: (connection: Connection) => void): Promise<Listener> {
    const server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS },
      (socket) => onConnection(new SocketConnection(socket)),
    );
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(networkErrorOf(error, `${host}:${port}`)));
      server.listen({ host, port, backlog: BACKLOG }, () => resolve(new ServerListener(server)));
    });
  }

  connect(address: string, timeout: Ms): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const { host, port } = splitAddress(address);
      const socket = netConnect({
        host,
        port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
      });
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
        resolve(new SocketConnection(socket));
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

class SocketConnection implements Connection {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly #socket: Socket;
  #handler: ConnectionHandler | undefined;
  /** Sent in this turn and not yet given to the socket. */
  readonly #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #isHandlingData = false;
  #isFlushScheduled = false;
  #isClosing = false;
  #isClosed = false;
  #drainWaiters: (() => void)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
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
    // A plain Uint8Array: views of it cost less than those of a Buffer, and its slices are copies.
    this.#socket.on('data', (chunk: Buffer) =>
      this.#onData(handler, new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)),
    );
  }

  send(bytes: Uint8Array): void {
    if (this.#isClosing) return;
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
    if (this.#isHandlingData || this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    process.nextTick(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  get queuedBytes(): number {
    return this.#unsentBytes + this.#socket.writableLength;
  }

  async drained(): Promise<void> {
    this.#flush();
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
    this.#flush();
    this.#isClosing = true;
    this.#socket.destroySoon();
    if (this.#isClosed) return;
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_GRACE_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #onData(handler: ConnectionHandler, chunk: Uint8Array): void {
    if (this.#isClosing) return;
    this.#isHandlingData = true;
    try {
      handler.data(chunk);
    } finally {
      this.#isHandlingData = false;
    }
    this.#flush();
  }

  #flush(): void {
    const unsent = this.#unsent;
    if (unsent.length === 0) return;
    if (unsent.length === 1) this.#socket.write(unsent[0]);
    else if (this.#unsentBytes <= JOIN_BYTES_MAX) this.#socket.write(joined(unsent, this.#unsentBytes));
    else this.#writeTogether();
    unsent.length = 0;
    this.#unsentBytes = 0;
  }

  #writeTogether(): void {
    this.#socket.cork();
    for (const bytes of this.#unsent) this.#socket.write(bytes);
    this.#socket.uncork();
  }

  #onClose(): void {
    this.#isClosing = true;
    this.#isClosed = true;
    this.#unsent.length = 0;
    this.#unsentBytes = 0;
    this.#wakeDrained();
    this.#handler?.closed();
  }

  #wakeDrained(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const wake of waiters) wake();
  }
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
