/**
 * What operations on each collection took, since the process began or the collection was made: for `top`, and for the
 * `latencyStats` of `$collStats`.
 */
import type { Ms } from '../../base/units.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { LatencyHistogram } from './latency_histogram.ts';

/** What of a command says how it is counted. */
export interface CountedCommand {
  readonly isWrite?: boolean;
  readonly isRetryableWrite?: boolean;
  readonly readConcerns?: readonly string[];
  readonly opcounter?: 'insert' | 'query' | 'update' | 'delete' | 'getmore';
}

/** Names beyond that many are not followed: whoever asks for collections that are not there must not fill the memory. */
const NAMESPACES_MAX = 10_000;

/** In the order in which `top` shows them. */
export const USAGE_KINDS = [
  'total',
  'readLock',
  'writeLock',
  'queries',
  'getmore',
  'insert',
  'update',
  'remove',
  'commands',
] as const;

export type UsageKind = (typeof USAGE_KINDS)[number];

/** Whether a command reads, writes or does neither, as latencies are told apart. */
export type CommandClass = 'reads' | 'writes' | 'commands';

export function classOf({ isRetryableWrite, readConcerns, opcounter }: CountedCommand): CommandClass {
  if (isRetryableWrite === true) return 'writes';
  return readConcerns !== undefined || opcounter === 'getmore' ? 'reads' : 'commands';
}

const KIND_OF_OPCOUNTER: Readonly<Record<NonNullable<CountedCommand['opcounter']>, UsageKind>> = {
  insert: 'insert',
  query: 'queries',
  update: 'update',
  delete: 'remove',
  getmore: 'getmore',
};

interface UsageCounter {
  micros: number;
  count: number;
}

/** Of one collection. */
export class NamespaceUsage {
  readonly #counters = new Map<UsageKind, UsageCounter>();
  readonly histograms = {
    reads: new LatencyHistogram(),
    writes: new LatencyHistogram(),
    commands: new LatencyHistogram(),
  };

  add(command: CountedCommand, durationMs: Ms | number): void {
    const micros = Math.round(durationMs * 1000);
    const commandClass = classOf(command);
    this.histograms[commandClass].add(micros);
    this.#count('total', micros);
    this.#count(commandClass === 'writes' || command.isWrite === true ? 'writeLock' : 'readLock', micros);
    this.#count(command.opcounter === undefined ? 'commands' : KIND_OF_OPCOUNTER[command.opcounter], micros);
  }

  counter(kind: UsageKind): Readonly<UsageCounter> {
    return this.#counters.get(kind) ?? { micros: 0, count: 0 };
  }

  #count(kind: UsageKind, micros: number): void {
    const counter = this.#counters.get(kind);
    if (counter === undefined) this.#counters.set(kind, { micros, count: 1 });
    else {
      counter.micros += micros;
      counter.count += 1;
    }
  }
}

export class Usage {
  readonly #byNamespace = new Map<string, NamespaceUsage>();

  add(ns: string, command: CountedCommand, durationMs: number): void {
    let usage = this.#byNamespace.get(ns);
    if (usage === undefined) {
      if (this.#byNamespace.size >= NAMESPACES_MAX) return;
      usage = new NamespaceUsage();
      this.#byNamespace.set(ns, usage);
    }
    usage.add(command, durationMs);
  }

  /** The collection is not there any more. */
  forget(ns: string): void {
    this.#byNamespace.delete(ns);
  }

  of(ns: string): NamespaceUsage | undefined {
    return this.#byNamespace.get(ns);
  }

  namespaces(): readonly string[] {
    return [...this.#byNamespace.keys()].toSorted();
  }
}

/** As `top` shows one collection, into the document that is open. */
export function writeUsage(writer: BsonWriter, usage: NamespaceUsage): void {
  for (const kind of USAGE_KINDS) {
    const { micros, count } = usage.counter(kind);
    writer.startSubdocument(kind).int64('time', micros).int64('count', count).end();
  }
}
