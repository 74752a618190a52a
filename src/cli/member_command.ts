/** `quorate member`: one member in this process, until it is told to stop. */
import { createLogPrinter } from '../host/log_printer.ts';
import { runMember } from '../set/run_member.ts';
import { describeOptions, parseArguments, UsageError, type OptionTable, type ParsedArguments } from './arguments.ts';
import { splitParameter } from './split_parameter.ts';

/** Options that `quorate member` and `mongod` share, under MongoDB's names. */
export const MEMBER_OPTIONS = {
  replSet: { kind: 'text', placeholder: 'name', help: 'the set this member belongs to (required)' },
  dbpath: { kind: 'text', placeholder: 'folder', help: 'where the data is kept (default ./data/db)' },
  port: { kind: 'integer', placeholder: 'n', help: 'TCP port, 0 takes any free one (default 27017)' },
  bind_ip: { kind: 'text', placeholder: 'a,b', help: 'addresses to listen on (default 127.0.0.1)' },
  bind_ip_all: { kind: 'flag', help: 'listen on all addresses' },
  oplogSize: { kind: 'integer', placeholder: 'MB', help: 'how much of the oplog to keep' },
  setParameter: { kind: 'list', placeholder: 'k=v', help: 'set a server parameter; may be given again' },
} as const satisfies OptionTable;

const OPTIONS: OptionTable = {
  ...MEMBER_OPTIONS,
  plain: { kind: 'flag', help: 'log lines for people instead of JSON' },
  quiet: { kind: 'flag', help: 'log warnings and errors only' },
  stopWithInput: { kind: 'flag', help: 'stop when standard input ends: the member lives as long as who started it' },
};

export const MEMBER_HELP = `quorate member --replSet <name> [options]

Runs one member of a replica set. A new set is made once with replSetInitiate (rs.initiate(...) in mongosh).

${describeOptions(OPTIONS)}
The log on standard output is JSON in MongoDB's form. SIGTERM and Ctrl-C stop the member cleanly (exit code 0).
`;

/** Runs a member; resolves with the exit code. */
export async function runMemberCommand(words: readonly string[]): Promise<number> {
  const parsed = parseArguments({ ...OPTIONS, help: { kind: 'flag', alias: 'h', help: '' } }, words);
  if (parsed.has('help')) {
    process.stdout.write(MEMBER_HELP);
    return 0;
  }
  if (parsed.positionals.length > 0) throw new UsageError(`unexpected '${parsed.positionals.join(' ')}'`);
  const printer = createLogPrinter(parsed.has('plain') ? 'plain' : 'json', (text) => process.stdout.write(text));
  const log = parsed.has('quiet')
    ? {
        write: (line: Parameters<typeof printer.write>[0]) =>
          'FEW'.includes(line.severity) ? printer.write(line) : undefined,
      }
    : printer;
  return await runMember({
    ...memberOptionsOf(parsed),
    createFolder: true,
    stopWithInput: parsed.has('stopWithInput'),
    log,
  });
}

/** The member's settings from its command line. Throws {@link UsageError}. */
export function memberOptionsOf(parsed: ParsedArguments): MemberCommandOptions {
  const setName = parsed.text('replSet');
  if (setName === undefined || setName === '') {
    throw new UsageError('--replSet <name> is needed: a member always belongs to a set');
  }
  const port = parsed.integer('port') ?? 27017;
  if (port > 65535) throw new UsageError(`--port ${port} is out of range: 0 to 65535`);
  const oplogSizeMb = parsed.integer('oplogSize');
  if (oplogSizeMb === 0) throw new UsageError('--oplogSize 0 is out of range: 1 or more megabytes');
  const addresses = (parsed.text('bind_ip') ?? '127.0.0.1').split(',').map((address) => address.trim());
  if (addresses.includes('')) throw new UsageError(`--bind_ip '${parsed.text('bind_ip')}' names an empty address`);
  return {
    setName,
    dbpath: parsed.text('dbpath') ?? './data/db',
    port,
    bindAddresses: parsed.has('bind_ip_all') || addresses.includes('*') ? ['0.0.0.0'] : addresses,
    oplogSizeBytesMax: oplogSizeMb === undefined ? undefined : oplogSizeMb * 1024 * 1024,
    parameters: new Map(parsed.list('setParameter').map(splitParameter)),
  };
}

interface MemberCommandOptions {
  readonly setName: string;
  readonly dbpath: string;
  readonly port: number;
  readonly bindAddresses: readonly string[];
  readonly oplogSizeBytesMax: number | undefined;
  readonly parameters: ReadonlyMap<string, string>;
}
