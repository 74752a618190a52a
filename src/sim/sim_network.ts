/**
 * A network of byte streams between simulated machines. Bytes of one direction of a connection arrive in order, after a
 * random delay. A partition (which may be one-way) holds bytes back, as retransmission does, until it heals; a connection
 * that waits too long, or that the network chooses to break, is closed at both ends. Connecting to a machine whose
 * process is down is refused at once; to one that cannot be reached, it times out.
 */
import { NetworkError, type Connection, type Listener, type Network } from '../base/env.ts';
import type { Ms } from '../base/units.ts';
import type { Scheduler } from './scheduler.ts';
import type { SeededRandom } from './seeded_random.ts';
import type { SimProcess } from './sim_process.ts';
import { StreamPair, type Carrier, type Endpoint } from './sim_stream.ts';
import type { Trace } from './trace.ts';

export interface NetworkFaults {
  /** One-way delay of a chunk, drawn uniformly. */
  delayMsMin: number;
  delayMsMax: number;
  /** Chance that a chunk is late by up to `lateMsMax` more: later chunks of other connections overtake it. */
  lateChance: number;
  lateMsMax: number;
  /** Chance, per chunk, that the connection breaks instead of delivering it. */
  breakChance: number;
}

const FIRST_EPHEMERAL_PORT = 50_000;

interface Listening extends Endpoint {
  readonly onConnection: (connection: Connection) => void;
}

export class SimNetwork implements Carrier {
  readonly faults: NetworkFaults = { delayMsMin: 0.1, delayMsMax: 1, lateChance: 0, lateMsMax: 0, breakChance: 0 };
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;
  readonly #trace: Trace;
  readonly #listening = new Map<string, Listening>();
  /** 'from>to' of hosts whose bytes do not pass. */
  readonly #blocked = new Set<string>();
  readonly #pairs = new Set<StreamPair>();
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(scheduler: Scheduler, random: SeededRandom, trace: Trace) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#trace = trace;
  }

  /** The network as one process on one host sees it. */
  view(host: string, process: SimProcess): Network {
    const endpoint: Endpoint = { host, process };
    return {
      listen: async (_host, port, onConnection) => this.#listen({ ...endpoint, onConnection }, port),
      connect: (address, timeout) => this.#connect(endpoint, address, timeout),
    };
  }

  /** Stops bytes from one host to another. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from}>${to}`);
  }

  heal(): void {
    this.#blocked.clear();
    for (const pair of this.#pairs) pair.flush();
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from}>${to}`);
  }

  /** Breaks the connections and frees the ports of a process that died. */
  processDied(process: SimProcess): void {
    for (const [address, { process: owner }] of this.#listening) if (owner === process) this.#listening.delete(address);
    for (const pair of this.#pairs) if (pair.belongsTo(process)) pair.breakUp();
  }

  #listen(listening: Listening, wantedPort: number): Listener {
    const port = wantedPort === 0 ? this.#nextPort++ : wantedPort;
    const address = `${listening.host}:${port}`;
    if (this.#listening.has(address)) throw new NetworkError('addressInUse', `${address} is in use`);
    this.#listening.set(address, listening);
    return { port, close: () => void this.#listening.delete(address) };
  }

  #connect(from: Endpoint, address: string, timeout: Ms): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const settle = (action: () => void): void => {
        if (isSettled) return;
        isSettled = true;
        action();
      };
      const cancel = from.process.after(timeout, () =>
        settle(() => reject(new NetworkError('timeout', `no answer from ${address}`))),
      );
      const host = address.slice(0, address.lastIndexOf(':'));
      this.#scheduler.after(this.drawDelay(), () => {
        if (this.isBlocked(from.host, host) || this.isBlocked(host, from.host)) return;
        const listening = this.#listening.get(address);
        const answer = (): void =>
          settle(() => {
            cancel();
            if (listening?.process.isAlive === true) resolve(this.#open(from, listening, address));
            else reject(new NetworkError('refused', `${address} refused the connection`));
          });
        from.process.schedule(this.drawDelay(), answer);
      });
    });
  }

  #open(from: Endpoint, listening: Listening, address: string): Connection {
    const client = { endpoint: from, address: `${from.host}:${this.#nextPort++}` };
    const pair = new StreamPair(this, this.#scheduler, client, { endpoint: listening, address });
    this.#pairs.add(pair);
    listening.process.schedule(this.drawDelay(), () => listening.onConnection(pair.server));
    return pair.client;
  }

  /** One-way delay of the next chunk. */
  drawDelay(): number {
    const { delayMsMin, delayMsMax, lateChance, lateMsMax } = this.faults;
    const late = this.#random.chance(lateChance) ? this.#random.between(0, lateMsMax) : 0;
    return this.#random.between(delayMsMin, delayMsMax) + late;
  }

  /** Whether the network breaks a connection at this chunk. */
  drawBreak(): boolean {
    return this.#random.chance(this.faults.breakChance);
  }

  sent(bytes: Uint8Array): void {
    this.#trace.bytes(bytes);
  }

  forget(pair: StreamPair): void {
    this.#pairs.delete(pair);
  }
}
