/** For tests: commands over data in memory, sent as messages and answered with decoded replies. */
import { COMMANDS, commandTableOf } from '../../src/commands/command_table.ts';
import type { ClientState } from '../../src/commands/context.ts';
import { Dispatcher } from '../../src/commands/dispatch.ts';
import type { Exchange } from '../../src/commands/exchange.ts';
import { decodePlain, encodeDocument } from '../../src/bson/codec.ts';
import { TestData } from '../../src/database/test_support.ts';
import { parseMessage } from '../../src/wire/parse.ts';
import { frameRequest, type RequestFrame } from '../../src/wire/request.ts';
import { testServices, type TestServices } from './test_services.ts';

const TABLE = commandTableOf(COMMANDS);

export type Reply = Readonly<Record<string, unknown>>;

export class TestCommands {
  readonly member: TestData;
  readonly services: TestServices;
  readonly #dispatcher: Dispatcher;

  static async open(): Promise<TestCommands> {
    return new TestCommands(await TestData.open());
  }

  private constructor(member: TestData) {
    this.member = member;
    this.services = { ...testServices(member.env), data: member.data };
    this.#dispatcher = new Dispatcher(this.services, TABLE);
  }

  /** Runs a command to its reply, shown without times and without what only a primary adds. `$db` is 'db' unless given. */
  run(command: object): Promise<Reply> {
    return this.start(command).done;
  }

  /** For commands that wait: what has begun, and its reply when there is one. */
  start(
    command: object,
    sequences: NonNullable<RequestFrame['sequences']> = [],
  ): { readonly exchange: Exchange; readonly done: Promise<Reply> } {
    const body = encodeDocument({ ...command, ...('$db' in command ? {} : { $db: 'db' }) });
    const exchange = this.#dispatcher.open(parseMessage(frameRequest(body, { requestId: 1, sequences })), client());
    const waiting = this.#dispatcher.run(exchange);
    return { exchange, done: (waiting ?? Promise.resolve()).then(() => replyOf(exchange)) };
  }
}

function replyOf(exchange: Exchange): Reply {
  if (exchange.reply === undefined) return {};
  const message = parseMessage(exchange.reply);
  const whole = decodePlain(message.bytes, message.bodyStart);
  const { $clusterTime: _1, operationTime: _2, opTime: _3, electionId: _4, ...reply } = whole;
  return reply;
}

function client(): ClientState {
  return {
    id: 1,
    remoteAddress: 'a:1',
    localAddress: 'b:2',
    metadata: undefined,
    knowsHello: true,
    saidHello: true,
    isInternal: false,
    hangUpOnStepDown: true,
    compresses: false,
    isClosed: false,
    onClosed: () => () => {},
  };
}
