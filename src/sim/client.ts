/**
 * A simulated application: one write after the other, with mixed write concerns, to whichever member says it is the
 * primary. It never repeats a write, so what it was not told stays unknown.
 */
import type { Env } from '../base/env.ts';
import { ms, type Ms } from '../base/units.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { PeerConnection } from '../member/peer_connection.ts';
import type { History, Outcome, Promised, WriteRecord } from './history.ts';
import type { SeededRandom } from './seeded_random.ts';

export const SIM_DATABASE = 'sim';
export const INSERTS = 'inserts';
export const PUSHES = 'pushes';

const CONNECT_TIMEOUT = ms(500);
const REQUEST_TIMEOUT = ms(5_000);
const PUSH_KEYS = 20;

export interface ClientOptions {
  readonly env: Env;
  readonly random: SeededRandom;
  readonly history: History;
  readonly addresses: readonly string[];
  readonly number: number;
  /** Longest pause between two writes. */
  readonly thinkMsMax: number;
}

export class SimClient {
  readonly #options: ClientOptions;
  #connection: PeerConnection | undefined;
  #isStopping = false;
  #next = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Writes until stopped; resolves after the last write. */
  async run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#writeOnce();
      await this.#pause(ms(this.#options.random.between(0, this.#options.thinkMsMax)));
    }
    this.#connection?.close();
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** Runs a command on the primary; rejects when there is none now or it fails. */
  async command(command: Readonly<Record<string, unknown>>, timeout: Ms): Promise<Readonly<Record<string, unknown>>> {
    const connection = await this.#primary();
    if (connection === undefined) throw new Error('no member says it is the primary');
    try {
      return decodePlain(await connection.request(encodeDocument(command), timeout));
    } catch (error) {
      this.#leave(connection);
      throw error;
    }
  }

  async #writeOnce(): Promise<void> {
    const { history, random, env, number } = this.#options;
    if ((await this.#primary()) === undefined) return this.#pause(ms(random.between(10, 100)));
    const token = number * 1_000_000 + this.#next++;
    const isInsert = random.chance(0.6);
    const record = history.begin({
      kind: isInsert ? 'insert' : 'push',
      id: isInsert ? token : random.below(PUSH_KEYS),
      token,
      promised: random.pick<Promised>(['one', 'journaled', 'majority', 'majority']),
      sentAtMs: env.clock.monotonic(),
    });
    try {
      record.outcome = outcomeOf(await this.command(commandOf(record), REQUEST_TIMEOUT));
    } catch {
      // An error or silence: the write may be done or not. The connection was given up.
      record.outcome = 'unknown';
    }
  }

  #pause(duration: Ms): Promise<void> {
    return new Promise((resolve) => {
      this.#options.env.timers.after(duration, resolve);
    });
  }

  #leave(connection: PeerConnection): void {
    connection.close();
    if (this.#connection === connection) this.#connection = undefined;
  }

  async #primary(): Promise<PeerConnection | undefined> {
    if (this.#connection !== undefined && !this.#connection.isClosed) return this.#connection;
    const { env, addresses, random } = this.#options;
    for (const address of random.shuffled(addresses)) {
      const connection = await PeerConnection.connect(env, address, CONNECT_TIMEOUT).catch(() => undefined);
      if (connection === undefined) continue;
      const hello = decodePlain(connection.hello);
      if (hello['isWritablePrimary'] === true) {
        this.#connection = connection;
        return connection;
      }
      connection.close();
    }
    return undefined;
  }
}

function commandOf(record: WriteRecord): Record<string, unknown> {
  const writeConcern = { one: { w: 1 }, journaled: { w: 1, j: true }, majority: { w: 'majority', wtimeout: 4_000 } }[
    record.promised
  ];
  if (record.kind === 'insert') {
    const document = { _id: record.id, n: record.token };
    return { insert: INSERTS, documents: [document], writeConcern, $db: SIM_DATABASE };
  }
  const update = { q: { _id: record.id }, u: { $push: { tokens: record.token } }, upsert: true };
  return { update: PUSHES, updates: [update], writeConcern, $db: SIM_DATABASE };
}

/** Of a reply that is ok; its write errors mean that nothing was written. */
function outcomeOf(reply: Readonly<Record<string, unknown>>): Outcome {
  if (reply['writeErrors'] !== undefined) return 'refused';
  return reply['writeConcernError'] === undefined && reply['n'] === 1 ? 'acknowledged' : 'unknown';
}
