/** Files below one root folder, over node:fs. */
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  open as openLater,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  write as writeLater,
  writeSync,
} from 'node:fs';
import { close as closeLater, constants } from 'node:fs';
import { join } from 'node:path';
import { IoError, type FileHandle, type Files, type IoErrorKind } from '../base/env.ts';
import { invariant } from '../base/invariant.ts';

/** Room is reserved by writing zeros, this many at a time. */
const ZEROS = new Uint8Array(1024 * 1024);

const KINDS: Readonly<Record<string, IoErrorKind>> = {
  ENOSPC: 'noSpace',
  EDQUOT: 'noSpace',
  ENOENT: 'notFound',
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
};

/** The root folder must exist and be writable before the first call; see `data_folder.ts`. */
export class HostFiles implements Files {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  makeDirectory(path: string): void {
    attempt(`create the folder ${path}`, () => mkdirSync(this.#absolute(path), { recursive: true }));
  }

  list(path: string): string[] {
    try {
      return readdirSync(this.#absolute(path)).toSorted();
    } catch (error) {
      const failure = ioError(`list the folder ${path}`, error);
      if (failure.kind === 'notFound') return [];
      throw failure;
    }
  }

  exists(path: string): boolean {
    return existsSync(this.#absolute(path));
  }

  remove(path: string): void {
    attempt(`remove ${path}`, () => unlinkSync(this.#absolute(path)));
  }

  rename(from: string, to: string): void {
    attempt(`rename ${from} to ${to}`, () => renameSync(this.#absolute(from), this.#absolute(to)));
  }

  open(path: string): FileHandle {
    const flags = constants.O_RDWR | constants.O_CREAT;
    return new HostFile(
      path,
      attempt(`open ${path}`, () => openSync(this.#absolute(path), flags, 0o600)),
    );
  }

  /** Systems whose folders cannot be opened (Windows) keep their own journal of names: nothing to do there. */
  syncDirectory(path: string): Promise<void> {
    if (process.platform === 'win32') return Promise.resolve();
    const absolute = this.#absolute(path);
    return new Promise((resolve, reject) => {
      openLater(absolute, 'r', (openError, descriptor) => {
        if (openError) return reject(ioError(`open the folder ${path}`, openError));
        fsync(descriptor, (syncError) => {
          closeLater(descriptor, (closeError) => {
            const error = syncError ?? closeError;
            if (error) reject(ioError(`sync the folder ${path}`, error));
            else resolve();
          });
        });
      });
    });
  }

  #absolute(path: string): string {
    invariant(!path.split('/').includes('..'), `${path} stays below the root`);
    return join(this.#root, path);
  }
}

class HostFile implements FileHandle {
  readonly #path: string;
  #descriptor: number | undefined;

  constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
  }

  size(): number {
    const descriptor = this.#open();
    return attempt(`look at ${this.#path}`, () => fstatSync(descriptor).size);
  }

  read(into: Uint8Array, position: number): number {
    const descriptor = this.#open();
    try {
      let done = 0;
      while (done < into.length) {
        const count = readSync(descriptor, into, done, into.length - done, position + done);
        if (count === 0) break;
        done += count;
      }
      return done;
    } catch (error) {
      throw ioError(`read ${this.#path}`, error);
    }
  }

  write(bytes: Uint8Array, position: number): void {
    const descriptor = this.#open();
    try {
      let done = 0;
      while (done < bytes.length) done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
    } catch (error) {
      throw ioError(`write ${this.#path}`, error);
    }
  }

  writeLater(bytes: Uint8Array, position: number): Promise<void> {
    const descriptor = this.#open();
    return new Promise((resolve, reject) => {
      const writeFrom = (done: number): void => {
        writeLater(descriptor, bytes, done, bytes.length - done, position + done, (error, count) => {
          if (error) reject(ioError(`write ${this.#path}`, error));
          else if (done + count < bytes.length) writeFrom(done + count);
          else resolve();
        });
      };
      writeFrom(0);
    });
  }

  /** By zeros: they take the blocks and their place in the file's map, so that a later sync has only data to write. */
  allocate(sizeBytes: number): void {
    for (let at = this.size(); at < sizeBytes; at += ZEROS.length) {
      this.write(ZEROS.subarray(0, Math.min(ZEROS.length, sizeBytes - at)), at);
    }
  }

  truncate(sizeBytes: number): void {
    const descriptor = this.#open();
    attempt(`truncate ${this.#path}`, () => ftruncateSync(descriptor, sizeBytes));
  }

  sync(): Promise<void> {
    const descriptor = this.#open();
    return new Promise((resolve, reject) => {
      fdatasync(descriptor, (error) => {
        if (error) reject(ioError(`sync ${this.#path}`, error));
        else resolve();
      });
    });
  }

  close(): void {
    const descriptor = this.#open();
    this.#descriptor = undefined;
    attempt(`close ${this.#path}`, () => closeSync(descriptor));
  }

  #open(): number {
    invariant(this.#descriptor !== undefined, `${this.#path} is open`);
    return this.#descriptor;
  }
}

function attempt<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw ioError(what, error);
  }
}

function ioError(what: string, cause: unknown): IoError {
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new IoError(KINDS[code] ?? 'io', `cannot ${what}: ${reason}`, { cause });
}
