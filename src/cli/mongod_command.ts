/**
 * The program as tools expect one named `mongod` to behave: its flags, its log lines, its exit codes. `bin/compat/`
 * has the executable. What is not understood is refused by name, never ignored.
 */
import { createLogPrinter } from '../host/log_printer.ts';
import { EXIT_BAD_OPTIONS } from '../set/exit_codes.ts';
import { runMember } from '../set/run_member.ts';
import { parseArguments, UsageError, type OptionTable } from './arguments.ts';
import { MEMBER_OPTIONS, memberOptionsOf } from './member_command.ts';

/** What hello and buildInfo report too; a test keeps them equal. */
const MONGOD_VERSION = '8.0.15';

const OPTIONS: OptionTable = {
  ...MEMBER_OPTIONS,
  storageEngine: { kind: 'text', help: 'wiredTiger or ephemeralForTest; both mean our own' },
  nounixsocket: { kind: 'flag', help: 'accepted: there is no Unix socket' },
  noauth: { kind: 'flag', help: 'accepted: there is no authentication yet' },
  auth: { kind: 'flag', help: 'refused: there is no authentication yet' },
  keyFile: { kind: 'text', help: 'refused: there is no authentication yet' },
  config: { kind: 'text', alias: 'f', help: 'refused: give the options on the command line' },
  version: { kind: 'flag', help: 'print the version' },
  help: { kind: 'flag', alias: 'h', help: 'print this' },
};

/** Runs a member as `mongod`; resolves with the exit code. */
export async function runMongod(words: readonly string[]): Promise<number> {
  try {
    const parsed = parseArguments(OPTIONS, words);
    if (parsed.has('version')) return print(`db version v${MONGOD_VERSION}\nBuild Info: quorate\n`);
    if (parsed.has('help'))
      return print(
        `Options:\n${Object.keys(OPTIONS)
          .map((name) => `  --${name}\n`)
          .join('')}`,
      );
    for (const name of ['auth', 'keyFile', 'config']) {
      if (parsed.has(name)) throw new UsageError(`option '--${name}' is not supported`);
    }
    const [unexpected] = parsed.positionals;
    if (unexpected !== undefined)
      throw new UsageError(`too many positional options have been specified: ${unexpected}`);
    const engine = parsed.text('storageEngine') ?? 'wiredTiger';
    if (engine !== 'wiredTiger' && engine !== 'ephemeralForTest') {
      throw new UsageError(`unknown storage engine '${engine}'`);
    }
    return await runMember({
      ...memberOptionsOf(parsed),
      dbpath: parsed.text('dbpath') ?? '/data/db',
      createFolder: false,
      stopWithInput: false,
      log: createLogPrinter('json', (text) => process.stdout.write(text)),
    });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`Error parsing command line: ${error.message}\ntry 'mongod --help' for more information\n`);
    return EXIT_BAD_OPTIONS;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
