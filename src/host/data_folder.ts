/**
 * A member's data folder: made when it is missing, checked for being writable, and held by one process at a time.
 *
 * Node has no file locks, so the lock is a file that names its holder: process id, the moment that process started and
 * the boot of the machine. A holder that died, or whose id another process has by now, does not hold anything.
 */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder cannot be used; the message is one line for the operator. */
export class DataFolderError extends Error {
  override get name(): string {
    return 'DataFolderError';
  }
}

export interface DataFolderLock {
  release(): void;
}

const LOCK_FILE = 'member.lock';

/**
 * Takes the folder for this process. Throws {@link DataFolderError}.
 * @param create whether a missing folder is made
 */
export function lockDataFolder(path: string, create: boolean): DataFolderLock {
  prepareFolder(path, create);
  const file = join(path, LOCK_FILE);
  const me = describeProcess(process.pid);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      writeFileSync(file, me, { flag: 'wx' });
      return { release: () => rmSync(file, { force: true }) };
    } catch (error) {
      if (!isErrorWithCode(error, 'EEXIST')) throw folderError(path, error);
    }
    const holder = readLock(file);
    if (holder !== undefined && isAlive(holder)) {
      throw new DataFolderError(
        `Data directory ${path} is in use: another mongod instance is already running on it (process ${holder.pid})`,
      );
    }
    rmSync(file, { force: true });
  }
  throw new DataFolderError(`Data directory ${path} is in use: other processes keep taking ${LOCK_FILE}`);
}

function prepareFolder(path: string, create: boolean): void {
  try {
    if (create) mkdirSync(path, { recursive: true });
    if (!existsSync(path)) throw new DataFolderError(`Data directory ${path} not found`);
    if (!statSync(path).isDirectory()) throw new DataFolderError(`${path} is not a directory`);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    throw folderError(path, error);
  }
}

function folderError(path: string, error: unknown): DataFolderError {
  const denied = isErrorWithCode(error, 'EACCES') || isErrorWithCode(error, 'EPERM') || isErrorWithCode(error, 'EROFS');
  const reason = error instanceof Error ? error.message : String(error);
  const text = denied
    ? `Data directory ${path} is not writable: permission denied`
    : `Data directory ${path} cannot be used: ${reason}`;
  return new DataFolderError(text, { cause: error });
}

interface Holder {
  readonly pid: number;
  readonly text: string;
}

function readLock(file: string): Holder | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    const pid = Number.parseInt(text, 10);
    return Number.isSafeInteger(pid) && pid > 0 ? { pid, text } : undefined;
  } catch {
    // Removed between the two looks: the holder just ended.
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  if (holder.pid === process.pid) return holder.text === describeProcess(process.pid);
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return isErrorWithCode(error, 'EPERM');
  }
  return holder.text === describeProcess(holder.pid);
}

/** Process id, start time and boot: unique where /proc exists, the id alone elsewhere. */
function describeProcess(pid: number): string {
  return `${pid} ${startOf(pid)} ${readLine('/proc/sys/kernel/random/boot_id')}\n`;
}

function startOf(pid: number): string {
  const stat = readLine(`/proc/${pid}/stat`);
  // The name in parentheses may hold spaces; the start time is the 20th field after it.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function readLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Not Linux: the process id has to do.
    return '';
  }
}

function isErrorWithCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
