import { describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../tests/support/test_commands.ts';

async function filled(): Promise<TestCommands> {
  const db = await TestCommands.open();
  await db.run({ insert: 'c', documents: Array.from({ length: 100 }, (_, i) => ({ _id: i, a: i % 2, b: i })) });
  for (const field of ['a', 'b']) {
    await db.run({ createIndexes: 'c', indexes: [{ key: { [field]: 1 }, name: `${field}_1` }] });
  }
  return db;
}

async function usedIndex(db: TestCommands, hint?: string): Promise<unknown> {
  const find = { find: 'c', filter: { a: 1, b: 7 }, ...(hint === undefined ? {} : { hint }) };
  const reply = await db.run({ explain: find, verbosity: 'queryPlanner' });
  const { winningPlan, indexFilterSet } = reply['queryPlanner'] as Record<string, Reply>;
  return [(winningPlan['inputStage'] as Reply | undefined)?.['indexName'], indexFilterSet];
}

async function cached(db: TestCommands): Promise<Reply[]> {
  const reply = await db.run({ aggregate: 'c', pipeline: [{ $planCacheStats: {} }], cursor: {} });
  return (reply['cursor'] as { firstBatch: Reply[] }).firstBatch;
}

describe('the plan cache', () => {
  test('remembers which plan won, by the shape of the query, until it is cleared', async () => {
    const db = await filled();
    expect(await cached(db)).toEqual([]);
    await db.run({ find: 'c', filter: { a: 1, b: 7 } });
    await db.run({ find: 'c', filter: { a: 0, b: 8 } });
    const [one, ...others] = await cached(db);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ isActive: true, createdFromQuery: { query: { $and: [{ a: { $eq: 1 } }, {}] } } });
    await db.run({ planCacheClear: 'c', query: { a: 5, b: 5 } });
    expect(await cached(db)).toEqual([]);
  });

  test('lets queries of a shape use some indexes only, also against a hint', async () => {
    const db = await filled();
    expect(await usedIndex(db)).toEqual(['b_1', false]);
    await db.run({ planCacheSetFilter: 'c', query: { a: 0, b: 0 }, indexes: [{ a: 1 }] });
    expect(await usedIndex(db)).toEqual(['a_1', true]);
    expect(await usedIndex(db, 'b_1')).toEqual(['a_1', true]);
    expect(await db.run({ planCacheListFilters: 'c' })).toMatchObject({
      filters: [{ query: { a: 0, b: 0 }, sort: {}, projection: {}, indexes: [{ a: 1 }] }],
    });
    await db.run({ planCacheClearFilters: 'c' });
    expect(await usedIndex(db)).toEqual(['b_1', false]);
  });
});
