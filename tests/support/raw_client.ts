/** A bare connection to a member: sends bytes as they are, or commands as OP_MSG; no driver in between. */
import { connect, type Socket } from 'node:net';
import { decodePlain, encodeDocument } from '../../src/bson/codec.ts';
import { int32At } from '../../src/bson/bytes.ts';
import { MessageFramer } from '../../src/wire/framer.ts';
import { parseMessage } from '../../src/wire/parse.ts';
import { frameRequest, type RequestFrame } from '../../src/wire/request.ts';

export type Reply = Readonly<Record<string, unknown>>;

interface Waiter {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export class RawClient {
  /** Resolves when the connection has ended, whoever ended it. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #framer = new MessageFramer();
  readonly #waiting = new Map<number, Waiter>();
  #lastRequestId = 0;
  #isEnded = false;

  /** `address` is 'host:port'. */
  static async connect(address: string): Promise<RawClient> {
    const [host = '', port = ''] = address.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    // 'close' follows and says all that matters here.
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#read(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)));
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isEnded = true;
        for (const { reject } of this.#waiting.values()) reject(new Error('the connection ended'));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Sends bytes that need not be a message. */
  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends a command and resolves with its reply, good or not; rejects when the connection ends first. */
  command(command: object, sequences?: RequestFrame['sequences']): Promise<Reply> {
    return this.commandBytes(encodeDocument(command), sequences);
  }

  /** The same with the command's document as bytes, which need not be BSON. */
  commandBytes(body: Uint8Array, sequences: RequestFrame['sequences'] = []): Promise<Reply> {
    this.#lastRequestId += 1;
    const requestId = this.#lastRequestId;
    const reply = new Promise<Reply>((resolve, reject) => {
      if (this.#isEnded) reject(new Error('the connection ended'));
      else this.#waiting.set(requestId, { resolve, reject });
    });
    this.send(frameRequest(body, { requestId, sequences }));
    return reply;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    this.#framer.push(chunk);
    for (let bytes = this.#framer.next(); bytes !== undefined; bytes = this.#framer.next()) {
      const message = parseMessage(bytes);
      const waiter = this.#waiting.get(int32At(bytes, 8));
      this.#waiting.delete(int32At(bytes, 8));
      try {
        waiter?.resolve(decodePlain(message.bytes, message.bodyStart));
      } catch (cause) {
        waiter?.reject(new Error('a reply that cannot be decoded', { cause }));
      }
    }
  }
}
