/** kill -9 of a process under load: what it told is there when the journal is opened again. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { NO_LOG } from '../src/base/log.ts';
import { hostEnv } from '../src/host/env.ts';
import { HostFiles } from '../src/host/files.ts';
import { Journal } from '../src/storage/journal.ts';

const ROUNDS = 20;
const CHILD = fileURLToPath(new URL('journal_kill_child.ts', import.meta.url));

/** Runs a child until it told `lines` lines, kills it, and returns the highest sequence it told. */
function killAfter(folder: string, lines: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.split('\n').length > lines) child.kill('SIGKILL');
    });
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error(`the child ended by itself: ${errors}`));
      const told = text.slice(0, text.lastIndexOf('\n')).split('\n');
      resolve(Math.max(...told.map((line) => Number(line.split(' ')[1]))));
    });
  });
}

async function check(folder: string, told: number): Promise<number> {
  const env = hostEnv(new HostFiles(folder));
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const journal = await Journal.open({
    env,
    log: NO_LOG,
    directory: 'journal',
    segmentSizeBytes: 256 * 1024,
    onFailure,
  });
  expect(journal.appended).toBeGreaterThanOrEqual(told);
  const reader = journal.read(journal.first);
  let count = 0;
  for (let bytes = reader.next(); bytes !== undefined; bytes = reader.next()) {
    const sequence = journal.first + count;
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)).toBe(sequence);
    expect(bytes.length).toBe(8 + ((sequence * 7919) % 900));
    expect(bytes.at(-1)).toBe(bytes.length > 8 ? sequence & 0xff : bytes.at(-1));
    count += 1;
  }
  expect(count).toBe(journal.appended - journal.first + 1);
  const { appended } = journal;
  await journal.close();
  expect(failures).toEqual([]);
  return appended;
}

test(`a journal survives ${ROUNDS} kills with all it promised`, { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-journal-'));
  try {
    let state = 20_261_121;
    let before = 0;
    for (let round = 0; round < ROUNDS; round++) {
      state = (state * 48_271) % 2_147_483_647;
      const told = await killAfter(folder, 1 + (state % 4000));
      expect(told).toBeGreaterThan(before);
      before = await check(folder, told);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
