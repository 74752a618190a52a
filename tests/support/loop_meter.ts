/**
 * Loaded into a member's process before the program: measures how long its loop is held up, in processor time of the
 * loop's own thread, so that whatever else the machine does counts for nothing.
 *
 * An immediate that asks for itself again divides time into rounds of the loop; what a round used is at least as much as
 * the longest piece of work in it. SIGUSR2 ends a measurement, begins the next, and prints what was measured as a line of
 * the log.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { MEASURED_ID } from './measured.ts';

/** The longest rounds are reported, this many. */
const LONGEST_COUNT = 10;

const THREAD_STATISTICS = `/proc/self/task/${process.pid}/schedstat`;

interface Reading {
  /** Of the thread where the system tells it, else of the process. */
  readonly processorMs: number;
  readonly wallMs: number;
}

const readProcessorMs = processorClock();
let last = reading();
let longest: number[] = [];
let rounds = 0;

function round(): void {
  const now = reading();
  // A thread cannot use more time than passes.
  const usedMs = Math.min(now.processorMs - last.processorMs, now.wallMs - last.wallMs);
  rounds += 1;
  if (longest.length < LONGEST_COUNT || usedMs > longest[longest.length - 1]) {
    longest = [...longest, usedMs].sort((a, b) => b - a).slice(0, LONGEST_COUNT);
  }
  last = now;
  setImmediate(round);
}

function report(): void {
  const attr = { longestMs: longest, rounds };
  process.stdout.write(`${JSON.stringify({ s: 'I', c: 'TEST', id: MEASURED_ID, msg: 'Measured', attr })}\n`);
  longest = [];
  rounds = 0;
  last = reading();
}

function reading(): Reading {
  return { processorMs: readProcessorMs(), wallMs: performance.now() };
}

/** Source: Linux, Documentation/scheduler/sched-stats.rst: the first number is the nanoseconds spent on the processor. */
function processorClock(): () => number {
  const ofThread = (): number => Number(readFileSync(THREAD_STATISTICS, 'utf8').split(' ')[0]) / 1e6;
  const ofProcess = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  try {
    return ofThread() > 0 ? ofThread : ofProcess;
  } catch {
    return ofProcess;
  }
}

process.on('SIGUSR2', report);
round();
