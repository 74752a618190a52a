/** Queries through wildcard indexes find what they find without them, each document once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

const scalar = fc.constantFrom<unknown>(0, 1, 2, 2.5, null, 'x', true);
const inner = fc.record(
  { x: fc.oneof(scalar, fc.record({ y: scalar, z: scalar }, { requiredKeys: [] })), y: scalar },
  { requiredKeys: [] },
);
const value = fc.oneof(scalar, inner, fc.array(fc.oneof(scalar, inner), { maxLength: 2 }));
const documents = fc.array(fc.record({ a: scalar, b: value, c: scalar }, { requiredKeys: [] }), { maxLength: 12 });
const key = fc.constantFrom(
  { key: { '$**': 1 } },
  { key: { 'b.$**': -1 } },
  { key: { a: 1, 'b.$**': 1 } },
  { key: { a: 1, c: -1, 'b.$**': 1 } },
  { key: { 'b.$**': 1, c: 1 } },
  { key: { c: 1, '$**': 1 }, wildcardProjection: { c: 0 } },
);
const condition = fc.constantFrom<unknown>(
  1,
  'x',
  null,
  { $exists: true },
  { $exists: false },
  { $gte: 1 },
  { $ne: 2 },
);
const filter = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'b.x', 'b.x.y', 'b.y'), condition, { maxKeys: 3 });

function ids(reply: Reply): unknown[] {
  return (reply['cursor'] as { firstBatch: { _id: number }[] }).firstBatch.map(({ _id }) => _id);
}

describe('a wildcard index', () => {
  test('finds each document that is found without it, once', async () => {
    await fc.assert(
      fc.asyncProperty(
        documents,
        key,
        fc.array(filter, { minLength: 1, maxLength: 6 }),
        async (list, spec, filters) => {
          const db = await TestCommands.open();
          await db.run({ createIndexes: 'c', indexes: [{ name: 'i', ...spec }] });
          for (const [_id, document] of list.entries())
            await db.run({ insert: 'c', documents: [{ _id, ...document }] });
          for (const one of filters) {
            const find = { find: 'c', filter: one, sort: { _id: 1 } };
            const found = ids(await db.run({ ...find, hint: { $natural: 1 } }));
            expect(ids(await db.run(find))).toEqual(found);
            expect(await db.run({ count: 'c', query: one })).toMatchObject({ n: found.length });
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('that is compound serves the fields before its wildcard by themselves', async () => {
    const db = await TestCommands.open();
    await db.run({ createIndexes: 'c', indexes: [{ name: 'i', key: { a: 1, b: 1, 'sub.$**': 1, c: 1 } }] });
    const list = Array.from({ length: 20 }, (_, i) => ({ _id: i, a: i % 4, b: i, sub: { x: 1, y: { z: i } }, c: i }));
    await db.run({ insert: 'c', documents: list });
    const find = { find: 'c', filter: { a: 1 }, sort: { b: -1 } };
    expect(ids(await db.run(find))).toEqual([17, 13, 9, 5, 1]);
    const reply = await db.run({ explain: find, verbosity: 'queryPlanner' });
    expect(reply).toMatchObject({
      queryPlanner: {
        winningPlan: {
          stage: 'FETCH',
          inputStage: {
            keyPattern: { a: 1, b: 1, $_path: 1, c: 1 },
            indexBounds: { a: ['[1, 1]'], $_path: [expect.anything(), expect.anything()] },
          },
        },
      },
    });
  });
});

describe('the specification of a compound wildcard index', () => {
  test.each([
    [{ key: { a: 1, 'a.$**': 1 } }, 7_246_204],
    [{ key: { 'a.$**': 1, 'b.$**': 1 } }, 7_246_201],
    [{ key: { 'a.$**': 1, b: 'hashed' } }, 67],
    [{ key: { '$**': 1, c: 1 }, wildcardProjection: { 'a.b': 1, 'a.b.c': 1 } }, 7_246_200],
    [{ key: { a: 1, '$**': 1 }, wildcardProjection: { a: 1 } }, 7_246_208],
    [{ key: { a: 1, b: 1, '$**': 1 }, wildcardProjection: { b: 0 } }, 7_246_209],
    [{ key: { b: 1, '$**': 1 }, wildcardProjection: { _id: 0, a: 0 } }, 7_246_210],
    [{ key: { '$**': 1, c: 1 }, wildcardProjection: { _id: 1, a: 0, b: 1 } }, 7_246_211],
    [{ key: { st: 1, '$**': 1 }, wildcardProjection: { a: 'something' } }, 51_271],
    [{ key: { a: 1, b: 1 }, wildcardProjection: { c: 1 } }, 2],
    [{ key: { a: 1, '$**': 1 }, wildcardProjection: {} }, 9],
  ])('%j is refused with %i', async (spec, code) => {
    const db = await TestCommands.open();
    expect(await db.run({ createIndexes: 'c', indexes: [{ name: 'i', ...spec }] })).toMatchObject({ ok: 0, code });
  });

  test.each([
    { key: { '$**': 1, a: 1 }, wildcardProjection: { a: 0 } },
    { key: { '$**': 1, other: 1 }, wildcardProjection: { _id: 0, a: 1 } },
    { key: { _id: 1, '$**': 1 }, wildcardProjection: { _id: 0 } },
    { key: { '$**': 'text' } },
  ])('%j is taken', async (spec) => {
    const db = await TestCommands.open();
    expect(await db.run({ createIndexes: 'c', indexes: [{ name: 'i', ...spec }] })).toMatchObject({ ok: 1 });
  });
});
