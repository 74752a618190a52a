/**
 * A replica set on this machine, for tests and development: every member is a process of its own, started, killed and
 * stopped from here.
 *
 * ```ts
 * const set = await ReplicaSet.start({ members: 3 });
 * const client = new MongoClient(set.uri);
 * await (await set.primary()).kill();
 * await set.stop();
 * ```
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needsInitiate, runAdminCommand } from './admin_client.ts';
import { MemberProcess, type MemberLogLine } from './member_process.ts';

export interface ReplicaSetOptions {
  /** How many members; default 3. */
  readonly members?: number;
  /** Default 'rs0'. */
  readonly setName?: string;
  /** The folder of all members' data; kept. Absent: a temporary one that `stop` removes. */
  readonly dbpath?: string;
  /** The first member's port, the others' follow; default any free ones. */
  readonly port?: number;
  /** Address to listen on and to be named by; default 127.0.0.1. */
  readonly host?: string;
  /** Server parameters of every member. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** `settings` of the configuration, as { electionTimeoutMillis: 2000 }. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Further fields of each member's configuration, in order, as [{ priority: 2 }]. */
  readonly memberSettings?: readonly Readonly<Record<string, unknown>>[];
  readonly oplogSizeMb?: number;
  /** What Node runs for each member: its own arguments, then the main file. Absent: this package's program. */
  readonly program?: readonly string[];
  /** Told every log line of every member. */
  readonly onLine?: (line: MemberLogLine, member: MemberProcess) => void;
}

/** "Transition to primary complete; database writes are now permitted". */
const PRIMARY_READY_ID = 21_331;

/** How long a set may take to have a primary. An election that has to be repeated takes some ten seconds each time. */
const START_LIMIT_MS = 90_000;

/** Holds the members' ports: they are part of the set's configuration and must be the same at the next start. */
const PORTS_FILE = 'ports.json';

export class ReplicaSet {
  readonly setName: string;
  readonly members: readonly MemberProcess[];
  readonly #removeFolder: (() => void) | undefined;

  private constructor(setName: string, members: readonly MemberProcess[], removeFolder: (() => void) | undefined) {
    this.setName = setName;
    this.members = members;
    this.#removeFolder = removeFolder;
  }

  /**
   * Starts the members; initiates the set unless its data is there already. Resolves when a primary takes writes.
   * Rejects when a member does not start; nothing is left running then.
   */
  static async start(options: ReplicaSetOptions = {}): Promise<ReplicaSet> {
    const folder = options.dbpath ?? mkdtempSync(join(tmpdir(), 'quorate-'));
    const removeFolder =
      options.dbpath === undefined ? () => rmSync(folder, { recursive: true, force: true }) : undefined;
    const members = createMembers(options, folder, rememberedPorts(options, folder));
    const set = new ReplicaSet(options.setName ?? 'rs0', members, removeFolder);
    try {
      await Promise.all(members.map((member) => member.start()));
      rememberPorts(folder, members);
      await set.#initiateIfNew(options);
      await withLimit(set.primary(), START_LIMIT_MS, 'no member became primary');
      return set;
    } catch (error) {
      await Promise.all(members.map((member) => member.kill()));
      removeFolder?.();
      throw error;
    }
  }

  get uri(): string {
    return `mongodb://${this.members.map(({ address }) => address).join(',')}/?replicaSet=${this.setName}`;
  }

  /** The member that takes writes; waits until there is one. */
  async primary(): Promise<MemberProcess> {
    const running = this.members.filter(({ isRunning }) => isRunning);
    if (running.length === 0) throw new Error('no member is running');
    // Listen first, then look: an election between the two is not missed.
    const elected = running.map((member) => member.waitForLine(({ id }) => id === PRIMARY_READY_ID).then(() => member));
    for (const waiting of elected) waiting.catch(() => {});
    const current = await this.#findPrimary(running);
    return current ?? (await Promise.any(elected));
  }

  /** Starts again those whose process ended. */
  async restartDeadMembers(): Promise<void> {
    await Promise.all(this.members.filter(({ isRunning }) => !isRunning).map((member) => member.start()));
  }

  /** Stops all members cleanly, and removes the data unless `dbpath` was given. */
  async stop(): Promise<void> {
    await Promise.all(
      this.members.map(async (member) => {
        member.resume();
        await member.stop();
      }),
    );
    this.#removeFolder?.();
  }

  async #initiateIfNew(options: ReplicaSetOptions): Promise<void> {
    const [first] = this.members;
    if (first === undefined || !(await needsInitiate(first.address))) return;
    await runAdminCommand(first.address, {
      replSetInitiate: {
        _id: this.setName,
        members: this.members.map(({ address }, id) => ({ _id: id, host: address, ...options.memberSettings?.[id] })),
        ...(options.settings !== undefined && { settings: options.settings }),
      },
    });
  }

  async #findPrimary(members: readonly MemberProcess[]): Promise<MemberProcess | undefined> {
    const answers = await Promise.allSettled(members.map(({ address }) => runAdminCommand(address, { hello: 1 })));
    return members.find((_, index) => {
      const answer = answers[index];
      return answer?.status === 'fulfilled' && answer.value['isWritablePrimary'] === true;
    });
  }
}

function createMembers(options: ReplicaSetOptions, folder: string, ports: readonly number[]): MemberProcess[] {
  const { members: count = 3, setName = 'rs0', host = '127.0.0.1', port = 0, onLine } = options;
  return Array.from({ length: count }, (_, index) => {
    const member = new MemberProcess({
      setName,
      host,
      dbpath: join(folder, `member${index}`),
      port: ports[index] ?? (port === 0 ? 0 : port + index),
      ...(options.parameters !== undefined && { parameters: options.parameters }),
      ...(options.oplogSizeMb !== undefined && { oplogSizeMb: options.oplogSizeMb }),
      ...(options.program !== undefined && { program: options.program }),
    });
    if (onLine !== undefined) member.onLine((line) => onLine(line, member));
    return member;
  });
}

/** The ports of the set whose data is in the folder; none when it is new. Throws when others are asked for. */
function rememberedPorts({ members: count = 3, port = 0 }: ReplicaSetOptions, folder: string): readonly number[] {
  const path = join(folder, PORTS_FILE);
  if (!existsSync(path)) return [];
  const ports = parseJson(readFileSync(path, 'utf8'));
  if (!Array.isArray(ports) || !ports.every((entry) => typeof entry === 'number'))
    throw new Error(`${path} is damaged`);
  if (ports.length !== count)
    throw new Error(`the data under ${folder} is that of ${ports.length} members, not ${count}`);
  if (port !== 0 && ports[0] !== port) {
    throw new Error(`the data under ${folder} is that of a set on ports ${ports.join(', ')}, not ${port}`);
  }
  return ports;
}

/** Undefined when it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller says which file it is.
    return undefined;
  }
}

function rememberPorts(folder: string, members: readonly MemberProcess[]): void {
  writeFileSync(join(folder, PORTS_FILE), JSON.stringify(members.map(({ port }) => port)));
}

async function withLimit<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
