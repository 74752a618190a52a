import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataFolderError, lockDataFolder } from './data_folder.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-test-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the lock of a data folder', () => {
  test('is held by one at a time', () => {
    const lock = lockDataFolder(folder, false);
    expect(() => lockDataFolder(folder, false)).toThrow(/another mongod instance is already running/);
    lock.release();
    lockDataFolder(folder, false).release();
  });

  test('of a process that is gone is taken over', () => {
    writeFileSync(join(folder, 'member.lock'), '4194304999 1 nowhere\n');
    expect(() => lockDataFolder(folder, false).release()).not.toThrow();
  });

  test('of an earlier process with the same id is taken over', () => {
    writeFileSync(join(folder, 'member.lock'), `${process.pid} 1 another-boot\n`);
    expect(() => lockDataFolder(folder, false).release()).not.toThrow();
  });

  test('that says nothing is taken over, and nothing else is left behind', () => {
    writeFileSync(join(folder, 'member.lock'), '');
    const lock = lockDataFolder(folder, false);
    expect(readdirSync(folder)).toEqual(['member.lock']);
    lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('needs a folder: missing ones are made only when asked to', () => {
    const missing = join(folder, 'a', 'b');
    expect(() => lockDataFolder(missing, false)).toThrow(new DataFolderError(`Data directory ${missing} not found`));
    lockDataFolder(missing, true).release();
  });
});
