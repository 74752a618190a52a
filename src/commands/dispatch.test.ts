import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { InvariantError } from '../base/invariant.ts';
import { timestampOf, type Term } from '../base/optime.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { MEMBER_STATE } from '../replication/member_state.ts';
import { parseMessage } from '../wire/parse.ts';
import { frameRequest } from '../wire/request.ts';
import { MSG_FLAG } from '../wire/message.ts';
import { Binary, Timestamp } from 'bson';
import { commandTableOf, COMMANDS } from './command_table.ts';
import type { ClientState, Command } from './context.ts';
import { Dispatcher } from './dispatch.ts';
import { testServices, type TestServices } from '../../tests/support/test_services.ts';

const UUID = new Binary(new Uint8Array(16), 4);

const readCommand: Command = {
  name: 'read',
  secondary: 'optIn',
  readConcerns: ['majority'],
  help: '',
  run: (_request, _context, reply) => {
    reply.int32('read', 1);
  },
};

const writeCommand: Command = {
  name: 'write',
  secondary: 'never',
  isWrite: true,
  isRetryableWrite: true,
  help: '',
  run: (_request, _context, reply) => {
    reply.int32('n', 1);
  },
};

const failCommand: Command = {
  name: 'fail',
  secondary: 'always',
  isWrite: true,
  isRetryableWrite: true,
  help: '',
  run: (_request, _context, reply) => {
    reply.int32('n', 1);
    throw new CommandError('DuplicateKey', 'twice', { keyPattern: { a: 1 } });
  },
};

const bugCommand: Command = {
  name: 'bug',
  secondary: 'always',
  help: '',
  run: () => {
    throw new InvariantError('broken');
  },
};

const laterCommand: Command = {
  name: 'later',
  secondary: 'always',
  help: '',
  run: async (_request, context, reply) => {
    await context.orInterrupted(new Promise<void>(() => {}));
    reply.int32('later', 1);
  },
};

const TABLE = commandTableOf([...COMMANDS, readCommand, writeCommand, failCommand, bugCommand, laterCommand]);

function clientOf(): ClientState {
  return {
    id: 1,
    remoteAddress: 'a:1',
    localAddress: 'b:2',
    metadata: undefined,
    knowsHello: true,
    saidHello: false,
    isInternal: false,
    hangUpOnStepDown: true,
    compresses: false,
    isClosed: false,
    onClosed: () => () => {},
  };
}

class Client {
  readonly services: TestServices;
  readonly #dispatcher: Dispatcher;
  readonly #state: ClientState;

  constructor() {
    this.services = testServices();
    this.#dispatcher = new Dispatcher(this.services, TABLE);
    this.#state = clientOf();
  }

  /** The reply without the times. */
  async run(command: object, flags = 0): Promise<Record<string, unknown>> {
    const { $clusterTime: _, operationTime: __, ...reply } = await this.whole(command, flags);
    return reply;
  }

  async whole(command: object, flags = 0): Promise<Record<string, unknown>> {
    const body = encodeDocument({ ...command, ...('$db' in command ? {} : { $db: 'test' }) });
    const exchange = this.#dispatcher.open(parseMessage(frameRequest(body, { requestId: 1, flags })), this.#state);
    await this.#dispatcher.run(exchange);
    if (exchange.reply === undefined) return {};
    const message = parseMessage(exchange.reply);
    return decodePlain(message.bytes, message.bodyStart);
  }
}

