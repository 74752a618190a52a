/**
 * A simulated application: one write after the other, with mixed write concerns, to whichever member says it is the
 * primary. Most clients do as a driver does and send a write again, as the same retryable write, when they do not know
 * what became of it; the others never do. Now and then they read from any member.
 */
import { CommandError } from '../base/command_error.ts';
import type { Env } from '../base/env.ts';
import { isRetriableError } from '../base/error_codes.ts';
import { ms, type Ms } from '../base/units.ts';
import { fieldName } from '../bson/bytes.ts';
import { encodeDocument } from '../bson/codec.ts';
import { ElementReader, findField } from '../bson/elements.ts';
import { isTruthy, numberOf, type RawValue } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { PeerConnection } from '../member/peer_connection.ts';
import type { History, Promised } from './history.ts';
import { Reader } from './reads.ts';
import type { SeededRandom } from './seeded_random.ts';
import { SIM_DATABASE, Workload, type Operation, type OperationReply } from './workload.ts';

const CONNECT_TIMEOUT = ms(500);
const REQUEST_TIMEOUT = ms(5_000);
const RETRIES_MAX = 15;

/** How often an acknowledged write is followed by a read. */
const READ_CHANCE = 0.3;

const IS_PRIMARY = fieldName('isWritablePrimary');
const N = fieldName('n');
const WRITE_ERRORS = fieldName('writeErrors');
const WRITE_CONCERN_ERROR = fieldName('writeConcernError');
const INDEX = fieldName('index');

const WRITE_CONCERNS: Readonly<Record<Promised, Uint8Array>> = {
  one: encodeDocument({ w: 1 }),
  journaled: encodeDocument({ w: 1, j: true }),
  majority: encodeDocument({ w: 'majority', wtimeout: 4_000 }),
};

export interface ClientOptions {
  readonly env: Env;
  readonly random: SeededRandom;
  readonly history: History;
  readonly addresses: readonly string[];
  readonly number: number;
  /** Longest pause between two writes. */
  readonly thinkMsMax: number;
  /** Whether it repeats writes of unknown outcome. */
  readonly isRetrying: boolean;
  /** Of its writes, those that wait for a majority. */
  readonly majorityShare: number;
  /** Whether some of its inserts are large. */
  readonly hasBulks: boolean;
}

export class SimClient {
  readonly #options: ClientOptions;
  readonly #workload: Workload;
  readonly #reader: Reader;
  readonly #sessionId: Uint8Array;
  #connection: PeerConnection | undefined;
  #isStopping = false;
  #txnNumber = 0;

  constructor(options: ClientOptions) {
    const { random, history, number: client, majorityShare, hasBulks, env } = options;
    this.#options = options;
    this.#workload = new Workload({
      random,
      history,
      client,
      majorityShare,
      hasBulks,
      now: () => env.clock.monotonic(),
    });
    this.#reader = new Reader(options);
    this.#sessionId = new BsonWriter().startDocument().binData('id', 4, random.bytes(16)).endDocument().finish();
  }

  /** Writes until stopped; resolves after the last write. */
  async run(): Promise<void> {
    const { random, thinkMsMax, number } = this.#options;
    if (number === 1) await this.#createIndexes();
    while (!this.#isStopping) {
      await this.#runOperation();
      await this.#pause(random.between(0, thinkMsMax));
    }
    this.#connection?.close();
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** Runs a command, `$db` included, on the primary; rejects when there is none now or it fails. */
  async command(command: Uint8Array, timeout: Ms): Promise<Uint8Array> {
    const connection = await this.#primary();
    if (connection === undefined) throw new CommandError('NotWritablePrimary', 'no member says it is the primary');
    try {
      return await connection.request(command, timeout);
    } catch (error) {
      // Whatever it was, the next one may be answered by somebody else.
      connection.close();
      if (this.#connection === connection) this.#connection = undefined;
      throw error;
    }
  }

  async #createIndexes(): Promise<void> {
    for (const body of Workload.indexes()) {
      // Without them a run is poorer, not wrong.
      await this.command(this.#complete(body, 'one', undefined), REQUEST_TIMEOUT).catch(() => undefined);
    }
  }

  async #runOperation(): Promise<void> {
    const { isRetrying, random } = this.#options;
    if ((await this.#primary()) === undefined) return await this.#pause(random.between(50, 500));
    const operation = this.#workload.next();
    const { body, promised, isRetryable } = operation;
    const isRetried = isRetrying && isRetryable;
    const command = this.#complete(body, promised, isRetried ? ++this.#txnNumber : undefined);
    for (let attempt = 0; attempt <= (isRetried ? RETRIES_MAX : 0); attempt++) {
      if (attempt > 0) await this.#beforeRetry(operation);
      try {
        const reply = await this.command(command, REQUEST_TIMEOUT);
        this.#workload.settle(operation, readReply(reply));
        await this.#maybeRead(operation, reply);
        return;
      } catch (error) {
        // The write may be done or not.
        if (error instanceof CommandError && !isRetriableError(error.code)) return;
      }
    }
  }

  async #beforeRetry({ records }: Operation): Promise<void> {
    for (const record of records) record.wasRetried = true;
    await this.#pause(this.#options.random.between(20, 800));
  }

  #complete(body: Uint8Array, promised: Promised, txnNumber: number | undefined): Uint8Array {
    const writer = new BsonWriter().startDocument().fieldsOf(body);
    writer.document('writeConcern', WRITE_CONCERNS[promised]).document('lsid', this.#sessionId);
    if (txnNumber !== undefined) writer.int64('txnNumber', txnNumber);
    return writer.string('$db', SIM_DATABASE).endDocument().finish();
  }

  async #maybeRead({ records: [record], key }: Operation, reply: Uint8Array): Promise<void> {
    const { random, addresses } = this.#options;
    if (!random.chance(READ_CHANCE)) return;
    const primary = this.#connection?.address ?? addresses[0] ?? '';
    const address = random.chance(0.5) ? primary : random.pick(addresses);
    const isCertain = record?.outcome === 'acknowledged' && record.promised === 'majority';
    if (isCertain && record.kind === 'insert') await this.#reader.readBack(address, record, reply);
    else await this.#reader.readList(address, key ?? this.#workload.pushKey());
  }

  #pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.env.timers.after(ms(durationMs), resolve);
    });
  }

  async #primary(): Promise<PeerConnection | undefined> {
    if (this.#connection !== undefined && !this.#connection.isClosed) return this.#connection;
    const { env, addresses, random } = this.#options;
    for (const address of random.shuffled(addresses)) {
      const connection = await PeerConnection.connect(env, address, CONNECT_TIMEOUT).catch(() => undefined);
      if (connection === undefined) continue;
      const isPrimary = findField(connection.hello, IS_PRIMARY);
      if (isPrimary !== undefined && isTruthy(isPrimary)) {
        this.#connection = connection;
        return connection;
      }
      connection.close();
    }
    return undefined;
  }
}

function readReply(reply: Uint8Array): OperationReply {
  const n = findField(reply, N);
  const errors = findField(reply, WRITE_ERRORS);
  return {
    n: n === undefined ? undefined : numberOf(n),
    firstError: errors === undefined ? undefined : indexOfFirst(errors),
    hasWriteConcernError: findField(reply, WRITE_CONCERN_ERROR) !== undefined,
  };
}

function indexOfFirst(errors: RawValue): number {
  const reader = new ElementReader(errors.bytes, errors.start);
  const index = reader.next() ? findField(reader.bytes, INDEX, reader.start) : undefined;
  return index === undefined ? 0 : numberOf(index);
}
