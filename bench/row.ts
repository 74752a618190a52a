/** What a row of the benchmark is. */
import type { Result } from './load.ts';
import type { Metric } from './metrics.ts';
import type { Target } from './target.ts';

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** What of a result goes into the table. */
  readonly metrics: readonly Metric[];
  /** What the row is to reach, as text beside the figure. */
  readonly aim?: string;
  /** The row, of the machine or of the same target, that the report tells the share of. */
  readonly comparedWith?: string;
  /** Once per target: loads shared data. */
  readonly prepare?: (target: Target) => Promise<void>;
  /** Before each round, not timed. */
  readonly before?: (target: Target) => Promise<void>;
  /** Resolves to an object that has the metrics' keys. */
  readonly run: (target: Target) => Promise<Result>;
  /** Once per target: removes what is not shared. */
  readonly after?: (target: Target) => Promise<void>;
}

/** A row that measures the machine itself. */
export interface LimitRow {
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly measure: () => Promise<Result>;
}

export interface RowOptions {
  readonly seconds: number;
  /** What P4 runs for. */
  readonly longSeconds: number;
  readonly scale: number;
}