describe('a request', () => {
  test('is answered with ok, the cluster time and the operation time', async () => {
    const client = new Client();
    client.services.test.lastWritten = { ts: timestampOf(100, 3), t: 1 as Term };
    const reply = await client.whole({ ping: 1 });
    expect(Object.keys(reply)).toEqual(['ok', '$clusterTime', 'operationTime']);
    expect(reply['operationTime']).toEqual(new Timestamp({ t: 100, i: 3 }));
  });

  test('moves the clock to the cluster time it carries', async () => {
    const client = new Client();
    const clusterTime = new Timestamp({ t: 1_700_000_000, i: 5 });
    await client.run({ ping: 1, $clusterTime: { clusterTime } });
    expect(client.services.data.clock.now).toBe(timestampOf(1_700_000_000, 5));
  });

  test('does not move the clock to a time that is a year ahead', async () => {
    const client = new Client();
    const clusterTime = new Timestamp({ t: 1_800_000_000, i: 5 });
    expect(await client.run({ ping: 1, $clusterTime: { clusterTime } })).toMatchObject({ ok: 0, code: 205 });
    expect(client.services.data.clock.now).toBe(0);
  });

  test('gets no reply when it wants none', async () => {
    expect(await new Client().whole({ ping: 1 }, MSG_FLAG.moreToCome)).toEqual({});
  });

  const refusals: readonly (readonly [name: string, command: object, reply: object])[] = [
    ['an unknown command', { filter: {}, find: 'c' }, { code: 59, errmsg: "no such command: 'filter'" }],
    ['a command in other case', { PING: 1 }, { code: 59, errmsg: "no such command: 'PING'" }],
    [
      'an admin command elsewhere',
      { getParameter: 1, logLevel: 1 },
      { code: 13, errmsg: 'getParameter may only be run against the admin database.' },
    ],
    [
      'a dot in the database name',
      { ping: 1, $db: 'a.b' },
      { code: 73, errmsg: "'.' is an invalid character in the database name: a.b" },
    ],
    ['a space in the database name', { ping: 1, $db: 'a b' }, { code: 73, errmsg: "Invalid database name: 'a b'" }],
    ['a negative maxTimeMS', { ping: 1, maxTimeMS: -1 }, { code: 2, errmsg: '-1 value for maxTimeMS is out of range' }],
    [
      'a txnNumber without session',
      { write: 1, txnNumber: 1n },
      { code: 72, errmsg: 'Transaction number requires a session ID to also be specified' },
    ],
    [
      'a txnNumber that is no long',
      { write: 1, txnNumber: 1, lsid: { id: UUID } },
      { code: 14, errmsg: "BSON field 'OperationSessionInfo.txnNumber' is the wrong type 'int', expected type 'long'" },
    ],
    ['a txnNumber on a read', { read: 1, txnNumber: 1n, lsid: { id: UUID } }, { code: 50_768 }],
    [
      'a transaction',
      { read: 1, txnNumber: 1n, lsid: { id: UUID }, autocommit: false, startTransaction: true },
      { code: 238 },
    ],
    [
      'a write concern on a read',
      { read: 1, writeConcern: { w: 1 } },
      { code: 72, errmsg: 'Command does not support writeConcern' },
    ],
    ['a malformed write concern', { write: 1, writeConcern: { w: -1 } }, { code: 9 }],
    [
      'a read concern on a write',
      { write: 1, readConcern: { level: 'majority' } },
      {
        code: 72,
        errmsg:
          'Command write does not support { readConcern: { level: "majority", provenance: "clientSupplied" } } ' +
          ':: caused by :: read concern not supported',
      },
    ],
    ['an API version of its own', { ping: 1, apiVersion: '3' }, { code: 322, errmsg: 'API version must be "1"' }],
    ['a command outside the API', { whatsmyuri: 1, apiVersion: '1', apiStrict: true }, { code: 323 }],
    ['an lsid without id', { ping: 1, lsid: {} }, { code: 40_414 }],
    ['a read preference without mode', { ping: 1, $readPreference: {} }, { code: 4 }],
  ];

  test.each(refusals)('is refused with %s', async (_name, command, reply) => {
    expect(await new Client().run(command)).toMatchObject({ ok: 0, ...reply });
  });

  test('without $db is refused', async () => {
    expect(await new Client().run({ ping: 1, $db: undefined })).toMatchObject({ ok: 0, code: 40_571 });
  });
});

