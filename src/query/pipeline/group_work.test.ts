import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFiles } from '../../base/memory_files.ts';
import { decodePlain, encodeDocument } from '../../bson/codec.ts';
import { BARE_SCOPE } from '../expression.ts';
import { compilePipeline } from '../pipeline.ts';
import { SpillFolder } from '../spill/spill_file.ts';
import { ListSource } from './list_source.ts';
import type { StageMemory } from './memory_budget.ts';
import { PAUSE } from './source.ts';

const GROUP = {
  $group: {
    _id: '$k',
    n: { $sum: 1 },
    first: { $first: '$i' },
    all: { $push: '$i' },
    set: { $addToSet: '$v' },
    average: { $avg: '$v' },
  },
};
const FOLDER = 'temporary';

function groups(documents: readonly object[], memory: StageMemory): unknown[] {
  const pipeline = compilePipeline([encodeDocument(GROUP), encodeDocument({ $sort: { _id: 1 } })], {
    scope: BARE_SCOPE,
    db: 'db',
    ns: 'db.c',
    memory,
    system: () => [],
    random: () => 0,
    collections: { open: () => new ListSource([]) },
  });
  const source = pipeline.open(new ListSource(documents.map(encodeDocument)), 0);
  const result: unknown[] = [];
  for (let next = source.next(); next !== undefined; next = source.next()) {
    if (next !== PAUSE) result.push(decodePlain(next));
  }
  source.close();
  return result;
}

const MEMORY: StageMemory = { bytesMax: 2 ** 30, sortBytesMax: 2 ** 30, spill: undefined };
const values = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 5 })), { maxLength: 500 });

describe('groups that go to disk', () => {
  test('are those that stay in memory, their documents in order', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 3000, max: 20_000 }), (pairs, bytesMax) => {
        const documents = pairs.map(([k, v], i) => ({ k, v, i }));
        const files = new MemoryFiles();
        const memory = { ...MEMORY, bytesMax, spill: new SpillFolder(files, FOLDER) };
        expect(groups(documents, memory)).toEqual(groups(documents, MEMORY));
        expect(files.list(FOLDER)).toEqual([]);
      }),
    );
  });

  test('but one group has to fit', () => {
    const documents = Array.from({ length: 200 }, (_, i) => ({ k: 1, v: 1, i }));
    const memory = { ...MEMORY, bytesMax: 1000, spill: new SpillFolder(new MemoryFiles(), FOLDER) };
    expect(() => groups(documents, memory)).toThrow('used too much memory and cannot spill to disk');
  });
});
