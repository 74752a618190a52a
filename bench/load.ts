/**
 * The two ways of making load: a closed loop (each connection has one request in flight, all the time), and one
 * long operation repeated.
 */
import type { Connection } from './connection.ts';
import { Latencies } from './latencies.ts';
import type { Operation } from './operations.ts';
import { assertOk, checkReply, decodeReply } from './wire.ts';

/** Every so many replies one is decoded and verified in full. */
const VERIFY_EVERY = 1000;
const STALL_SECONDS = 60;
const WARMUP_SHARE = 0.2;
const WARMUP_SECONDS_MAX = 1;

export interface Client {
  readonly connection: Connection;
  /** Its operations belong to this client alone. */
  readonly chooseOperation: () => Operation;
}

/** What was measured, by metric key. `clientCpu` near 1 says that the generator and not the server may have been the limit. */
export type Result = Readonly<Record<string, number>>;

/** Runs a closed loop for a warm-up and then `seconds` that count; closes the connections. */
export async function runClosedLoop(clients: readonly Client[], seconds: number): Promise<Result> {
  try {
    return await new ClosedLoop(clients, seconds).run();
  } finally {
    for (const { connection } of clients) connection.close();
  }
}

interface RunningClient extends Client {
  operation: Operation;
  unitStart: number;
}

class ClosedLoop {
  readonly #clients: readonly RunningClient[];
  readonly #seconds: number;
  readonly #latencies = new Latencies();
  #windowStart = 0;
  #windowEnd = 0;
  #replies = 0;
  #units = 0;
  #cpuAtStart: NodeJS.CpuUsage | undefined;
  #running: number;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(clients: readonly Client[], seconds: number) {
    this.#clients = clients.map((client) => ({ ...client, operation: client.chooseOperation(), unitStart: 0 }));
    this.#seconds = seconds;
    this.#running = clients.length;
  }

  async run(): Promise<Result> {
    const watchdog = this.#watchForStall();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
        this.#start();
      });
    } finally {
      clearInterval(watchdog);
      for (const { connection } of this.#clients) connection.onFailure = () => {};
    }
    return this.#result();
  }

  #start(): void {
    const now = performance.now();
    this.#windowStart = now + 1000 * Math.min(WARMUP_SECONDS_MAX, WARMUP_SHARE * this.#seconds);
    this.#windowEnd = this.#windowStart + 1000 * this.#seconds;
    for (const client of this.#clients) {
      client.connection.onReply = (bytes, length) => this.#onReply(client, bytes, length);
      client.connection.onFailure = this.#reject;
      client.unitStart = now;
      this.#send(client);
    }
  }

  #send({ connection, operation }: RunningClient): void {
    operation.patch();
    connection.send(operation.request);
  }

  #onReply(client: RunningClient, bytes: Buffer, length: number): void {
    const { operation } = client;
    this.#check(operation, bytes, length);
    if (operation.units > 0) {
      const now = performance.now();
      if (now >= this.#windowEnd) {
        this.#retire();
        return;
      }
      if (now >= this.#windowStart) this.#count(operation.units, now - client.unitStart);
      client.unitStart = now;
    }
    client.operation = client.chooseOperation();
    this.#send(client);
  }

  #check(operation: Operation, bytes: Buffer, length: number): void {
    if (checkReply(bytes, length) !== operation.expectedN || length < operation.replyBytesMin) {
      throw new Error(`unexpected reply: ${JSON.stringify(decodeReply(bytes), printable).slice(0, 1000)}`);
    }
    if (this.#replies++ % VERIFY_EVERY === 0) operation.verify(assertOk(decodeReply(bytes)));
  }

  #count(units: number, latencyMs: number): void {
    this.#cpuAtStart ??= process.cpuUsage();
    this.#units += units;
    this.#latencies.add(latencyMs);
  }

  #retire(): void {
    if (--this.#running === 0) this.#resolve();
  }

  #watchForStall(): NodeJS.Timeout {
    let seen = 0;
    const check = (): void => {
      if (this.#replies === seen) this.#reject(new Error(`no reply on any connection for ${STALL_SECONDS} s`));
      seen = this.#replies;
    };
    return setInterval(check, STALL_SECONDS * 1000);
  }

  #result(): Result {
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    const clientCpu = (user + system) / 1e6 / ((performance.now() - this.#windowStart) / 1000);
    return { perSecond: this.#units / this.#seconds, ...this.#latencies.summary(), clientCpu };
  }
}

const printable = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

export interface TimedOperation {
  /** How many documents one operation goes through. */
  readonly units: number;
  readonly operation: () => Promise<void>;
  /** Run after each operation and not timed. */
  readonly between?: () => Promise<unknown>;
}

/** Repeats one long operation, after one that does not count, until `seconds` were spent in it (at least once). */
export async function repeatTimed({ units, operation, between }: TimedOperation, seconds: number): Promise<Result> {
  const latencies = new Latencies();
  let spentMs = 0;
  await operation();
  await between?.();
  while (spentMs < seconds * 1000) {
    const started = performance.now();
    await operation();
    const elapsed = performance.now() - started;
    await between?.();
    latencies.add(elapsed);
    spentMs += elapsed;
  }
  return { perSecond: (units * latencies.count * 1000) / spentMs, ...latencies.summary() };
}
