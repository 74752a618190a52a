/** One plain connection: a command document out, the reply's bytes back, in order. */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { documentText } from './bson_text.ts';
import { child, itemsOf, parseObject, textOf, toBson } from './exact_json.ts';
import type { ObjectTree, Tree } from './tree.ts';

const OP_MSG = 2013;
/** Header 16, flags 4, section kind 1. */
const BODY_AT = 21;

interface Waiting {
  readonly resolve: (reply: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class Connection {
  readonly #socket: net.Socket;
  readonly #waiting: Waiting[] = [];
  #received: Buffer = Buffer.alloc(0);
  #requestId = 1;

  static async open(address: string): Promise<Connection> {
    const colon = address.lastIndexOf(':');
    const socket = net.connect({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      noDelay: true,
    });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    const lost = (): void => {
      for (const { reject } of this.#waiting.splice(0)) reject(new ConnectionLost());
    };
    socket.on('close', lost);
    socket.on('error', lost);
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Resolves to the reply document's bytes; rejects with ConnectionLost. */
  command(body: ObjectTree, db: string): Promise<Buffer> {
    return this.#send(toBson({ kind: 'object', entries: [...body.entries, ['$db', { kind: 'string', value: db }]] }));
  }

  /** The reply as a tree. */
  async ask(command: string, db: string): Promise<Tree> {
    return parseObject(documentText(await this.command(parseObject(command), db)));
  }

  #send(document: Buffer): Promise<Buffer> {
    if (this.isClosed) return Promise.reject(new ConnectionLost());
    const header = Buffer.alloc(BODY_AT);
    header.writeInt32LE(BODY_AT + document.length, 0);
    header.writeInt32LE(this.#requestId++, 4);
    header.writeInt32LE(OP_MSG, 12);
    this.#socket.write(Buffer.concat([header, document]));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 4 && this.#received.length >= this.#received.readInt32LE(0)) {
      const message = this.#received.subarray(0, this.#received.readInt32LE(0));
      this.#received = this.#received.subarray(message.length);
      this.#waiting.shift()?.resolve(Buffer.from(message.subarray(BODY_AT)));
    }
  }
}

/** The server closed the connection before it answered. */
export class ConnectionLost extends Error {
  constructor() {
    super('connection closed');
  }
}

/** Connections to a set's primary and to one of its secondaries. */
export interface Members {
  readonly primary: Connection;
  readonly secondary: Connection | undefined;
}

/** How often, and for how long, a member that starts is asked again. */
const STARTING_POLL_MS = 20;
const STARTING_POLLS_MAX = 1000;

/** Finds them through any member. */
export async function connectToSet(address: string): Promise<Members> {
  const first = await Connection.open(address);
  const hosts = itemsOf(child(await first.ask('{"hello":1}', 'admin'), 'hosts')).flatMap((host) => textOf(host) ?? []);
  first.close();
  let primary: Connection | undefined;
  let secondary: Connection | undefined;
  for (const host of hosts.length > 0 ? hosts : [address]) {
    const connection = await Connection.open(host);
    const hello = await settledHello(connection);
    if (isTrue(hello, 'isWritablePrimary')) primary = connection;
    else if (isTrue(hello, 'secondary') && secondary === undefined) secondary = connection;
    else connection.close();
  }
  if (primary === undefined) throw new Error(`${address} knows of no primary`);
  return { primary, secondary };
}

/** What a member says once it has come up: it may still be copying the first data. */
async function settledHello(connection: Connection): Promise<Tree> {
  for (let attempt = 0; ; attempt++) {
    const hello = await connection.ask('{"hello":1}', 'admin');
    if (attempt === STARTING_POLLS_MAX || isTrue(hello, 'isWritablePrimary') || isTrue(hello, 'secondary'))
      return hello;
    await setTimeout(STARTING_POLL_MS);
  }
}

function isTrue(tree: Tree, key: string): boolean {
  const value = child(tree, key);
  return value?.kind === 'literal' && value.value === true;
}
