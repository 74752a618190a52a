import { connect as netConnect, type Socket } from 'node:net';
import { MongoClient } from 'mongodb';
import { afterEach, describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { NetworkError, type Env } from '../base/env.ts';
import { MemoryFiles } from '../base/memory_files.ts';
import { ms } from '../base/units.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { COMMANDS, commandTableOf } from '../commands/command_table.ts';
import type { Command } from '../commands/context.ts';
import { PROCESS_ID, testServices, type TestServices } from '../../tests/support/test_services.ts';
import { hostEnv } from '../host/env.ts';
import { MessageFramer } from '../wire/framer.ts';
import { MSG_FLAG, type Message } from '../wire/message.ts';
import { parseMessage } from '../wire/parse.ts';
import { frameRequest } from '../wire/request.ts';
import { ClientServer } from './serve.ts';
import { PeerConnection } from './peer_connection.ts';
import { ObjectId } from 'bson';

const TIMEOUT = ms(5000);

/** Counts up, one reply after the other, to 3. */
const countCommand: Command = {
  name: 'count3',
  secondary: 'always',
  help: '',
  run: (_request, { stream }, reply) => {
    const made = stream?.replies ?? 0;
    reply.int32('made', made);
    if (stream !== undefined) stream.continues = made < 2;
  },
};

const bigCommand: Command = {
  name: 'big',
  secondary: 'always',
  help: '',
  run: (_request, _context, reply) => {
    reply.binData('data', 0, new Uint8Array(1024 * 1024));
  },
};

const laterCommand: Command = {
  name: 'later',
  secondary: 'always',
  help: '',
  run: async (_request, context, reply) => {
    await context.env.breathe();
    reply.int32('later', 1);
  },
};

const TABLE = commandTableOf([...COMMANDS, countCommand, bigCommand, laterCommand]);

const cleanups: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Fixture {
  readonly env: Env;
  readonly services: TestServices;
  readonly server: ClientServer;
  readonly address: string;
}

async function serve(): Promise<Fixture> {
  const env = hostEnv(new MemoryFiles());
  const services = testServices(env);
  const server = await ClientServer.listen({ services, bindAddresses: ['127.0.0.1'], port: 0, table: TABLE });
  cleanups.push(() => server.close());
  return { env, services, server, address: `127.0.0.1:${server.port}` };
}

async function peerOf({ env, address }: Fixture): Promise<PeerConnection> {
  const peer = await PeerConnection.connect(env, address, TIMEOUT);
  cleanups.push(() => peer.close());
  return peer;
}

function command(fields: object): Uint8Array {
  return encodeDocument({ ...fields, $db: 'admin' });
}

/** A client that sends any bytes. */
class RawClient {
  readonly #socket: Socket;
  readonly #framer = new MessageFramer();
  readonly #messages: Message[] = [];
  #wake = (): void => {};
  isClosed = false;

  constructor(port: number) {
    this.#socket = netConnect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => {
      this.#framer.push(new Uint8Array(chunk));
      for (let bytes = this.#framer.next(); bytes !== undefined; bytes = this.#framer.next()) {
        this.#messages.push(parseMessage(bytes));
      }
      this.#wake();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
    cleanups.push(() => void this.#socket.destroy());
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.isClosed) throw new Error('the connection is closed');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

function bodyOf(message: Message): Record<string, unknown> {
  return decodePlain(message.bytes, message.bodyStart);
}

async function until(env: Env, isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await env.breathe();
}

describe('the official driver', () => {
  test('connects and pings', async () => {
    const { address } = await serve();
    const client = new MongoClient(`mongodb://${address}/?directConnection=true&compressors=zlib`);
    cleanups.push(() => client.close());
    expect(await client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
    expect(await client.db('admin').command({ hello: 1 })).toMatchObject({ isWritablePrimary: true, ok: 1 });
  });

  test('gets errors as errors', async () => {
    const { address } = await serve();
    const client = new MongoClient(`mongodb://${address}/?directConnection=true`);
    cleanups.push(() => client.close());
    await expect(client.db('admin').command({ atlasVersion: 1 })).rejects.toMatchObject({ code: 59 });
  });
});

describe('a peer connection', () => {
  test('says hello as a member and answers requests in flight together', async () => {
    const fixture = await serve();
    const peer = await peerOf(fixture);
    expect(decodePlain(peer.hello)).toMatchObject({ isWritablePrimary: true });
    const replies = await Promise.all([
      peer.request(command({ later: 1 }), TIMEOUT),
      peer.request(command({ ping: 1 }), TIMEOUT),
    ]);
    expect(replies.map((reply) => decodePlain(reply)['later'])).toEqual([1, undefined]);
  });

  test('rejects an error reply with its CommandError', async () => {
    const peer = await peerOf(await serve());
    await expect(peer.request(command({ nope: 1 }), TIMEOUT)).rejects.toThrow(CommandError);
  });

  test('takes a stream of replies', async () => {
    const peer = await peerOf(await serve());
    const made: unknown[] = [];
    await peer.stream(command({ count3: 1 }), TIMEOUT, (body) => made.push(decodePlain(body)['made']) > 0);
    expect(made).toEqual([0, 1, 2]);
    expect(decodePlain(await peer.request(command({ ping: 1 }), TIMEOUT))['ok']).toBe(1);
  });

  test('reads nothing more while a reply is being thought about', async () => {
    const { env, ...rest } = await serve();
    const peer = await peerOf({ env, ...rest });
    const made: unknown[] = [];
    await peer.stream(command({ count3: 1 }), TIMEOUT, async (body) => {
      await env.breathe();
      made.push(decodePlain(body)['made']);
      return true;
    });
    expect(made).toEqual([0, 1, 2]);
  });

  test('fails with closed when the server goes', async () => {
    const fixture = await serve();
    const peer = await peerOf(fixture);
    const reply = peer.request(
      command({
        hello: 1,
        topologyVersion: { processId: new ObjectId(PROCESS_ID), counter: 6n },
        maxAwaitTimeMS: 60_000,
      }),
      TIMEOUT,
    );
    await until(fixture.env, () => fixture.services.test.replication.waitingForTopology > 0);
    fixture.server.close();
    await expect(reply).rejects.toMatchObject({ kind: 'closed' });
    expect(peer.isClosed).toBe(true);
  });

  test('fails with timeout when no reply comes', async () => {
    const peer = await peerOf(await serve());
    const wait = {
      hello: 1,
      topologyVersion: { processId: new ObjectId(PROCESS_ID), counter: 6n },
      maxAwaitTimeMS: 60_000,
    };
    await expect(peer.request(command(wait), ms(20))).rejects.toMatchObject({ kind: 'timeout' });
  });

  test('is refused at once where nobody listens', async () => {
    const { env, server, address } = await serve();
    server.close();
    const error: unknown = await PeerConnection.connect(env, address, TIMEOUT).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NetworkError);
    expect(error).toMatchObject({ kind: 'refused' });
  });
});

describe('a listener', () => {
  test('says that its port is taken', async () => {
    const { services, server } = await serve();
    const again = ClientServer.listen({ services, bindAddresses: ['127.0.0.1'], port: server.port });
    await expect(again).rejects.toMatchObject({ kind: 'addressInUse' });
  });
});

describe('a connection', () => {
  test('answers pipelined requests in order', async () => {
    const { server } = await serve();
    const client = new RawClient(server.port);
    const names = ['ping', 'later', 'ping', 'nope', 'later', 'ping'];
    client.send(
      Buffer.concat(names.map((name, index) => frameRequest(command({ [name]: 1 }), { requestId: index + 1 }))),
    );
    const answered: number[] = [];
    for (const _ of names) answered.push((await client.next()).responseTo);
    expect(answered).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('gets no reply to what wants none', async () => {
    const { server } = await serve();
    const client = new RawClient(server.port);
    client.send(frameRequest(command({ ping: 1 }), { requestId: 1, flags: MSG_FLAG.moreToCome }));
    client.send(frameRequest(command({ ping: 1 }), { requestId: 2 }));
    expect((await client.next()).responseTo).toBe(2);
  });

  test('that sends what is no message is closed, with one line, and others are not', async () => {
    const { server, services } = await serve();
    const good = new RawClient(server.port);
    const bad = new RawClient(server.port);
    bad.send(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'));
    await bad.closed();
    good.send(frameRequest(command({ ping: 1 }), { requestId: 1 }));
    expect(bodyOf(await good.next())['ok']).toBe(1);
    expect(services.test.lines.filter((line) => line.id === 8_000_110)).toHaveLength(1);
    expect(server.connectionCount).toBe(1);
  });

  test('answers a body that is no BSON and goes on', async () => {
    const { server } = await serve();
    const client = new RawClient(server.port);
    const broken = frameRequest(command({ ping: 1 }), { requestId: 1 });
    broken[25] = 0xee;
    client.send(broken);
    expect(bodyOf(await client.next())).toMatchObject({ ok: 0, code: 22 });
    client.send(frameRequest(command({ ping: 1 }), { requestId: 2 }));
    expect(bodyOf(await client.next())['ok']).toBe(1);
  });

  test('is not served further while its client does not read, and then is', async () => {
    const { server, env, services } = await serve();
    const client = new RawClient(server.port);
    client.pause();
    const count = 64;
    for (let i = 1; i <= count; i++) client.send(frameRequest(command({ big: 1 }), { requestId: i }));
    await until(env, () => services.server.opcounters.command > 0);
    for (let i = 0; i < 100; i++) await env.breathe();
    expect(services.server.opcounters.command).toBeLessThan(count);
    client.resume();
    let last = 0;
    for (let i = 0; i < count; i++) last = (await client.next()).responseTo;
    expect(last).toBe(count);
  });
});

describe('hello in a stream', () => {
  const wait = {
    hello: 1,
    topologyVersion: { processId: new ObjectId(PROCESS_ID), counter: 5n },
    maxAwaitTimeMS: 60_000,
  };

  test('answers at once when the client is behind, and again at every change, each reply to the one before', async () => {
    const { server, services, env } = await serve();
    const { replication } = services.test;
    const client = new RawClient(server.port);
    client.send(frameRequest(command(wait), { requestId: 1, flags: MSG_FLAG.exhaustAllowed }));
    const first = await client.next();
    expect([first.responseTo, first.moreToCome, bodyOf(first)['counter']]).toEqual([1, true, 6]);
    await until(env, () => replication.waitingForTopology > 0);
    replication.changeTopology();
    const second = await client.next();
    expect([second.responseTo, second.moreToCome, bodyOf(second)['counter']]).toEqual([first.requestId, true, 7]);
  });

  test('ends with the connection', async () => {
    const { server, services, env } = await serve();
    const client = new RawClient(server.port);
    client.send(frameRequest(command(wait), { requestId: 1, flags: MSG_FLAG.exhaustAllowed }));
    await client.next();
    await until(env, () => services.operations.count === 1);
    server.closeOnStateChange();
    await client.closed();
    await until(env, () => services.operations.count === 0);
    expect(services.server.connections.awaitingTopologyChanges).toBe(0);
  });
});
