import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HostFiles } from './files.ts';

let folder = '';
let files: HostFiles;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-files-'));
  files = new HostFiles(folder);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('files of the host', () => {
  test('bytes are read where they were written, and fewer only at the end', async () => {
    const file = files.open('a');
    file.write(Uint8Array.of(1, 2, 3, 4), 2);
    await file.writeLater(Uint8Array.of(9), 6);
    await file.sync();
    const into = new Uint8Array(10);
    expect(file.read(into, 1)).toBe(6);
    expect([...into.subarray(0, 6)]).toEqual([0, 1, 2, 3, 4, 9]);
    expect(file.size()).toBe(7);
    file.close();
  });

  test('reserved room holds zeros and keeps what is there', () => {
    const file = files.open('a');
    file.write(Uint8Array.of(7), 0);
    file.allocate(3_000_001);
    file.allocate(10);
    expect(file.size()).toBe(3_000_001);
    const into = new Uint8Array(2);
    file.read(into, 0);
    expect([...into]).toEqual([7, 0]);
    file.truncate(1);
    expect(file.size()).toBe(1);
    file.close();
  });

  test('names are listed, renamed and removed', async () => {
    expect(files.list('journal')).toEqual([]);
    files.makeDirectory('journal/deep');
    files.makeDirectory('journal/deep');
    for (const name of ['b', 'a']) files.open(`journal/${name}`).close();
    files.rename('journal/a', 'journal/c');
    await files.syncDirectory('journal');
    expect(files.list('journal')).toEqual(['b', 'c', 'deep']);
    files.remove('journal/b');
    expect([files.exists('journal/b'), files.exists('journal/c')]).toEqual([false, true]);
  });

  test('errors say what was tried and of which kind they are', async () => {
    expect(() => files.remove('x')).toThrow(expect.objectContaining({ name: 'IoError', kind: 'notFound' }));
    expect(() => files.remove('x')).toThrow('cannot remove x: ENOENT');
    await expect(files.syncDirectory('x')).rejects.toMatchObject({ kind: 'notFound' });
    expect(() => files.open('../x')).toThrow('stays below the root');
  });

  test.skipIf(process.platform !== 'linux')('a full disk is told apart from other failures', () => {
    const full = new HostFiles('/dev').open('full');
    expect(() => full.write(Uint8Array.of(1), 0)).toThrow(expect.objectContaining({ kind: 'noSpace' }));
    full.close();
  });
});
