/** Simulated runs on several processors: each child process takes the next seed when it is done with one. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NO_LOG, type Log } from '../base/log.ts';
import { settler } from '../host/settle.ts';
import type { Fault } from '../sim/nemesis.ts';
import { simulate, type SimulationResult } from '../sim/simulation.ts';

export interface SeedRun {
  readonly seed: number;
  readonly virtualSeconds: number;
  /** Run it again and compare the trace hashes. */
  readonly isTwice: boolean;
  /** Undefined: drawn from the seed. */
  readonly faults: readonly Fault[] | undefined;
}

export interface SeedReport {
  readonly result: SimulationResult;
  readonly problems: readonly string[];
  /** Processor time that it took. */
  readonly seconds: number;
}

/** The argument that tells a process that it is one of ours. */
const ROLE = 'simulate-worker';

/** A broken invariant in something that nobody waits for ends here, as it would end a real process. */
function watchUncaught(report: (error: unknown) => void): () => void {
  process.on('unhandledRejection', report).on('uncaughtException', report);
  return () => void process.off('unhandledRejection', report).off('uncaughtException', report);
}

/** One run, or two that must be the same. */
export async function runSeed(
  { seed, virtualSeconds, isTwice, faults }: SeedRun,
  log: Log = NO_LOG,
): Promise<SeedReport> {
  const started = process.cpuUsage();
  const options = { seed, virtualSeconds, settle: settler(), watchUncaught, faults, log };
  const result = await simulate(options);
  const problems = [...result.failures];
  if (isTwice) {
    const { traceHash } = await simulate(options);
    if (traceHash !== result.traceHash) problems.push(`the second run's trace is ${traceHash}`);
  }
  const { user, system } = process.cpuUsage(started);
  return { result, problems, seconds: (user + system) / 1_000_000 };
}

/**
 * Runs all, in `jobs` processes; `onReport` is told of each as it ends, in any order, and returns whether to go on. Rejects
 * when a process dies.
 */
export async function runSeeds(
  runs: readonly SeedRun[],
  jobs: number,
  onReport: (report: SeedReport) => boolean,
): Promise<void> {
  const queue = [...runs];
  const workers = Array.from({ length: Math.min(jobs, runs.length) }, () =>
    fork(fileURLToPath(import.meta.url), [ROLE]),
  );
  const take = (report: SeedReport): void => {
    if (!onReport(report)) queue.length = 0;
  };
  try {
    await Promise.all(workers.map((worker) => work(worker, queue, take)));
  } finally {
    for (const worker of workers) worker.kill();
  }
}

/** Gives a worker one run after the other until none is left. */
function work(worker: ChildProcess, queue: SeedRun[], onReport: (report: SeedReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveNext = (): void => {
      const run = queue.shift();
      if (run === undefined) resolve();
      else worker.send(run);
    };
    worker.on('message', (message) => {
      onReport(message as SeedReport);
      giveNext();
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a simulation process ended with code ${code}`)));
    giveNext();
  });
}

if (process.argv[2] === ROLE) {
  process.on('message', (message) => {
    void runSeed(message as SeedRun).then((report) => process.send?.(report));
  });
}
