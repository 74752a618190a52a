/** One member as a child process: started, watched through its log, killed, stopped and started again. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface MemberProcessOptions {
  readonly setName: string;
  readonly dbpath: string;
  readonly host: string;
  /** 0 takes any free port the first time; the same one is used when the member starts again. */
  readonly port: number;
  /** Server parameters. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly oplogSizeMb?: number;
  /** What Node runs: its own arguments, then the main file. Absent: this package's program. */
  readonly program?: readonly string[];
}

/** A log line of the child, as it prints them. */
export interface MemberLogLine {
  readonly s: string;
  readonly c: string;
  readonly id: number;
  readonly msg: string;
  readonly attr?: Readonly<Record<string, unknown>>;
}

/** The process ended before it took connections; the message is what it said about that, in one line if it can be. */
export class MemberStartError extends Error {
  /** -1: a signal ended it. */
  readonly exitCode: number;

  constructor(exitCode: number, lastLines: readonly string[], options: ErrorOptions) {
    super(reasonIn(lastLines) ?? `a member did not start:\n${lastLines.join('\n')}`, options);
    this.exitCode = exitCode;
  }

  override get name(): string {
    return 'MemberStartError';
  }
}

/** "Waiting for connections". */
const READY_ID = 23016;

/** How many of its last lines are shown when a child ends before it was ready. */
const LAST_LINES_MAX = 5;

/**
 * On Linux with glibc from 2.35 on: the memory of buffers, where a member has its blocks, is asked for in large pages, so that fewer
 * steps lead to a document in a random place. Nothing else knows the variable. Source: manual of glibc, "Memory Allocation
 * Tunables".
 */
const LARGE_PAGES = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export class MemberProcess {
  readonly #options: MemberProcessOptions;
  readonly #listeners = new Set<(line: MemberLogLine) => void>();
  #port: number;
  #child: Child | undefined;
  #ended: Promise<number> = Promise.resolve(0);

  constructor(options: MemberProcessOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  get port(): number {
    return this.#port;
  }

  /** 'host:port', known once it was ready. */
  get address(): string {
    return `${this.#options.host}:${this.#port}`;
  }

  get dbpath(): string {
    return this.#options.dbpath;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** The exit code of the process that runs or ran last; -1 when a signal ended it. */
  get ended(): Promise<number> {
    return this.#ended;
  }

  /** Calls back with every line it logs. Returns what unsubscribes. */
  onLine(listener: (line: MemberLogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when a line matches; rejects when the process ends first. */
  async waitForLine(matches: (line: MemberLogLine) => boolean): Promise<MemberLogLine> {
    let unsubscribe = () => {};
    const found = new Promise<MemberLogLine>((resolve) => {
      unsubscribe = this.onLine((line) => {
        if (matches(line)) resolve(line);
      });
    });
    const died = this.#ended.then((code) => {
      throw new Error(`member ${this.address} ended with exit code ${code}`);
    });
    try {
      return await Promise.race([found, died]);
    } finally {
      unsubscribe();
    }
  }

  /** Starts the process; resolves when it takes connections. Rejects with {@link MemberStartError} when it ends first. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`member ${this.address} runs already`);
    const lastLines: string[] = [];
    const child = spawn(process.execPath, [...(this.#options.program ?? programArguments()), ...this.#arguments()], {
      env: { ...LARGE_PAGES, ...process.env },
      // Its end tells the member that this process is gone.
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('error', () => resolve(-1));
      child.once('close', (code) => {
        this.#child = undefined;
        resolve(code ?? -1);
      });
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => lastLines.push(text.trimEnd()));
    createInterface({ input: child.stdout }).on('line', (text) => {
      lastLines.push(text);
      if (lastLines.length > LAST_LINES_MAX) lastLines.shift();
      this.#hear(text);
    });
    try {
      const ready = await this.waitForLine((line) => line.id === READY_ID);
      this.#port = Number(ready.attr?.['port']);
    } catch (error) {
      throw new MemberStartError(await this.#ended, lastLines, { cause: error });
    }
  }

  /** SIGKILL: as if the machine pulled the plug on this process. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM; resolves with the exit code, 0 after a clean end. */
  async stop(): Promise<number> {
    this.#child?.kill('SIGTERM');
    return await this.#ended;
  }

  /** Stops the process from running (SIGSTOP) without ending it, and lets it go on. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  #arguments(): string[] {
    const { setName, dbpath, host, parameters, oplogSizeMb } = this.#options;
    const words = [
      'member',
      '--stopWithInput',
      '--replSet',
      setName,
      '--dbpath',
      dbpath,
      '--bind_ip',
      host,
      '--port',
      String(this.#port),
    ];
    if (oplogSizeMb !== undefined) words.push('--oplogSize', String(oplogSizeMb));
    for (const [name, value] of Object.entries(parameters ?? {})) words.push('--setParameter', `${name}=${value}`);
    return words;
  }

  #hear(text: string): void {
    const line = parseLine(text);
    if (line === undefined) return;
    for (const listener of this.#listeners) listener(line);
  }
}

/** Node's own arguments and the program's main file: built, or from the sources in a checkout. */
function programArguments(): string[] {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.ts')) {
    return ['--import', 'tsx', fileURLToPath(new URL('../cli/start.ts', import.meta.url))];
  }
  const start = fileURLToPath(new URL('../cli/start.js', import.meta.url));
  if (!existsSync(start)) throw new Error(`${start} is missing: the installation is not complete`);
  return [start];
}

/** The last error among log lines, or what a wrong command line was answered with. */
function reasonIn(lines: readonly string[]): string | undefined {
  for (const text of lines.toReversed()) {
    const line = parseLine(text);
    if (line === undefined && text.startsWith('quorate: ')) return text.slice('quorate: '.length).split('\n')[0];
    if (line === undefined || (line.s !== 'E' && line.s !== 'F')) continue;
    const error = line.attr?.['error'];
    return typeof error === 'string' ? error : line.msg;
  }
  return undefined;
}

function parseLine(text: string): MemberLogLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('id' in value) || !('msg' in value)) return undefined;
    return value as MemberLogLine;
  } catch {
    // Not a log line: a stray print is of no interest here.
    return undefined;
  }
}
