/**
 * One socket to a server with at most one request in flight. That restriction makes it cheap: a request's buffer may
 * be patched again as soon as its reply is there (the kernel has taken all of it by then), and what arrives is
 * always a single reply, handed on in the buffer it was read into.
 */
import net from 'node:net';
import type { Document } from 'bson';
import { assertOk, buildRequest, checkAnswers, decodeReply, setRequestId, type Reply } from './wire.ts';

const READ_BUFFER_BYTES = 64 * 1024;
const MESSAGE_BYTES_MAX = 48_000_000; // maxMessageSizeBytes of a hello
const REPLY_TIMEOUT_MS = 180_000;
const CLIENT_METADATA = { driver: { name: 'bench', version: '1' }, os: { type: process.platform } };

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** 'host:port' to its parts. Throws when it is not that. */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`not HOST:PORT: ${text}`);
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port };
}

export class Connection {
  readonly address: string;
  /** Called with (bytes, length) for each reply; the bytes are only valid during the call. */
  onReply: (bytes: Buffer, length: number) => void = () => {};
  /** Called with the error when the connection breaks or an onReply throws. */
  onFailure: (error: Error) => void = () => {};
  /** The reply to the handshake's hello. */
  hello: Reply = {};
  readonly #socket: net.Socket;
  #requestId = 0;
  #awaitsReply = false;
  #failure: Error | undefined;
  #partial: Buffer = Buffer.alloc(0);
  #partialLength = 0;

  /** Connects and says hello; an aborted signal closes the connection, also while it is being opened. */
  static async open(address: Address, signal?: AbortSignal): Promise<Connection> {
    const connection = new Connection(address);
    signal?.addEventListener('abort', () => connection.close(), { once: true });
    if (signal?.aborted === true) connection.close();
    try {
      connection.hello = await connection.command('admin', { hello: 1, client: CLIENT_METADATA });
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  /** Opens several at once: all of them or, when one fails, none. */
  static async openAll(address: Address, count: number): Promise<Connection[]> {
    const attempts = await Promise.allSettled(Array.from({ length: count }, () => Connection.open(address)));
    const opened = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    const failed = attempts.find((attempt) => attempt.status === 'rejected');
    if (failed === undefined) return opened;
    for (const connection of opened) connection.close();
    throw failed.reason;
  }

  constructor({ host, port }: Address) {
    this.address = `${host}:${port}`;
    // `onread` reads into one buffer of ours, without a stream's allocation and events per chunk.
    const buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES);
    const callback = (length: number): boolean => {
      this.#receive(buffer, length);
      return true;
    };
    this.#socket = net.connect({ host, port, noDelay: true, onread: { buffer, callback } });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error(`${this.address} closed the connection`)));
  }

  /** Sends a request built by buildRequest; its reply goes to onReply. */
  send(request: Buffer): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#awaitsReply) throw new Error('a request is in flight already');
    this.#requestId = (this.#requestId + 1) & 0x7fffffff;
    setRequestId(request, this.#requestId);
    this.#awaitsReply = true;
    this.#socket.write(request);
  }

  /** Sends a request and resolves to what `read(bytes, length)` makes of the reply. Rejects when the connection breaks. */
  exchange<Value>(request: Buffer, read: (bytes: Buffer, length: number) => Value): Promise<Value> {
    return new Promise((resolve, reject) => {
      const onTimeout = (): void =>
        this.#fail(new Error(`no reply from ${this.address} within ${REPLY_TIMEOUT_MS} ms`));
      const timer = setTimeout(onTimeout, REPLY_TIMEOUT_MS);
      this.onReply = (bytes, length) => {
        const value = read(bytes, length);
        clearTimeout(timer);
        resolve(value);
      };
      this.onFailure = (error) => {
        clearTimeout(timer);
        reject(error);
      };
      if (this.#failure === undefined) this.send(request);
      else this.onFailure(this.#failure);
    });
  }

  /** Runs a command and resolves to its decoded reply. Rejects with a ReplyError unless that is ok without write errors. */
  async command(db: string, body: Document): Promise<Reply> {
    return assertOk(await this.exchange(buildRequest({ ...body, $db: db }), decodeReply));
  }

  /** Closes the socket; a request in flight fails. */
  close(): void {
    this.#fail(new Error(`connection to ${this.address} was closed here`));
  }

  #receive(chunk: Buffer, length: number): void {
    try {
      if (this.#partialLength === 0 && length >= 4 && chunk.readInt32LE(0) === length) this.#deliver(chunk, length);
      else this.#assemble(chunk, length);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Collects a reply that comes in several chunks. */
  #assemble(chunk: Buffer, length: number): void {
    const received = this.#partialLength + length;
    this.#reserve(received);
    chunk.copy(this.#partial, this.#partialLength, 0, length);
    this.#partialLength = received;
    if (received < 4) return;
    const announced = this.#partial.readInt32LE(0);
    if (announced > MESSAGE_BYTES_MAX) throw new Error(`${this.address} announced a reply of ${announced} bytes`);
    if (received > announced) throw new Error(`${this.address} sent more than the reply to a request`);
    if (received < announced) {
      this.#reserve(announced);
      return;
    }
    this.#partialLength = 0;
    this.#deliver(this.#partial, received);
  }

  /** Makes room for so many bytes in #partial and keeps what is in it. */
  #reserve(bytes: number): void {
    if (this.#partial.length >= bytes) return;
    const grown = Buffer.allocUnsafe(bytes);
    this.#partial.copy(grown, 0, 0, this.#partialLength);
    this.#partial = grown;
  }

  #deliver(bytes: Buffer, length: number): void {
    if (!this.#awaitsReply) throw new Error(`${this.address} sent a message that nothing asked for`);
    checkAnswers(bytes, this.#requestId);
    this.#awaitsReply = false;
    this.onReply(bytes, length);
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#socket.destroy();
    this.onFailure(error);
  }
}