describe('a member that is not primary', () => {
  function secondary(): Client {
    const client = new Client();
    client.services.test.replication.core.isWritablePrimary = false;
    client.services.test.replication.core.memberState = MEMBER_STATE.SECONDARY;
    return client;
  }

  test('refuses writes and tells its topology version', async () => {
    const reply = await secondary().run({ write: 1 });
    expect(Object.keys(reply)).toEqual(['topologyVersion', 'ok', 'errmsg', 'code', 'codeName']);
    expect(reply).toMatchObject({ ok: 0, errmsg: 'not primary', code: 10_107, codeName: 'NotWritablePrimary' });
  });

  test('labels a refused retryable write', async () => {
    const reply = await secondary().run({ write: 1, txnNumber: 1n, lsid: { id: UUID } });
    expect(reply['errorLabels']).toEqual(['RetryableWriteError']);
  });

  test('reads only for clients that accept a secondary', async () => {
    const client = secondary();
    expect(await client.run({ read: 1 })).toMatchObject({ code: 13_435 });
    expect(await client.run({ read: 1, $readPreference: { mode: 'nearest' } })).toEqual({ read: 1, ok: 1 });
    expect(await client.run({ read: 1, $db: 'local' })).toEqual({ read: 1, ok: 1 });
  });

  test('answers what is allowed always', async () => {
    expect(await secondary().run({ ping: 1 })).toEqual({ ok: 1 });
  });

  test('does not read while it recovers or is no member', async () => {
    const client = secondary();
    const read = { read: 1, $readPreference: { mode: 'nearest' } };
    client.services.test.replication.core.memberState = MEMBER_STATE.RECOVERING;
    expect(await client.run(read)).toMatchObject({ code: 13_436, errmsg: 'node is recovering' });
    client.services.test.replication.core.memberState = MEMBER_STATE.REMOVED;
    expect(await client.run(read)).toMatchObject({
      code: 13_436,
      errmsg: 'node is not in primary or recovering state',
    });
  });
});

describe('a write', () => {
  test('shows a write concern that cannot be satisfied beside its result', async () => {
    const client = new Client();
    client.services.test.replication.outcome = {
      kind: 'failed',
      code: 100,
      codeName: 'UnsatisfiableWriteConcern',
      errmsg: 'Not enough data-bearing nodes',
      isTimeout: false,
    };
    expect(await client.run({ write: 1, writeConcern: { w: 4 } })).toEqual({
      n: 1,
      ok: 1,
      writeConcernError: {
        code: 100,
        codeName: 'UnsatisfiableWriteConcern',
        errmsg: 'Not enough data-bearing nodes',
        errInfo: { writeConcern: { w: 4, wtimeout: 0, provenance: 'clientSupplied' } },
      },
    });
  });

  test('with w:0 tells only that it arrived', async () => {
    expect(await new Client().run({ write: 1, writeConcern: { w: 0 } })).toEqual({ ok: 1 });
  });

  test('that fails shows the details of its error and nothing of what it had written', async () => {
    expect(await new Client().run({ fail: 1 })).toEqual({
      ok: 0,
      errmsg: 'twice',
      code: 11_000,
      codeName: 'DuplicateKey',
      keyPattern: { a: 1 },
    });
  });
});

describe('an operation', () => {
  test('that waits can be interrupted', async () => {
    const client = new Client();
    const reply = client.run({ later: 1 });
    const count = client.services.operations.interruptAll(new CommandError('Interrupted', 'operation was interrupted'));
    expect(count).toBe(1);
    expect(await reply).toMatchObject({ ok: 0, code: 11_601 });
    expect(client.services.operations.count).toBe(0);
  });

  test('that breaks an invariant is not answered', async () => {
    await expect(new Client().run({ bug: 1 })).rejects.toThrow(InvariantError);
  });
});

