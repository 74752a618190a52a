/** Runs one member in this process, from the data folder to the exit code. */
import { CommandError } from '../base/command_error.ts';
import { DataError, type DataErrorKind } from '../base/data_error.ts';
import { IoError, NetworkError } from '../base/env.ts';
import { InvariantError } from '../base/invariant.ts';
import type { Log, LogLine } from '../base/log.ts';
import { DataFolderError, lockDataFolder } from '../host/data_folder.ts';
import { createHostEnv } from '../host/env.ts';
import { hostMachine } from '../host/machine.ts';
import { openLmdbBaseStore } from '../host/lmdb_base_store.ts';
import { Member } from '../member/member.ts';
import {
  EXIT_ABRUPT,
  EXIT_BAD_OPTIONS,
  EXIT_CLEAN,
  EXIT_DATA_FOLDER,
  EXIT_NEED_UPGRADE,
  EXIT_NET_ERROR,
} from './exit_codes.ts';

export interface RunMemberOptions {
  readonly setName: string;
  readonly dbpath: string;
  readonly port: number;
  readonly bindAddresses: readonly string[];
  readonly oplogSizeBytesMax: number | undefined;
  readonly parameters: ReadonlyMap<string, string>;
  /** Whether a missing data folder is made. */
  readonly createFolder: boolean;
  /** Whether the end of standard input stops the member. */
  readonly stopWithInput: boolean;
  readonly log: Log;
}

/** Runs until a signal, `shutdown` or a failure ends the member; resolves with the exit code. */
export async function runMember(options: RunMemberOptions): Promise<number> {
  const { log } = options;
  let release = () => {};
  // Whatever goes wrong later must end the process: nothing is known of a member after a failure.
  const fail = (error: unknown): never => {
    log.write(fatalLine(error));
    release();
    process.exit(EXIT_ABRUPT);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  // From the first moment on: who sees the ready line may stop the member in the same instant.
  const stop = stopAtSignals();
  try {
    const lock = lockDataFolder(options.dbpath, options.createFolder);
    release = () => lock.release();
    const env = createHostEnv(options.dbpath);
    const member = await Member.start({
      env,
      log,
      settings: options,
      openBase: () => openLmdbBaseStore({ directory: `${options.dbpath}/base` }),
      onFatal: fail,
      machine: hostMachine(),
      start: { argv: process.argv, parsed: parsedOptions(options) },
    });
    void stop.then((reason) => member.requestStop(reason));
    if (options.stopWithInput) process.stdin.on('end', () => member.requestStop('end of input')).resume();
    await member.ended;
    return EXIT_CLEAN;
  } catch (error) {
    return reportStartFailure(log, error);
  } finally {
    release();
  }
}

/** Resolves with the first signal that asks the process to end. */
function stopAtSignals(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
  });
}

/** As getCmdLineOpts shows them. */
function parsedOptions(options: RunMemberOptions): Readonly<Record<string, unknown>> {
  return {
    net: { bindIp: options.bindAddresses.join(','), port: options.port },
    replication: { replSet: options.setName },
    storage: { dbPath: options.dbpath },
  };
}

const DATA_EXIT_CODES: Readonly<Record<DataErrorKind, number>> = {
  damage: EXIT_ABRUPT,
  version: EXIT_NEED_UPGRADE,
  otherSet: EXIT_BAD_OPTIONS,
};

/** One line for what the operator can put right; anything else is told with all there is. */
function reportStartFailure(log: Log, error: unknown): number {
  if (error instanceof NetworkError) {
    log.write(errorLine(20_568, `Error setting up listener: ${error.message}`, error.message));
    return EXIT_NET_ERROR;
  }
  const code = startExitCode(error);
  if (code === undefined || !(error instanceof Error)) {
    log.write(fatalLine(error));
    return EXIT_ABRUPT;
  }
  log.write(errorLine(20_557, 'DBException in initAndListen, terminating', error.message));
  return code;
}

function startExitCode(error: unknown): number | undefined {
  if (error instanceof DataFolderError || error instanceof IoError) return EXIT_DATA_FOLDER;
  if (error instanceof DataError) return DATA_EXIT_CODES[error.kind];
  // A server parameter that does not exist or has a wrong value.
  if (error instanceof CommandError && error.codeName === 'BadValue') return EXIT_BAD_OPTIONS;
  return undefined;
}

function errorLine(id: number, message: string, error: string): LogLine {
  return { severity: 'E', component: 'CONTROL', id, context: 'initandlisten', message, attributes: { error } };
}

function fatalLine(error: unknown): LogLine {
  const text = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return {
    severity: 'F',
    component: 'CONTROL',
    id: 8_000_002,
    context: 'main',
    message: error instanceof InvariantError ? 'An invariant does not hold; the member stops' : 'The member stops',
    attributes: { error: text, ...(stack !== undefined && { stack }) },
  };
}
