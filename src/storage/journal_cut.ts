/**
 * Cutting the end of the journal (a rollback) so that no crash brings back what was cut.
 *
 * The cut is announced in a file of its own before anything changes, and the announcement goes when all is done and
 * durable. A crash in between finds it and cuts again.
 */
import type { Env, Files } from '../base/env.ts';
import { JournalDamageError, decodeCut, encodeCut, type JournalCut } from './journal_format.ts';
import type { Segment } from './journal_segment.ts';

const ZEROS = new Uint8Array(256 * 1024);

/** Durable when it resolves. */
export async function announceCut(files: Files, directory: string, cut: JournalCut): Promise<void> {
  const file = files.open(temporaryPath(directory));
  try {
    file.truncate(0);
    file.write(encodeCut(cut), 0);
    await file.sync();
  } finally {
    file.close();
  }
  files.rename(temporaryPath(directory), cutPath(directory));
  await files.syncDirectory(directory);
}

/** The cut that was announced and not completed. Throws {@link JournalDamageError}. */
export function announcedCut(files: Files, directory: string): JournalCut | undefined {
  if (files.exists(temporaryPath(directory))) files.remove(temporaryPath(directory));
  if (!files.exists(cutPath(directory))) return undefined;
  const file = files.open(cutPath(directory));
  try {
    const bytes = new Uint8Array(Math.min(file.size(), 64));
    file.read(bytes, 0);
    const cut = decodeCut(bytes);
    if (cut === undefined) throw new JournalDamageError(`the journal is damaged: ${cutPath(directory)} is unreadable`);
    return cut;
  } finally {
    file.close();
  }
}

/** Must be awaited before the next record is appended: the announcement would cut that too. */
export async function completeCut(files: Files, directory: string): Promise<void> {
  files.remove(cutPath(directory));
  await files.syncDirectory(directory);
}

/** Clears the bytes from `start` to `end`, so that nothing there can be taken for a record. Yields. */
export async function clearRange(segment: Segment, start: number, end: number, env: Env): Promise<void> {
  for (let at = start; at < end; at += ZEROS.length) {
    segment.file.write(ZEROS.subarray(0, Math.min(ZEROS.length, end - at)), at);
    await env.breathe();
  }
  segment.dirty = true;
}

function cutPath(directory: string): string {
  return `${directory}/cut`;
}

function temporaryPath(directory: string): string {
  return `${directory}/cut.new`;
}
