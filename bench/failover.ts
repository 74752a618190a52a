/**
 * P9, P9c and P10: how long a set takes no majority writes after its primary is killed or steps down, and how long three fresh
 * processes take to their first majority write. A writer inserts with w: majority, one in flight, and asks every member for the
 * primary while there is none; in the end each acknowledged _id must be on each member.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'bson';
import { ReplicaSet, type RunningSet } from './built_set.ts';
import { Connection, parseAddress } from './connection.ts';
import type { Result } from './load.ts';
import type { ReportedRow } from './report.ts';

const COLLECTION = 'failover';
const DATABASE = 'bench';
const ASK_EVERY_MS = 2;
const SUSPICIOUS_AFTER_MS = 50;
const STATE_EVERY_MS = 25;

export const KILL_ROW: ReportedRow = {
  name: 'P9',
  title: 'kill -9 of the primary → next majority write',
  aim: '300 ms',
  metrics: [{ key: 'ms', unit: 'ms', better: 'lower' }],
};

export const STEP_DOWN_ROW: ReportedRow = {
  name: 'P9c',
  title: 'replSetStepDown → next majority write',
  metrics: [{ key: 'ms', unit: 'ms', better: 'lower' }],
};

export const START_ROW: ReportedRow = {
  name: 'P10',
  title: 'three processes started → first majority write, new data',
  aim: '1,500 ms',
  metrics: [{ key: 'ms', unit: 'ms', better: 'lower' }],
};

/** One figure per round, in ms. */
export async function measureStart(rounds: number): Promise<Result[]> {
  const results: Result[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    const set = await ReplicaSet.start({ members: 3 });
    try {
      const writer = new Writer(set);
      await writer.write();
      results.push({ ms: performance.now() - started });
      writer.close();
    } finally {
      await set.stop();
    }
  }
  return results;
}

/** Kills the primary `rounds` times, restarting it each time. Rejects when an acknowledged write is missing anywhere. */
export function measureKill(rounds: number): Promise<Result[]> {
  return measureFault(rounds, async (set) => {
    const primary = await set.primary();
    const started = performance.now();
    await primary.kill();
    return started;
  });
}

export function measureStepDown(rounds: number): Promise<Result[]> {
  return measureFault(rounds, async (set) => {
    const primary = await set.primary();
    const connection = await Connection.open(parseAddress(primary.address));
    const started = performance.now();
    await connection.command('admin', { replSetStepDown: 60 });
    await connection.command('admin', { replSetFreeze: 0 });
    connection.close();
    return started;
  });
}

type Fault = (set: RunningSet) => Promise<number>;

async function measureFault(rounds: number, inject: Fault): Promise<Result[]> {
  const set = await ReplicaSet.start({ members: 3 });
  const results: Result[] = [];
  const writer = new Writer(set);
  try {
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < 20; i++) await writer.write();
      const running = writer.writeUntilStopped();
      const before = writer.lastAck;
      const started = await inject(set);
      while (writer.lastAck.member === before.member) await sleep(1);
      results.push({ ms: writer.lastAck.firstAt - started });
      writer.stop();
      await running;
      await set.restartDeadMembers();
      await writer.write(3);
    }
    await checkNothingLost(set, writer.acknowledged);
    return results;
  } finally {
    writer.close();
    await set.stop();
  }
}

/** When a member acknowledged for the first time since another did. */
interface Ack {
  readonly member: string;
  readonly firstAt: number;
}

class Writer {
  /** _ids of acknowledged inserts. */
  readonly acknowledged: number[] = [];
  lastAck: Ack = { member: '', firstAt: 0 };
  readonly #set: RunningSet;
  #connection: Connection | undefined;
  #next = 0;
  #isStopping = false;

  constructor(set: RunningSet) {
    this.#set = set;
  }

  async writeUntilStopped(): Promise<void> {
    this.#isStopping = false;
    while (!this.#isStopping) await this.write();
  }

  stop(): void {
    this.#isStopping = true;
  }

  close(): void {
    this.#connection?.close();
  }

  /** Inserts one document; on failure another, until one is acknowledged. */
  async write(w: number | 'majority' = 'majority'): Promise<void> {
    for (;;) {
      const connection = this.#connection ?? (await this.#findPrimary());
      this.#connection = connection;
      const _id = this.#next++;
      const isAcknowledged = await this.#insert(connection, { _id }, w);
      if (!isAcknowledged) continue;
      this.acknowledged.push(_id);
      if (this.lastAck.member !== connection.address)
        this.lastAck = { member: connection.address, firstAt: performance.now() };
      return;
    }
  }

  async #insert(connection: Connection, document: Document, w: number | 'majority'): Promise<boolean> {
    const doubt = new AbortController();
    const insert = { insert: COLLECTION, documents: [document], writeConcern: { w, wtimeout: 30_000 } };
    const suspicion = sleep(SUSPICIOUS_AFTER_MS, undefined, { signal: doubt.signal }).then(
      () => this.#hasSuccessor(connection, doubt.signal),
      () => false,
    );
    try {
      const done = connection.command(DATABASE, insert).then(() => true);
      return await Promise.race([done, suspicion.then((moved) => (moved ? false : done))]);
    } catch {
      // The member went away, or is no primary any more: what became of this insert is not known.
      this.#leave(connection);
      return false;
    } finally {
      doubt.abort();
    }
  }

  /** Whether another member has become primary: a paused one neither answers nor closes its connections. */
  async #hasSuccessor(connection: Connection, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const found = await this.#askAll(connection.address);
      if (found !== undefined) {
        this.#leave(connection);
        this.#connection = found;
        return true;
      }
      await sleep(ASK_EVERY_MS);
    }
    return false;
  }

  #leave(connection: Connection): void {
    connection.close();
    if (this.#connection === connection) this.#connection = undefined;
  }

  async #findPrimary(): Promise<Connection> {
    for (;;) {
      const found = await this.#askAll(undefined);
      if (found !== undefined) return found;
      await sleep(ASK_EVERY_MS);
    }
  }

  async #askAll(except: string | undefined): Promise<Connection | undefined> {
    const asked = this.#set.members.map(({ address }) => address).filter((address) => address !== except);
    const opened = await Promise.all(
      asked.map((address) => Connection.open(parseAddress(address)).catch(() => undefined)),
    );
    let primary: Connection | undefined;
    for (const connection of opened) {
      if (primary === undefined && connection?.hello['isWritablePrimary'] === true) primary = connection;
      else connection?.close();
    }
    return primary;
  }
}

async function checkNothingLost(set: RunningSet, acknowledged: readonly number[]): Promise<void> {
  for (const member of set.members) {
    const connection = await Connection.open(parseAddress(member.address));
    const find = { find: COLLECTION, batchSize: 1_000_000, $readPreference: { mode: 'secondaryPreferred' } };
    const found: { _id: number }[] = (await connection.command(DATABASE, find))['cursor'].firstBatch;
    connection.close();
    const present = new Set(found.map(({ _id }) => _id));
    const lost = acknowledged.filter((_id) => !present.has(_id));
    if (lost.length > 0)
      throw new Error(`${member.address} lacks ${lost.length} acknowledged writes, first ${lost[0]}`);
  }
}

/** Waits until each member's state is primary or secondary. */
export async function waitUntilHealthy(set: RunningSet): Promise<void> {
  for (const member of set.members) {
    for (;;) {
      const connection = await Connection.open(parseAddress(member.address));
      const { isWritablePrimary, secondary } = connection.hello;
      connection.close();
      if (isWritablePrimary === true || secondary === true) break;
      await sleep(STATE_EVERY_MS);
    }
  }
}
