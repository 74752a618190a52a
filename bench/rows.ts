/** The rows of the benchmark, in the order in which they run. */
import { changeStreamRow } from './change_stream.ts';
import { limitRows } from './limits/limit_rows.ts';
import type { LimitRow, Row, RowOptions } from './row.ts';
import { pointRows } from './rows_point.ts';
import { scanRows } from './rows_scan.ts';

export interface Rows {
  readonly limits: readonly LimitRow[];
  readonly measured: readonly Row[];
}

export function allRows(options: RowOptions): Rows {
  const point = pointRows(options);
  const measured = [...point.reads, ...point.writes, ...scanRows(options), changeStreamRow(options), ...point.mixed];
  return { limits: limitRows(options), measured };
}

/** The rows that a list of names selects ('limits' means all rows of the machine), in running order. Throws on an unknown name. */
export function selectRows({ limits, measured }: Rows, names: readonly string[]): Rows {
  const known = [...limits, ...measured].map(({ name }) => name);
  const unknown = names.find((name) => name !== 'limits' && !known.includes(name));
  if (unknown !== undefined) throw new Error(`no row ${unknown}; there are limits,${known.join(',')}`);
  return {
    limits: limits.filter(({ name }) => names.includes('limits') || names.includes(name)),
    measured: measured.filter(({ name }) => names.includes(name)),
  };
}
