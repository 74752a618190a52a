/**
 * A member's data folder: made when it is missing, checked for being writable, and held by one process at a time.
 *
 * Node has no file locks, so the lock is a file that names its holder: process id, the moment that process started and
 * the boot of the machine. A holder that died, or whose id another process has by now, does not hold anything.
 */
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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

/** Each attempt that fails finds a lock whose holder is gone. */
const ATTEMPTS_MAX = 3;

/**
 * Takes the folder for this process. Throws {@link DataFolderError}.
 * @param create whether a missing folder is made
 */
export function lockDataFolder(path: string, create: boolean): DataFolderLock {
  prepareFolder(path, create);
  const file = join(path, LOCK_FILE);
  const mine = `${file}.${process.pid}`;
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const holder = readLock(file);
      if (holder !== undefined && isAlive(holder)) {
        throw new DataFolderError(
          `Data directory ${path} is in use: another mongod instance is already running on it (process ${holder.pid})`,
        );
      }
      // Before ours is written: on a full disk it takes that one's place.
      removeStale(file, holder);
      writeFileSync(mine, describeProcess(process.pid));
      if (take(mine, file)) return { release: () => rmSync(file, { force: true }) };
    }
  } catch (error) {
    throw error instanceof DataFolderError ? error : folderError(path, error);
  } finally {
    rmSync(mine, { force: true });
  }
  throw new DataFolderError(`Data directory ${path} is in use: other processes keep taking ${LOCK_FILE}`);
}

/** Gives the lock its content and its name at once: nobody sees it without. */
function take(mine: string, file: string): boolean {
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (isErrorWithCode(error, 'EEXIST')) return false;
    if (!isErrorWithCode(error, 'EPERM') && !isErrorWithCode(error, 'ENOTSUP')) throw error;
  }
  // A file system without links: for a moment the lock has no content.
  try {
    copyFileSync(mine, file, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (isErrorWithCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Puts it aside first: when another process was faster, it is that one's lock, and goes back. */
function removeStale(file: string, holder: Holder | undefined): void {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (isErrorWithCode(error, 'ENOENT')) return;
    throw error;
  }
  if (readLock(aside)?.text !== holder?.text) take(aside, file);
  rmSync(aside, { force: true });
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
