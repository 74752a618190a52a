import { describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

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

async function isCached(db: TestCommands): Promise<unknown> {
  const reply = await db.run({ explain: { find: 'c', filter: { a: 1, b: 7 } }, verbosity: 'queryPlanner' });
  return (reply['queryPlanner'] as Record<string, Reply>)['winningPlan']['isCached'];
}

async function cached(db: TestCommands): Promise<Reply[]> {
  const reply = await db.run({ aggregate: 'c', pipeline: [{ $planCacheStats: {} }], cursor: {} });
  return (reply['cursor'] as { firstBatch: Reply[] }).firstBatch;
}

describe('the plan cache', () => {
  test('goes by a plan that won two trials of the shape, until it is cleared', async () => {
    const db = await filled();
    expect(await cached(db)).toEqual([]);
    await db.run({ find: 'c', filter: { a: 1, b: 7 } });
    const [first] = await cached(db);
    expect(first).toMatchObject({ isActive: false, cachedPlan: { stage: 'FETCH', inputStage: { indexName: 'b_1' } } });
    expect(await isCached(db)).toBe(false);
    await db.run({ find: 'c', filter: { a: 0, b: 8 } });
    const [one, ...others] = await cached(db);
    expect(others).toEqual([]);
    expect(one).toMatchObject({ isActive: true, createdFromQuery: { query: { $and: [{ a: { $eq: 0 } }, {}] } } });
    expect(one['queryHash']).toBe(first['queryHash']);
    expect(await isCached(db)).toBe(true);
    await db.run({ planCacheClear: 'c', query: { a: 5, b: 5 } });
    expect(await cached(db)).toEqual([]);
  });

  test('gives a plan up that takes ten times the works of its trial', async () => {
    const db = await filled();
    await db.run({ insert: 'c', documents: Array.from({ length: 500 }, (_, i) => ({ _id: 1000 + i, a: 3, b: -1 })) });
    for (let i = 0; i < 3; i++) await db.run({ find: 'c', filter: { a: 1, b: 7 } });
    expect(await cached(db)).toMatchObject([{ isActive: true, works: 2 }]);
    // There are many with this value, and none of them matches.
    await db.run({ find: 'c', filter: { a: 9, b: -1 } });
    expect(await cached(db)).toMatchObject([{ isActive: false }]);
    await db.run({ find: 'c', filter: { a: 9, b: -1 } });
    const [replanned] = await cached(db);
    expect(replanned).toMatchObject({ isActive: true, cachedPlan: { inputStage: { indexName: 'a_1' } } });
  });

  test('is neither asked nor told by explain', async () => {
    const db = await filled();
    await isCached(db);
    expect(await cached(db)).toEqual([]);
  });

  test('tells shapes apart by their collation', async () => {
    const db = await filled();
    const collation = { locale: 'en', strength: 2 };
    await db.run({ planCacheSetFilter: 'c', query: { a: 'x', b: 'y' }, collation, indexes: ['a_1'] });
    expect(await usedIndex(db)).toEqual(['b_1', false]);
    expect(await db.run({ planCacheListFilters: 'c' })).toMatchObject({ filters: [{ collation, indexes: ['a_1'] }] });
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
