/** What belongs to the process rather than to one request: parameters, counters, the machine, the last log lines. */
import type { Log, LogLine } from '../../base/log.ts';
import { NO_MACHINE, type Machine } from '../../base/machine.ts';
import type { Ms, UnixMs } from '../../base/units.ts';
import { FailPoints } from './fail_points.ts';
import { LatencyHistogram } from './latency_histogram.ts';
import { Parameters } from './parameters.ts';
import { Usage } from './usage.ts';

/** How the process was started, for getCmdLineOpts. */
export interface StartOptions {
  readonly argv: readonly string[];
  /** As MongoDB nests them: {net: {port}, replication: {replSet}, storage: {dbPath}}. */
  readonly parsed: Readonly<Record<string, unknown>>;
}

export class OpCounters {
  insert = 0;
  query = 0;
  update = 0;
  delete = 0;
  getmore = 0;
  command = 0;
}

export class ConnectionCounters {
  current = 0;
  totalCreated = 0;
  rejected = 0;
  awaitingTopologyChanges = 0;
  exhaustHello = 0;
}

export class NetworkCounters {
  bytesIn = 0;
  bytesOut = 0;
  requests = 0;
}

/** Errors that were thrown, by kind. */
export class AssertCounters {
  regular = 0;
  msg = 0;
  user = 0;
}

/** Lines getLog keeps. Source: MongoDB keeps 1024. */
const LOG_RING_LINES = 1024;

/** Passes lines on and keeps the last ones for getLog. */
export class LogRing implements Log {
  readonly #inner: Log;
  readonly #format: (line: LogLine) => string;
  #lines: string[] = [];
  #total = 0;
  readonly #warnings: string[] = [];
  #isStarting = true;

  /** @param format one line as getLog shows it, without its end */
  constructor(inner: Log, format: (line: LogLine) => string) {
    this.#inner = inner;
    this.#format = format;
  }

  write(line: LogLine): void {
    this.#inner.write(line);
    if (line.severity === 'D1') return;
    const text = this.#format(line);
    this.#total += 1;
    this.#lines.push(text);
    if (this.#lines.length >= 2 * LOG_RING_LINES) this.#lines = this.#lines.slice(-LOG_RING_LINES);
    if (this.#isStarting && line.severity === 'W') this.#warnings.push(text);
  }

  /** Warnings from now on no longer count as those of the start. */
  started(): void {
    this.#isStarting = false;
  }

  get total(): number {
    return this.#total;
  }

  get lines(): readonly string[] {
    return this.#lines.slice(-LOG_RING_LINES);
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }
}

export interface ServerOptions {
  readonly startedAt: Ms;
  readonly startedWall: UnixMs;
  /** 12 bytes, new for every process: `topologyVersion.processId`, the same the replication core was given. */
  readonly processId: Uint8Array;
  readonly machine?: Machine;
  readonly start?: StartOptions;
  readonly logRing?: LogRing;
  readonly parameters?: Parameters;
  readonly storageEngine?: string;
}

export class ServerState {
  readonly startedAt: Ms;
  readonly startedWall: UnixMs;
  readonly processId: Uint8Array;
  readonly machine: Machine;
  readonly start: StartOptions;
  readonly logRing: LogRing | undefined;
  readonly parameters: Parameters;
  readonly storageEngine: string;
  readonly opcounters = new OpCounters();
  /** Applied from another member's oplog; the applier counts here. */
  readonly opcountersRepl = new OpCounters();
  readonly connections = new ConnectionCounters();
  readonly network = new NetworkCounters();
  readonly asserts = new AssertCounters();
  readonly failPoints = new FailPoints();
  readonly latencies = {
    reads: new LatencyHistogram(),
    writes: new LatencyHistogram(),
    commands: new LatencyHistogram(),
  };
  /** Documents that queries gave to clients. */
  documentsReturned = 0;
  /** By command: how often it was run, and failed. */
  readonly commandCounts = new Map<string, { total: number; failed: number }>();
  /** By collection. */
  readonly usage = new Usage();
  /** Further sections of serverStatus, by name; each returns a document's value as plain JavaScript values. */
  readonly statusSections = new Map<string, () => Readonly<Record<string, unknown>>>();

  constructor(options: ServerOptions) {
    this.startedAt = options.startedAt;
    this.startedWall = options.startedWall;
    this.processId = options.processId;
    this.machine = options.machine ?? NO_MACHINE;
    this.start = options.start ?? { argv: [], parsed: {} };
    this.logRing = options.logRing;
    this.parameters = options.parameters ?? new Parameters();
    this.storageEngine = options.storageEngine ?? 'wiredTiger';
  }
}