describe('hello', () => {
  test('refuses half of an awaitable request', async () => {
    const client = new Client();
    expect(await client.run({ hello: 1, maxAwaitTimeMS: 100 })).toMatchObject({ code: 31_368 });
    expect(await client.run({ hello: 1 }, MSG_FLAG.exhaustAllowed)).toMatchObject({ code: 51_756 });
  });

  test('takes client metadata once', async () => {
    const client = new Client();
    const hello = { hello: 1, client: { driver: { name: 'x', version: '1' }, os: { type: 'Linux' } } };
    expect(await client.run(hello)).toMatchObject({ ok: 1 });
    expect(await client.run(hello)).toMatchObject({ ok: 0, code: 186 });
  });

  test('agrees on zlib only', async () => {
    expect((await new Client().run({ hello: 1, compression: ['snappy', 'zlib'] }))['compression']).toEqual(['zlib']);
    expect(await new Client().run({ hello: 1, compression: ['snappy'] })).not.toHaveProperty('compression');
  });
});

describe('parameters', () => {
  test('are read and changed', async () => {
    const client = new Client();
    expect(await client.run({ getParameter: 1, logLevel: 1, $db: 'admin' })).toEqual({ logLevel: 0, ok: 1 });
    expect(await client.run({ setParameter: 1, logLevel: 2, $db: 'admin' })).toEqual({ was: 0, ok: 1 });
    expect(await client.run({ getParameter: 1, logLevel: 1, $db: 'admin' })).toEqual({ logLevel: 2, ok: 1 });
  });

  test('that do not exist are errors', async () => {
    const client = new Client();
    expect(await client.run({ getParameter: 1, nope: 1, $db: 'admin' })).toMatchObject({ ok: 0, code: 72 });
    expect(await client.run({ setParameter: 1, nope: 1, $db: 'admin' })).toMatchObject({ ok: 0, code: 72 });
  });
});

describe('commands about the server', () => {
  test.each([
    [{ serverStatus: 1 }],
    [{ hostInfo: 1 }],
    [{ getCmdLineOpts: 1 }],
    [{ connectionStatus: 1 }],
    [{ buildInfo: 1 }],
    [{ listCommands: 1 }],
    [{ getLog: '*' }],
    [{ getLog: 'startupWarnings' }],
    [{ currentOp: 1 }],
    [{ killOp: 1, op: 7 }],
    [{ whatsmyuri: 1 }],
  ])('answer: %j', async (command) => {
    expect(await new Client().run({ ...command, $db: 'admin' })).toMatchObject({ ok: 1 });
  });
});

describe('failCommand', () => {
  function testClient(): Client {
    const client = new Client();
    client.services.server.parameters.setAtStartup('enableTestCommands', 'true');
    return client;
  }
  const configure = { configureFailPoint: 'failCommand', $db: 'admin' };

  test('does not exist outside of tests', async () => {
    expect(await new Client().run({ ...configure, mode: 'off' })).toMatchObject({ ok: 0, code: 59 });
  });

  test('fails the named commands as often as it was told', async () => {
    const client = testClient();
    const data = { failCommands: ['write'], errorCode: 91, errorLabels: ['Own'] };
    expect(await client.run({ ...configure, mode: { times: 2 }, data })).toEqual({ count: 0, ok: 1 });
    expect(await client.run({ ping: 1 })).toEqual({ ok: 1 });
    expect(await client.run({ write: 1 })).toMatchObject({ ok: 0, code: 91, errorLabels: ['Own'] });
    expect(await client.run({ write: 1 })).toMatchObject({ ok: 0, code: 91 });
    expect(await client.run({ write: 1 })).toEqual({ n: 1, ok: 1 });
  });

  test('can add a write concern error to what was done', async () => {
    const client = testClient();
    const writeConcernError = { code: 91, errmsg: 'Replication is being shut down' };
    await client.run({ ...configure, mode: 'alwaysOn', data: { failCommands: ['write'], writeConcernError } });
    expect(await client.run({ write: 1 })).toEqual({ n: 1, ok: 1, writeConcernError });
  });

  test('can take the reply away', async () => {
    const client = testClient();
    await client.run({ ...configure, mode: 'alwaysOn', data: { failCommands: ['write'], closeConnection: true } });
    expect(await client.run({ write: 1 })).toEqual({});
  });
});
