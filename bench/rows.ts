/** The rows of the benchmark, in the order in which they run. */
import { changeStreamRow } from './change_stream.ts';
import { echoRows } from './echo_target.ts';
import type { EchoRow, Row, RowOptions } from './row.ts';
import { pointRows } from './rows_point.ts';
import { scanRows } from './rows_scan.ts';

export interface Rows {
  readonly echo: readonly EchoRow[];
  readonly measured: readonly Row[];
}

export function allRows(options: RowOptions): Rows {
  const point = pointRows(options);
  const measured = [...point.reads, ...point.writes, ...scanRows(options), changeStreamRow(options), ...point.mixed];
  return { echo: echoRows(), measured };
}

/** The rows that a list of names selects ('echo' means all echo rows), in running order. Throws on an unknown name. */
export function selectRows({ echo, measured }: Rows, names: readonly string[]): Rows {
  const known = [...echo, ...measured].map(({ name }) => name);
  const unknown = names.find((name) => name !== 'echo' && !known.includes(name));
  if (unknown !== undefined) throw new Error(`no row ${unknown}; there are echo,${known.join(',')}`);
  return {
    echo: echo.filter(({ name }) => names.includes('echo') || names.includes(name)),
    measured: measured.filter(({ name }) => names.includes(name)),
  };
}
