/** `quorate simulate`: runs simulated sets from seeds and says what went wrong. */
import { NO_LOG, type Log } from '../base/log.ts';
import { simulate, type SimulationOptions, type SimulationResult } from '../sim/simulation.ts';
import { UsageError, describeOptions, parseArguments, type OptionTable } from './arguments.ts';

const OPTIONS: OptionTable = {
  seed: { kind: 'integer', placeholder: 'n', help: 'replay this one run, and print its log with --log' },
  seeds: { kind: 'integer', placeholder: 'n', help: 'run that many seeds (default 20)' },
  from: { kind: 'integer', placeholder: 'n', help: 'the first of them (default 1)' },
  seconds: { kind: 'integer', placeholder: 'n', help: 'virtual seconds of faults in each run (default 60)' },
  twice: { kind: 'flag', help: 'run each seed twice and compare the trace hashes' },
  log: { kind: 'flag', help: 'print what the simulated members log' },
};

export const SIMULATE_HELP = `quorate simulate [options]

Runs whole sets in this process: the real code over a simulated network, disk and clock, all from one seed. Members crash
and lose what they had not synced, are paused and cut off; clients write; checkers compare what clients were told with
what the members hold. A seed gives the same run every time.

${describeOptions(OPTIONS)}
Exit code 0 when every run was right, 1 otherwise.
`;

export async function runSimulate(words: readonly string[]): Promise<number> {
  const parsed = parseArguments(OPTIONS, words);
  if (parsed.positionals.length > 0) throw new UsageError(`'${parsed.positionals[0]}' is not an option`);
  const one = parsed.integer('seed');
  const first = one ?? parsed.integer('from') ?? 1;
  const count = one === undefined ? (parsed.integer('seeds') ?? 20) : 1;
  const virtualSeconds = parsed.integer('seconds') ?? 60;
  const log = parsed.has('log') ? PRINTING_LOG : NO_LOG;
  const started = performance.now();
  const tally = { failed: 0, virtualMs: 0 };
  for (let seed = first; seed < first + count; seed++) {
    const { result, problems } = await runOne({ seed, virtualSeconds, settle, log }, parsed.has('twice'));
    tally.virtualMs += result.virtualMs;
    if (problems.length > 0) tally.failed++;
    if (problems.length > 0 || count <= 20) process.stdout.write(describe(result, problems));
    else if (process.stderr.isTTY) process.stderr.write(`\r${seed - first + 1}/${count} runs, ${tally.failed} failed `);
  }
  process.stdout.write(summary(count, tally, (performance.now() - started) / 1000));
  return tally.failed === 0 ? 0 : 1;
}

interface Tally {
  failed: number;
  virtualMs: number;
}

function summary(count: number, { failed, virtualMs }: Tally, seconds: number): string {
  const simulated = Math.round(virtualMs / 1000);
  const pace = Math.round(simulated / seconds);
  return `${count} runs, ${failed} failed; ${simulated} simulated seconds in ${seconds.toFixed(1)} s (${pace} per second)\n`;
}

/** One run, or two that must be the same. */
async function runOne(
  options: SimulationOptions,
  isTwice: boolean,
): Promise<{ readonly result: SimulationResult; readonly problems: readonly string[] }> {
  const result = await simulate(options);
  if (!isTwice) return { result, problems: result.failures };
  const { traceHash } = await simulate(options);
  const isSame = traceHash === result.traceHash;
  return {
    result,
    problems: isSame ? result.failures : [...result.failures, `the second run's trace is ${traceHash}`],
  };
}

const settle = (): Promise<void> => new Promise(setImmediate);

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

function describe(result: SimulationResult, problems: readonly string[]): string {
  const { seed, traceHash, shape, faults, strikes, writes, terms, events } = result;
  const set = `${shape.members} members${shape.hasArbiter ? ', one an arbiter' : ''}`;
  const did = `${writes.acknowledged} writes acknowledged, ${writes.unknown} unknown, ${strikes} faults, term ${terms}`;
  const line = `seed ${seed}: ${problems.length === 0 ? 'ok' : 'FAILED'}  ${set}; ${did}; ${events} events; trace ${traceHash}; ${faults.join(' ')}\n`;
  return line + problems.map((problem) => `  ${problem}\n`).join('');
}
