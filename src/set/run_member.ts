/** Runs one member in this process, from the data folder to the exit code. */
import { InvariantError } from '../base/invariant.ts';
import type { Log, LogLine } from '../base/log.ts';
import { NetworkError } from '../base/env.ts';
import { DataFolderError, lockDataFolder } from '../host/data_folder.ts';
import { createHostEnv } from '../host/env.ts';
import { hostMachine } from '../host/machine.ts';
import { openLmdbBaseStore } from '../host/lmdb_base_store.ts';
import { LocalStateError } from '../member/local_state.ts';
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
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => member.requestStop(signal));
    if (options.stopWithInput) process.stdin.on('end', () => member.requestStop('end of input')).resume();
    await member.ended;
    return EXIT_CLEAN;
  } catch (error) {
    return reportStartFailure(log, error);
  } finally {
    release();
  }
}

/** As getCmdLineOpts shows them. */
function parsedOptions(options: RunMemberOptions): Readonly<Record<string, unknown>> {
  return {
    net: { bindIp: options.bindAddresses.join(','), port: options.port },
    replication: { replSet: options.setName },
    storage: { dbPath: options.dbpath },
  };
}

function reportStartFailure(log: Log, error: unknown): number {
  if (error instanceof DataFolderError) {
    log.write(errorLine(20557, 'DBException in initAndListen, terminating', error.message));
    return EXIT_DATA_FOLDER;
  }
  if (error instanceof LocalStateError) {
    log.write(errorLine(20557, 'DBException in initAndListen, terminating', error.message));
    return EXIT_NEED_UPGRADE;
  }
  if (error instanceof NetworkError) {
    log.write(errorLine(20568, `Error setting up listener: ${error.message}`, error.message));
    return EXIT_NET_ERROR;
  }
  log.write(fatalLine(error));
  return error instanceof RangeError ? EXIT_BAD_OPTIONS : EXIT_ABRUPT;
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
    id: 8_000_001,
    context: 'main',
    message: error instanceof InvariantError ? 'An invariant does not hold; the member stops' : 'The member stops',
    attributes: { error: text, ...(stack !== undefined && { stack }) },
  };
}
