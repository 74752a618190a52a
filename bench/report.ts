/** Collects what was measured and makes the table and the JSON of it. */
import { cpus, totalmem } from 'node:os';
import type { Document } from 'bson';
import type { Result } from './load.ts';
import type { Metric } from './metrics.ts';

/** From this share of a core on, the load generator may have been the limit. */
const GENERATOR_BUSY = 0.9;

/** Whose rows the machine's own limit is. */
export const MACHINE = 'machine';

/** What the report needs to know of a row. */
export interface ReportedRow {
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  readonly aim?: string;
  readonly comparedWith?: string;
}

interface Entry {
  readonly row: ReportedRow;
  /** 'target metric' → one number per round. */
  readonly values: Map<string, number[]>;
  readonly rounds: Map<string, Result[]>;
  readonly errors: Map<string, string>;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

interface Cell extends Spread {
  readonly rounds: readonly Result[];
}

interface TableRecord {
  readonly row: string;
  readonly what: string;
  readonly unit: string;
  readonly better: string;
  readonly aim: string;
  readonly targets: Readonly<Record<string, Cell | { readonly error: string } | undefined>>;
}

export class Report {
  readonly #targetNames: readonly string[];
  readonly #options: Document;
  readonly #started = new Date();
  readonly #descriptions: Document[] = [];
  readonly #entries = new Map<string, Entry>();

  /** `options` goes into the JSON as it is. */
  constructor(targetNames: readonly string[], options: Document) {
    this.#targetNames = targetNames;
    this.#options = options;
  }

  describeTarget(description: Document): void {
    this.#descriptions.push(description);
  }

  /** Adds one round's result of a row. */
  add(row: ReportedRow, targetName: string, result: Result): void {
    const entry = this.#entry(row);
    for (const { key } of row.metrics) {
      const value = result[key];
      if (value !== undefined) appendTo(entry.values, `${targetName} ${key}`, value);
    }
    appendTo(entry.rounds, targetName, result);
  }

  /** Marks a row as failed for a target: its earlier rounds no longer count. */
  fail(row: ReportedRow, targetName: string, error: unknown): void {
    this.#entry(row).errors.set(targetName, error instanceof Error ? error.message : String(error));
  }

  get hasFailures(): boolean {
    return this.#failures().length > 0;
  }

  json(): Document {
    return {
      started: this.#started.toISOString(),
      finished: new Date().toISOString(),
      machine: {
        cpu: cpus()[0]?.model,
        cores: cpus().length,
        memoryGB: Math.round(totalmem() / 2 ** 30),
        node: process.version,
      },
      options: this.#options,
      targets: this.#descriptions,
      rows: this.#records(),
      shares: this.#shares(),
    };
  }

  /** The table as text. */
  table(): string {
    const records = this.#records();
    const hasMachine = records.some(({ targets }) => targets[MACHINE] !== undefined);
    const names = hasMachine ? [MACHINE, ...this.#targetNames] : this.#targetNames;
    const head = ['row', 'what', 'unit', ...names, 'aim'];
    const body = records.map((record) => tableLine(record, names));
    return [...alignColumns([head, ...body]), '', ...this.#notes(records)].join('\n');
  }

  #notes(records: readonly TableRecord[]): string[] {
    const notes = [...this.#failures(), 'Median [min–max] over the rounds. ↑: more is better, ↓: less is better.'];
    if (records.some(isGeneratorBusy)) {
      notes.push(
        `†: the load generator used ≥ ${GENERATOR_BUSY * 100} % of a core; the server may be able to do more.`,
      );
    }
    for (const { row, target, share, of } of this.#shares()) {
      notes.push(`${row}: ${target} reaches ${(share * 100).toFixed(1)} % of ${of}.`);
    }
    return notes;
  }

  #failures(): string[] {
    return [...this.#entries.values()].flatMap(({ row, errors }) =>
      [...errors].map(([target, message]) => `${row.name} ${target} FAILED: ${message}`),
    );
  }

  #entry(row: ReportedRow): Entry {
    let entry = this.#entries.get(row.name);
    if (entry === undefined) {
      entry = { row, values: new Map(), rounds: new Map(), errors: new Map() };
      this.#entries.set(row.name, entry);
    }
    return entry;
  }

  /** One record per row and metric. */
  #records(): TableRecord[] {
    return [...this.#entries.values()].flatMap((entry) =>
      entry.row.metrics.map((metric) => this.#record(entry, metric)),
    );
  }

  #record({ row, values, rounds, errors }: Entry, metric: Metric): TableRecord {
    const cellOf = (name: string): Cell | { readonly error: string } | undefined => {
      const error = errors.get(name);
      if (error !== undefined) return { error };
      const measured = values.get(`${name} ${metric.key}`);
      return measured === undefined ? undefined : { ...spread(measured), rounds: rounds.get(name) ?? [] };
    };
    const what = metric.label === undefined ? row.title : `${row.title}, ${metric.label}`;
    const targets = Object.fromEntries([MACHINE, ...this.#targetNames].map((name) => [name, cellOf(name)]));
    return { row: row.name, what, unit: metric.unit, better: metric.better, aim: row.aim ?? '', targets };
  }

  /** For rows that are compared with another one: which share of it they reach. */
  #shares(): { row: string; target: string; share: number; of: string }[] {
    return [...this.#entries.values()].flatMap(({ row, values }) => {
      const of = row.comparedWith;
      if (of === undefined) return [];
      const others = this.#entries.get(of)?.values;
      return this.#targetNames.flatMap((target) => {
        const measured = values.get(`${target} perSecond`);
        const other = others?.get(`${MACHINE} perSecond`) ?? others?.get(`${target} perSecond`);
        if (measured === undefined || other === undefined) return [];
        return [{ row: row.name, target, share: spread(measured).median / spread(other).median, of }];
      });
    });
  }
}

function appendTo<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** Of at least one number. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

function isGeneratorBusy({ targets }: TableRecord): boolean {
  return Object.values(targets).some(
    (target) =>
      target !== undefined &&
      'rounds' in target &&
      target.rounds.some(({ clientCpu = 0 }) => clientCpu >= GENERATOR_BUSY),
  );
}

function tableLine(record: TableRecord, names: readonly string[]): string[] {
  const arrow = record.better === 'higher' ? '↑' : '↓';
  const what = record.what + (isGeneratorBusy(record) ? ' †' : '');
  return [
    record.row,
    what,
    `${record.unit} ${arrow}`,
    ...names.map((name) => cellText(record.targets[name])),
    record.aim,
  ];
}

function cellText(cell: TableRecord['targets'][string]): string {
  if (cell === undefined) return '';
  if ('error' in cell) return 'FAILED';
  return `${formatNumber(cell.median)} [${formatNumber(cell.min)}–${formatNumber(cell.max)}]`;
}

/** Three or more significant digits. */
export function formatNumber(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** Lines with padded columns: the first three to the left, the others to the right. */
function alignColumns(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (text: string, column: number): string =>
    column < 3 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd());
}
