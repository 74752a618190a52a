/**
 * The program `quorate`. Finds the subcommand and loads only what it needs: the time until a member listens counts.
 *
 * Exit codes: 0 done, 1 the command could not do it, 2 the command line is wrong; a member's own are in
 * set/exit_codes.ts and are MongoDB's.
 */
import { UsageError } from './arguments.ts';
import { GENERAL_HELP } from './help.ts';
import { VERSION } from './version.ts';

type Run = (words: readonly string[]) => Promise<number>;

/** Runs the program; returns the exit code once it may end, or never while a member runs. */
export async function main(words: readonly string[]): Promise<number> {
  const [first, ...rest] = words;
  if (first === '--version' || first === 'version') return print(`quorate ${VERSION}\n`);
  if (first === '--help' || first === '-h' || first === 'help') return print(await helpFor(rest[0]));
  try {
    const run = await findCommand(first);
    return await run(first === undefined || first.startsWith('-') ? words : rest);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`quorate: ${error.message}\nTry 'quorate --help'.\n`);
    return 2;
  }
}

async function findCommand(name: string | undefined): Promise<Run> {
  if (name === undefined || name.startsWith('-') || name === 'up') return (await import('./up_command.ts')).runUp;
  if (name === 'member') return (await import('./member_command.ts')).runMemberCommand;
  if (name === 'mongod') return (await import('./mongod_command.ts')).runMongod;
  if (name === 'status') return (await import('./status_command.ts')).runStatus;
  if (name === 'simulate') return (await import('./simulate_command.ts')).runSimulate;
  throw new UsageError(`there is no command '${name}'`);
}

async function helpFor(name: string | undefined): Promise<string> {
  if (name === 'up') return (await import('./up_command.ts')).UP_HELP;
  if (name === 'member') return (await import('./member_command.ts')).MEMBER_HELP;
  if (name === 'status') return (await import('./status_command.ts')).STATUS_HELP;
  if (name === 'simulate') return (await import('./simulate_command.ts')).SIMULATE_HELP;
  return GENERAL_HELP;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
