/** A small file system of its own (tmpfs), for tests that fill it. Mounting needs root; see {@link whyNoSmallDisk}. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../temporary_folder.ts';

export interface SmallDisk {
  readonly path: string;
  /** Takes all room that is left, but for about `keepBytes`, with a file of its own. */
  fill(keepBytes?: number): void;
  /** Gives that room back. */
  makeRoom(): void;
  remove(): void;
}

const BALLAST = 'ballast';

/**
 * Throws what `mount` said when it is not permitted.
 * @param path an empty folder to mount it over; absent: a temporary one
 */
export function smallDisk(sizeMb: number, path?: string): SmallDisk {
  if (path !== undefined) return mountAt(path, sizeMb, () => {});
  const folder = temporaryFolder();
  return mountAt(folder.path, sizeMb, () => folder.remove());
}

function mountAt(path: string, sizeMb: number, removeFolder: () => void): SmallDisk {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', path], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    removeFolder();
    throw new Error(`no file system could be mounted: ${mounted.error?.message ?? mounted.stderr.trim()}`);
  }
  return {
    path,
    fill: (keepBytes = 0) => fill(path, keepBytes),
    makeRoom: () => rmSync(join(path, BALLAST), { force: true }),
    remove: () => {
      spawnSync('umount', [path]);
      removeFolder();
    },
  };
}

/** Why a small file system cannot be had here; undefined when it can. */
export function whyNoSmallDisk(): string | undefined {
  try {
    smallDisk(1).remove();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function fill(path: string, keepBytes: number): void {
  const ballast = openSync(join(path, BALLAST), 'a');
  try {
    for (;;) {
      const { bavail, bsize } = statfsSync(path);
      const size = Math.min(bavail * bsize - keepBytes, 1024 * 1024);
      if (size <= 0) return;
      writeSync(ballast, new Uint8Array(size));
    }
  } catch (error) {
    // Others take room at the same time; full is what was wanted.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(ballast);
  }
}
