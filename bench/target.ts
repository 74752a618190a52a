/** A server under test: a replica set found through any of its members. All work goes to the primary. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'bson';
import { Connection, parseAddress, type Address } from './connection.ts';
import { ReplyError, type Reply } from './wire.ts';

export const DATABASE = 'bench';
const PRIMARY_WAIT_MS = 30_000;
const SETTLE_TIMEOUT_MS = 120_000;
const NAMESPACE_NOT_FOUND = 26;

export class Target {
  readonly name: string;
  /** Collections that are loaded already; kept by data.ts. */
  readonly loaded = new Set<string>();
  readonly #seed: Address;
  #control: Connection | undefined;
  #version = '';

  /** `seed` is 'HOST:PORT' of any member. */
  constructor(name: string, seed: string) {
    this.name = name;
    this.#seed = parseAddress(seed);
  }

  /** Finds the primary anew and keeps a control connection to it. Waits for an election that is under way. */
  async refresh(): Promise<void> {
    this.#control?.close();
    this.#control = await connectToPrimary(this.#seed, performance.now() + PRIMARY_WAIT_MS);
    if (this.#version === '') this.#version = String((await this.command({ buildInfo: 1 }, 'admin'))['version']);
  }

  get #primary(): Connection {
    if (this.#control === undefined) throw new Error(`${this.name} was not connected to yet`);
    return this.#control;
  }

  /** What the report says about the server. */
  describe(): Document {
    const { hosts = [], primary, setName = null } = this.#primary.hello;
    const secondaries = hosts.filter((host: string) => host !== primary);
    return { name: this.name, version: this.#version, setName, primary: this.#primary.address, secondaries };
  }

  /** Runs a command on the control connection; rejects unless its reply is ok without write errors. */
  command(body: Document, db = DATABASE): Promise<Reply> {
    return this.#primary.command(db, body);
  }

  openConnections(count: number): Promise<Connection[]> {
    return Connection.openAll(parseAddress(this.#primary.address), count);
  }

  /** Drops a collection on a majority; that it is not there is fine. */
  async drop(collection: string): Promise<void> {
    try {
      await this.command({ drop: collection, writeConcern: { w: 'majority' } });
    } catch (error) {
      if (!(error instanceof ReplyError) || error.code !== NAMESPACE_NOT_FOUND) throw error;
    }
  }

  /** An empty collection of that name, on a majority. */
  async recreate(collection: string): Promise<void> {
    await this.drop(collection);
    await this.command({ create: collection, writeConcern: { w: 'majority' } });
  }

  /**
   * Waits until every data-bearing member has applied all writes, so that one row's backlog is not paid for by the
   * next row. Resolves to how long that took, in ms.
   */
  async settle(): Promise<number> {
    const { hosts = [], passives = [] } = this.#primary.hello;
    const started = performance.now();
    const mark = { q: { _id: 'settle' }, u: { $inc: { n: 1 } }, upsert: true };
    const writeConcern = { w: Math.max(1, hosts.length + passives.length), wtimeout: SETTLE_TIMEOUT_MS };
    await this.command({ update: 'marks', updates: [mark], writeConcern });
    return performance.now() - started;
  }

  async dropDatabase(): Promise<void> {
    await this.command({ dropDatabase: 1, writeConcern: { w: 'majority' } });
  }

  close(): void {
    this.#control?.close();
  }
}

async function connectToPrimary(seed: Address, deadline: number): Promise<Connection> {
  const connection = await Connection.open(seed);
  const { isWritablePrimary, primary } = connection.hello;
  if (isWritablePrimary === true) return connection;
  connection.close();
  if (performance.now() > deadline) throw new Error(`${seed.host}:${seed.port} knows of no primary`);
  await sleep(100);
  return connectToPrimary(typeof primary === 'string' ? parseAddress(primary) : seed, deadline);
}
