/**
 * Measures a set beside the machine's own limit in the same run; `--help` lists the options, docs/benchmarks.md has the
 * rows and what was reached. For each row targets are prepared first and then measured in turn (A B A B …), so that a slow
 * drift of the machine hits them alike. A row that fails makes the exit code 1; the others still run.
 */
import { writeFileSync } from 'node:fs';
import { ReplicaSet, type RunningSet } from './built_set.ts';
import {
  KILL_ROW,
  START_ROW,
  STEP_DOWN_ROW,
  measureKill,
  measureStart,
  measureStepDown,
  waitUntilHealthy,
} from './failover.ts';
import type { Result } from './load.ts';
import { MEMORY_ROW, residentMebibytes } from './memory.ts';
import { USAGE, parseOptions, type Options } from './options.ts';
import { MACHINE, Report, formatNumber, type ReportedRow } from './report.ts';
import type { Row } from './row.ts';
import { allRows, selectRows, type Rows } from './rows.ts';
import { Target } from './target.ts';

const FAILOVER_ROWS: readonly { row: ReportedRow; measure: (rounds: number) => Promise<Result[]>; rounds: number }[] = [
  { row: KILL_ROW, measure: measureKill, rounds: 5 },
  { row: STEP_DOWN_ROW, measure: measureStepDown, rounds: 5 },
  { row: START_ROW, measure: measureStart, rounds: 3 },
];

async function main(argv: readonly string[]): Promise<void> {
  const { options, rows } = readCommandLine(argv);
  if (options.help) console.log(USAGE);
  else if (options.list) listRows(rows);
  else await runBenchmark(options, rows);
}

/** The options and the rows that they select. Ends the process on a mistake in them. */
function readCommandLine(argv: readonly string[]): { options: Options; rows: Rows } {
  try {
    const options = parseOptions(argv);
    const own = new Set([MEMORY_ROW.name, ...FAILOVER_ROWS.map(({ row }) => row.name)]);
    const all = allRows(options);
    const rows =
      options.rows === undefined
        ? all
        : selectRows(
            all,
            options.rows.filter((name) => !own.has(name)),
          );
    return { options, rows };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return process.exit(2);
  }
}

function listRows({ limits, measured }: Rows): void {
  const all: ReportedRow[] = [...limits, ...measured, ...FAILOVER_ROWS.map(({ row }) => row), MEMORY_ROW];
  for (const { name, title, aim } of all)
    console.log(`${name.padEnd(12)} ${title}${aim === undefined ? '' : ` (aim: ${aim})`}`);
}

const isWanted = ({ rows }: Options, { name }: ReportedRow): boolean => rows === undefined || rows.includes(name);

async function runBenchmark(options: Options, rows: Rows): Promise<void> {
  const set = options.targets.length === 0 ? await ReplicaSet.start({ members: 3 }) : undefined;
  const seeds = set === undefined ? options.targets : [{ name: 'quorate', address: set.members[0]?.address ?? '' }];
  const targets = seeds.map(({ name, address }) => new Target(name, address));
  const { seconds, longSeconds, rounds, scale } = options;
  const report = new Report(
    targets.map(({ name }) => name),
    { seconds, longSeconds, rounds, scale },
  );
  try {
    if (set !== undefined) await measureMemory(set, 'idle', report, options);
    for (const target of targets) {
      await target.refresh();
      report.describeTarget(target.describe());
    }
    await measureLimits(rows, report, options);
    for (const row of rows.measured) {
      await measureRow(row, targets, report, rounds);
      saveJson(report, options);
    }
    if (set !== undefined) await measureMemory(set, 'end', report, options);
    for (const target of targets) await target.dropDatabase();
  } finally {
    for (const target of targets) target.close();
    await set?.stop();
  }
  if (set !== undefined) await measureFailover(report, options);
  saveJson(report, options);
  console.log(report.table());
  if (report.hasFailures) process.exitCode = 1;
}

async function measureLimits({ limits }: Rows, report: Report, { rounds }: Options): Promise<void> {
  for (const row of limits) {
    for (let round = 1; round <= rounds; round++) {
      const result = await row.measure();
      report.add(row, MACHINE, result);
      console.error(`${row.name} ${round}/${rounds}: ${progress(row, result)}`);
    }
  }
}

/** One row on all targets. A target whose run fails leaves the row's further rounds. */
async function measureRow(row: Row, targets: readonly Target[], report: Report, rounds: number): Promise<void> {
  const stillRunning = new Set(targets);
  const attempt = async (target: Target, action: () => Promise<void> | undefined): Promise<void> => {
    if (!stillRunning.has(target)) return;
    try {
      await action();
    } catch (error) {
      stillRunning.delete(target);
      report.fail(row, target.name, error);
      console.error(`${row.name} ${target.name}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const target of targets) await attempt(target, () => prepare(row, target));
  for (let round = 1; round <= rounds; round++) {
    for (const target of targets) {
      await attempt(target, async () => {
        const result = await runOnce(row, target);
        report.add(row, target.name, result);
        console.error(`${row.name} ${target.name} ${round}/${rounds}: ${progress(row, result)}`);
      });
    }
  }
  for (const target of targets) await attempt(target, () => row.after?.(target));
}

async function prepare(row: Row, target: Target): Promise<void> {
  await target.refresh();
  await row.prepare?.(target);
  await target.settle();
}

/** One measurement, begun and ended with all members at rest. */
async function runOnce(row: Row, target: Target): Promise<Result> {
  await target.refresh();
  await row.before?.(target);
  await target.settle();
  const result = await row.run(target);
  return { ...result, settleMs: await target.settle() };
}

function progress(row: ReportedRow, result: Result): string {
  const measured = row.metrics.map(({ key, unit }) => `${formatNumber(result[key] ?? Number.NaN)} ${unit}`);
  const { clientCpu, settleMs = 0 } = result;
  if (clientCpu !== undefined) measured.push(`generator ${(clientCpu * 100).toFixed(0)} % of a core`);
  if (settleMs > 50) measured.push(`then ${formatNumber(settleMs)} ms until all members had applied it`);
  return measured.join(', ');
}

async function measureMemory(set: RunningSet, key: 'idle' | 'end', report: Report, options: Options): Promise<void> {
  if (!isWanted(options, MEMORY_ROW)) return;
  await waitUntilHealthy(set);
  for (const { pid } of set.members) {
    if (pid !== undefined) report.add(MEMORY_ROW, 'quorate', { [key]: residentMebibytes(pid) });
  }
}

async function measureFailover(report: Report, options: Options): Promise<void> {
  for (const { row, measure, rounds } of FAILOVER_ROWS.filter((entry) => isWanted(options, entry.row))) {
    try {
      const results = await measure(rounds);
      for (const result of results) report.add(row, 'quorate', result);
      console.error(`${row.name}: ${results.map(({ ms = 0 }) => formatNumber(ms)).join(', ')} ms`);
    } catch (error) {
      report.fail(row, 'quorate', error);
    }
  }
}

function saveJson(report: Report, { json }: Options): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report.json(), null, 2)}\n`);
}

await main(process.argv.slice(2));
