import { describe, expect, test } from 'vitest';
import type { Random } from './env.ts';
import { MemoryFiles } from './memory_files.ts';

/** Gives the numbers in turn, then zeros. */
function chance(...numbers: number[]): Random {
  return { uint32: () => numbers.shift() ?? 0, bytes: (length) => new Uint8Array(length) };
}

async function withOneFile(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  files.open('a').write(Uint8Array.of(1, 2, 3, 4), 0);
  await files.open('a').sync();
  await files.syncDirectory('');
  return files;
}

describe('a crash', () => {
  test('keeps what was synced', async () => {
    const files = await withOneFile();
    files.crash(chance());
    expect([...files.contentOf('a')]).toEqual([1, 2, 3, 4]);
  });

  test('may lose, keep or tear each write on its own', async () => {
    const files = await withOneFile();
    const file = files.open('a');
    file.write(Uint8Array.of(9), 0);
    file.write(Uint8Array.of(8), 1);
    file.write(Uint8Array.of(7, 6), 2);
    // No names changed; the first write is lost, the second kept, one byte of the third kept.
    files.crash(chance(0, 0, 2, 1, 1, 0));
    expect([...files.contentOf('a')]).toEqual([1, 8, 7, 4]);
  });

  test('may lose names whose folder was not synced, the latest first', async () => {
    const files = await withOneFile();
    await files.open('b').sync();
    files.rename('a', 'c');
    files.crash(chance(1));
    expect(files.list('')).toEqual(['a', 'b']);
  });

  test('makes handles and views of the dead process useless, and its syncs never end', async () => {
    const files = await withOneFile();
    const process = files.process();
    const file = process.open('a');
    let isSynced = false;
    void file.sync().then(() => {
      isSynced = true;
    });
    files.kill();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isSynced).toBe(false);
    expect(() => file.write(Uint8Array.of(1), 0)).toThrow('dead');
    expect(() => process.open('b')).toThrow('dead');
    expect([...files.contentOf('a')]).toEqual([1, 2, 3, 4]);
  });
});

test('a sync covers what was written before it began, also when syncs overlap', async () => {
  const files = await withOneFile();
  const gates: (() => void)[] = [];
  files.syncDelay = () => new Promise((resolve) => gates.push(resolve));
  const file = files.open('a');
  file.write(Uint8Array.of(5), 0);
  const first = file.sync();
  file.write(Uint8Array.of(6), 1);
  const second = file.sync();
  file.write(Uint8Array.of(7), 2);
  gates[1]?.();
  await second;
  gates[0]?.();
  await first;
  files.crash(chance());
  expect([...files.contentOf('a')]).toEqual([5, 6, 3, 4]);
});

test('files grow only as far as the capacity allows', () => {
  const files = new MemoryFiles({ capacityBytes: 10 });
  const file = files.open('a');
  file.allocate(8);
  expect(() => file.write(new Uint8Array(4), 8)).toThrow('no space');
  file.write(new Uint8Array(4), 4);
  files.capacityBytes = 20;
  file.write(new Uint8Array(4), 8);
  expect(file.size()).toBe(12);
});
