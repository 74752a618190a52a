import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LAYERS, readSources, violations } from './layers.ts';

const SRC = join(import.meta.dirname, '..', 'src');

describe('the layer rule', () => {
  test('holds for every source', () => {
    expect(violations(readSources(SRC))).toEqual([]);
  });

  test('the table has no cycle', () => {
    const reaches = (from: string, to: string): boolean =>
      (LAYERS[from] ?? []).some((next) => next === to || reaches(next, to));
    expect(Object.keys(LAYERS).filter((folder) => reaches(folder, folder))).toEqual([]);
  });

  test.each([
    ['an upward import', 'bson/a.ts', "import { b } from '../query/b.ts';", 'bson/ must not import query/b.ts'],
    [
      'an upward import of a type',
      'storage/a.ts',
      "import type { B } from '../oplog/b.ts';",
      'must not import oplog/b.ts',
    ],
    ['a dynamic import upward', 'base/a.ts', "await import('../bson/b.ts');", 'base/ must not import bson/b.ts'],
    [
      'host reaching into storage',
      'host/a.ts',
      "import { b } from '../storage/store.ts';",
      "only storage's interfaces",
    ],
    ['a folder that is not in the table', 'utils/a.ts', '', 'folder utils/ is not in the layer table'],
    ['Node below host', 'member/a.ts', "import { readFileSync } from 'node:fs';", 'imports node:fs'],
    ['the wall clock', 'replication/a.ts', 'const now = Date.now();', 'use env.clock'],
    ['chance', 'replication/a.ts', 'const jitter = Math.random();', 'use env.random'],
    ['a timer', 'member/a.ts', 'setTimeout(run, 5);', 'use env.timers'],
    ['a locale', 'query/a.ts', 'a.localeCompare(b);', 'an order of our own'],
    ['the process', 'commands/a.ts', 'process.exit(1);', 'use Env'],
  ])('%s is found', (_, path, text, message) => {
    const found = violations([{ path, text }]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  test('a comment that names a banned call is fine', () => {
    expect(violations([{ path: 'base/a.ts', text: '// never Date.now()\n/* nor setTimeout(x) */' }])).toEqual([]);
  });
});
