/**
 * Runs the scenarios against a set and prints what passed and failed, file by file.
 *
 *   npm run conformance                     starts a set of three of its own and runs everything
 *   npm run conformance -- FILE…            only these files, as scenarios/write/insert
 *   options: --only TEXT   scenarios whose name contains TEXT
 *            --messages    a different error message fails too
 *            --show N      how many differences are printed (20)
 *            --address HOST:PORT   a set that runs already
 *            --update      rewrites passing.txt, the list of scenarios that must keep passing
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ReplicaSet } from '../src/set/replica_set.ts';
import { connectToSet, type Members } from './connection.ts';
import { readScenarioFile, runScenario, scenarioFiles, type StepFailure } from './scenario.ts';

const PASSING = join(import.meta.dirname, 'passing.txt');
const EXPECTED = join(import.meta.dirname, 'expected_differences.txt');

export interface FileResult {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
}

export interface RunResult {
  readonly files: readonly FileResult[];
  readonly failures: readonly StepFailure[];
  /** Ids of the scenarios whose steps all passed. */
  readonly passing: readonly string[];
}

export interface RunOptions {
  readonly only: string;
  readonly comparesMessages: boolean;
  readonly onFile: (result: FileResult) => void;
}

/** Runs files against the set that has a member at `address`. */
export async function runFiles(address: string, files: readonly string[], options: RunOptions): Promise<RunResult> {
  const results: FileResult[] = [];
  const failures: StepFailure[] = [];
  const passing: string[] = [];
  let members = await connectToSet(address);
  for (const name of files) {
    let passed = 0;
    const failedBefore = failures.length;
    for (const scenario of readScenarioFile(name).scenarios.filter(({ id }) => id.includes(options.only))) {
      const result = await runScenario(members, scenario, options.comparesMessages);
      passed += result.stepsPassed;
      failures.push(...result.failures);
      if (result.failures.length === 0) passing.push(scenario.id);
      if (members.primary.isClosed) members = await reconnect(members, address);
    }
    const result = { name, passed, failed: failures.length - failedBefore };
    results.push(result);
    options.onFile(result);
  }
  close(members);
  return { files: results, failures, passing };
}

function close({ primary, secondary }: Members): void {
  primary.close();
  secondary?.close();
}

async function reconnect(members: Members, address: string): Promise<Members> {
  close(members);
  return connectToSet(address);
}

/** The scenarios that must keep passing. */
export function readPassing(): string[] {
  return readFileSync(PASSING, 'utf8').split('\n').filter(Boolean);
}

/** A step whose answer is meant to differ from the recorded one. */
export interface ExpectedDifference {
  readonly scenario: string;
  readonly step: number;
  readonly reason: string;
}

/** What expected_differences.txt lists. Throws for a line that is neither a comment nor `scenario, step N: reason`. */
export function readExpectedDifferences(): ExpectedDifference[] {
  const lines = readFileSync(EXPECTED, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const match = /^(.+), step (\d+) \| (.+)$/.exec(line);
      if (match === null) throw new Error(`expected_differences.txt: '${line}'`);
      const [, scenario = '', step = '', reason = ''] = match;
      return { scenario, step: Number(step), reason };
    });
}

async function main(argv: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      messages: { type: 'boolean', default: false },
      show: { type: 'string', default: '20' },
      address: { type: 'string' },
      update: { type: 'boolean', default: false },
    },
  });
  const files = positionals.length > 0 ? positionals : scenarioFiles();
  const set = values.address === undefined ? await ReplicaSet.start({ members: 3 }) : undefined;
  const address = values.address ?? set?.members[0]?.address ?? '';
  try {
    const onFile = ({ name, passed, failed }: FileResult): void =>
      console.log(`${name}: ${passed} passed, ${failed} failed`);
    const result = await runFiles(address, files, { only: values.only, comparesMessages: values.messages, onFile });
    for (const failure of result.failures.slice(0, Number(values.show))) console.log(describe(failure));
    const passed = result.files.reduce((sum, file) => sum + file.passed, 0);
    console.log(
      `\nsteps: ${passed} passed, ${result.failures.length} failed; scenarios that pass: ${result.passing.length}`,
    );
    if (values.update) writeFileSync(PASSING, `${[...result.passing].sort().join('\n')}\n`);
  } finally {
    await set?.stop();
  }
}

function describe({ scenario, step, run, differences }: StepFailure): string {
  const lines = differences.map((line) => `  ${line.slice(0, 1000)}`);
  return [`\n✗ ${scenario}, step ${step}`, `  ${run.slice(0, 500)}`, ...lines].join('\n');
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2));
