/** `quorate simulate`: runs simulated sets from seeds and says what went wrong. */
import { availableParallelism } from 'node:os';
import { NO_LOG, type Log } from '../base/log.ts';
import { FAULTS, type Fault } from '../sim/nemesis.ts';
import { UsageError, describeOptions, parseArguments, type OptionTable, type ParsedArguments } from './arguments.ts';
import { runSeed, runSeeds, type SeedReport, type SeedRun } from './simulate_worker.ts';

const OPTIONS: OptionTable = {
  seed: { kind: 'integer', placeholder: 'n', help: 'replay this one run, and print its log with --log' },
  seeds: { kind: 'integer', placeholder: 'n', help: 'run that many seeds (default 20)' },
  from: { kind: 'integer', placeholder: 'n', help: 'the first of them (default 1)' },
  seconds: { kind: 'integer', placeholder: 'n', help: 'virtual seconds of faults in each run (default 60)' },
  faults: { kind: 'text', placeholder: 'a,b', help: `only these kinds of fault, of: ${FAULTS.join(' ')}` },
  jobs: { kind: 'integer', placeholder: 'n', help: 'processors to use (default 1)' },
  ci: { kind: 'flag', help: '200 seeds on all processors, the first five of them twice' },
  twice: { kind: 'flag', help: 'run each seed twice and compare the trace hashes' },
  'until-failure': { kind: 'flag', help: 'stop at the first run that fails' },
  log: { kind: 'flag', help: 'print what the simulated members log; only with --seed' },
};

export const SIMULATE_HELP = `quorate simulate [options]

Runs whole sets in this process: the real code over a simulated network, disk and clock, all from one seed. Members crash
and lose what they had not synced, are paused and cut off; clients write; checkers compare what clients were told with
what the members hold. A seed gives the same run every time.

${describeOptions(OPTIONS)}
Exit code 0 when every run was right, 1 otherwise.
`;

const SEEDS_DEFAULT = 20;
const SECONDS_DEFAULT = 60;
const CI_SEEDS = 200;
const CI_SEEDS_TWICE = 5;

/** Every run is described when there are no more than this; otherwise only those that failed. */
const DESCRIBED_MAX = 20;

export async function runSimulate(words: readonly string[]): Promise<number> {
  const parsed = parseArguments(OPTIONS, words);
  if (parsed.positionals.length > 0) throw new UsageError(`'${parsed.positionals[0]}' is not an option`);
  const runs = chosenRuns(parsed);
  const tally = new Tally(runs.length, parsed.has('until-failure'));
  const seed = parsed.integer('seed');
  const jobs = parsed.integer('jobs') ?? (parsed.has('ci') ? availableParallelism() : 1);
  if (seed === undefined && jobs > 1) {
    await runSeeds(runs, jobs, (report) => tally.take(report));
  } else {
    const log = parsed.has('log') && seed !== undefined ? PRINTING_LOG : NO_LOG;
    for (const run of runs) if (!tally.take(await runSeed(run, log))) break;
  }
  process.stdout.write(tally.summary());
  return tally.failed === 0 ? 0 : 1;
}

function chosenRuns(parsed: ParsedArguments): SeedRun[] {
  const seed = parsed.integer('seed');
  const isCi = parsed.has('ci');
  const first = seed ?? parsed.integer('from') ?? 1;
  const count = seed === undefined ? (parsed.integer('seeds') ?? (isCi ? CI_SEEDS : SEEDS_DEFAULT)) : 1;
  const virtualSeconds = parsed.integer('seconds') ?? SECONDS_DEFAULT;
  const faults = chosenFaults(parsed.text('faults'));
  return Array.from({ length: count }, (_, i) => {
    const isTwice = parsed.has('twice') || (isCi && i < CI_SEEDS_TWICE);
    return { seed: first + i, virtualSeconds, isTwice, faults };
  });
}

function chosenFaults(text: string | undefined): Fault[] | undefined {
  return text?.split(',').map((name) => {
    const fault = FAULTS.find((known) => known === name);
    if (fault === undefined) throw new UsageError(`'${name}' is not a kind of fault`);
    return fault;
  });
}

/** Counts runs and prints those that are of interest. */
class Tally {
  failed = 0;
  readonly #wanted: number;
  readonly #stopsAtFailure: boolean;
  #done = 0;
  #virtualMs = 0;
  #seconds = 0;

  constructor(wanted: number, stopsAtFailure: boolean) {
    this.#wanted = wanted;
    this.#stopsAtFailure = stopsAtFailure;
  }

  /** Whether to go on. */
  take(report: SeedReport): boolean {
    const { result, problems, seconds } = report;
    const isRight = problems.length === 0;
    this.#seconds += seconds;
    this.#done += 1;
    this.#virtualMs += result.virtualMs;
    if (!isRight) this.failed += 1;
    if (!isRight || this.#wanted <= DESCRIBED_MAX) process.stdout.write(describe(report));
    else if (process.stderr.isTTY) process.stderr.write(`\r${this.#done}/${this.#wanted} runs, ${this.failed} failed `);
    return isRight || !this.#stopsAtFailure;
  }

  summary(): string {
    const simulated = Math.round(this.#virtualMs / 1000);
    const pace = `${Math.round(simulated / this.#seconds)} per second`;
    const time = `${simulated} simulated seconds in ${this.#seconds.toFixed(1)} s of processor time (${pace})`;
    return `${this.#done} runs, ${this.failed} failed; ${time}\n`;
  }
}

const PRINTING_LOG: Log = {
  write: ({ severity, component, context, message, attributes }) => {
    const details = Object.keys(attributes).length > 0 ? ` ${JSON.stringify(attributes, plainValue)}` : '';
    process.stdout.write(`${context} ${severity} ${component} ${message}${details}\n`);
  },
};

/** JSON has no bigints. */
function plainValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function describe({ result, problems }: SeedReport): string {
  const { seed, traceHash, shape, faults, strikes, writes, terms, events } = result;
  const set = `${shape.members} members${shape.hasArbiter ? ', one an arbiter' : ''}`;
  const outcomes = `${writes.acknowledged} writes acknowledged, ${writes.unknown} unknown, ${writes.retried} repeated`;
  const did = `${outcomes}, ${strikes} faults, term ${terms}; ${events} events; trace ${traceHash}`;
  const line = `seed ${seed}: ${problems.length === 0 ? 'ok' : 'FAILED'}  ${set}; ${did}; ${faults.join(' ')}\n`;
  return line + problems.map((problem) => `  ${problem}\n`).join('');
}
