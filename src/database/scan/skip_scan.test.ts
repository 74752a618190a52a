/** Walks of an index that seek over what later fields rule out find what walks of the collection find. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

async function filled(direction: 1 | -1): Promise<TestCommands> {
  const db = await TestCommands.open();
  const documents = Array.from({ length: 600 }, (_, i) => ({
    _id: i,
    a: i % 5,
    b: i % 7 === 0 ? `s${i % 30}` : (i * 13) % 90,
    c: i % 3,
  }));
  await db.run({ insert: 'c', documents });
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1, b: direction, c: 1 }, name: 'abc' }] });
  await db.member.checkpoint();
  await db.run({ update: 'c', updates: [{ q: { _id: { $lt: 50 } }, u: { $set: { b: 7 } }, multi: true }] });
  return db;
}

/** Which documents, whatever their order. */
function ids(reply: Reply): unknown[] {
  const { firstBatch } = reply['cursor'] as { firstBatch: { _id: number }[] };
  return firstBatch.map(({ _id }) => _id).toSorted((a, b) => a - b);
}

const condition = fc.oneof(
  fc.integer({ min: 0, max: 90 }),
  fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 1, maxLength: 3 }).map(($in) => ({ $in })),
  fc.integer({ min: 0, max: 90 }).map((low) => ({ $gt: low, $lt: low + 4 })),
  fc.constantFrom<unknown>('s7', { $gte: 's1', $lt: 's2' }, { $ne: 7 }),
);

describe('a walk of an index', () => {
  test.each([1, -1] as const)('seeks over what the second field rules out (%i)', async (direction) => {
    const db = await filled(direction);
    await fc.assert(
      fc.asyncProperty(
        condition,
        fc.constantFrom(1, -1),
        fc.option(fc.constantFrom(0, { $gt: 0 })),
        async (b, way, c) => {
          const filter = { a: { $gte: 1 }, b, ...(c === null ? {} : { c }) };
          const find = { find: 'c', filter, sort: { a: way, b: way * direction, c: way }, batchSize: 1000 };
          expect(ids(await db.run({ ...find, hint: 'abc' }))).toEqual(
            ids(await db.run({ ...find, hint: { $natural: 1 } })),
          );
        },
      ),
      { numRuns: 120 },
    );
  });

  test('looks at few of the entries between', async () => {
    const db = await filled(1);
    const find = { find: 'c', filter: { a: { $gte: 1 }, b: 50 }, hint: 'abc' };
    const reply = await db.run({ explain: find, verbosity: 'executionStats' });
    const { nReturned, totalKeysExamined } = reply['executionStats'] as {
      nReturned: number;
      totalKeysExamined: number;
    };
    expect(totalKeysExamined).toBeLessThan(nReturned + 4 * 20);
  });
});
