/** What storage does of a pipeline (filter, sort, skip, limit, counting) gives what the stages themselves give. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';
import { decodePlain, encodeDocument } from '../../bson/codec.ts';
import { compilePipeline } from '../../query/pipeline.ts';
import { ListSource } from '../../query/pipeline/list_source.ts';
import { PAUSE } from '../../query/pipeline/source.ts';

const DOCUMENTS = 120;

function documentOf(_id: number): object {
  const a = _id % 11 === 0 ? null : (_id * 7) % 13;
  return {
    _id,
    a,
    b: (_id * 5) % 4,
    tags: [_id % 3, _id % 5],
    s: `t${_id % 6}`,
    ...(_id % 4 === 0 ? {} : { c: _id / 2 }),
  };
}

const documents = Array.from({ length: DOCUMENTS }, (_, i) => documentOf(i));

let db: TestCommands;

beforeAll(async () => {
  db = await TestCommands.open();
  for (const name of ['plain', 'indexed']) await db.run({ insert: name, documents });
  const indexes = [
    { key: { a: 1, b: -1 }, name: 'a_b' },
    { key: { tags: 1 }, name: 'tags' },
    { key: { c: 1 }, name: 'c', sparse: true },
  ];
  await db.run({ createIndexes: 'indexed', indexes });
  await db.member.checkpoint();
  // Some documents are newer than the checkpoint.
  for (const name of ['plain', 'indexed']) {
    await db.run({ update: name, updates: [{ q: { _id: { $lt: 30 } }, u: { $set: { n: 1 } }, multi: true }] });
    await db.run({ delete: name, deletes: [{ q: { _id: { $in: [7, 50] } }, limit: 0 }] });
  }
});

function* results(stages: readonly object[]): Generator<object> {
  const source = compilePipeline(stages.map(encodeDocument)).open(
    new ListSource(db.member.find('db.plain').map(encodeDocument)),
    0,
  );
  for (let next = source.next(); next !== undefined; next = source.next()) {
    if (next !== PAUSE) yield decodePlain(next);
  }
}

async function aggregate(collection: string, stages: readonly object[]): Promise<unknown[]> {
  const reply = await db.run({ aggregate: collection, pipeline: stages, cursor: { batchSize: 1000 } });
  expect(reply).toMatchObject({ ok: 1 });
  const { cursor } = reply as { cursor: { firstBatch: unknown[] } };
  return cursor.firstBatch;
}

const number = fc.integer({ min: -1, max: 14 });
const condition = fc.oneof(
  number,
  fc.constant(null),
  fc.record({ $gt: number }),
  fc.record({ $lte: number, $gte: number }),
  fc.record({ $in: fc.array(number, { maxLength: 3 }) }),
  fc.record({ $ne: number }),
  fc.record({ $exists: fc.boolean() }),
);
const field = fc.constantFrom('a', 'b', 'c', 'tags', '_id', 'missing');
const filter = fc.dictionary(field, condition, { maxKeys: 2 });
const match = fc.oneof(
  filter.map(($match) => ({ $match })),
  fc.tuple(filter, filter).map(([one, other]) => ({ $match: { $or: [one, other] } })),
);
/** Ends with `_id`, so that the order is one. */
const sort = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 's'), fc.constantFrom(1, -1)), {
    maxLength: 2,
    selector: ([name]) => name,
  })
  .map((keys) => ({ $sort: { ...Object.fromEntries(keys), _id: 1 } }));
const skip = fc.nat({ max: 20 }).map(($skip) => ({ $skip }));
const limit = fc.integer({ min: 1, max: 30 }).map(($limit) => ({ $limit }));
const after = fc.constantFrom<object[]>(
  [],
  [{ $project: { a: 1, c: 1 } }],
  [{ $match: { b: { $gt: 0 } } }],
  [{ $count: 'n' }],
  [{ $group: { _id: null, n: { $sum: 1 } } }],
  [{ $group: { _id: '$b', n: { $sum: '$a' }, ids: { $push: '$_id' } } }, { $sort: { _id: 1 } }],
  [{ $unwind: '$tags' }, { $limit: 7 }],
  [{ $sort: { s: 1, _id: -1 } }, { $skip: 2 }, { $limit: 5 }],
);

function maybe(stage: fc.Arbitrary<object>): fc.Arbitrary<object[]> {
  return fc.tuple(fc.boolean(), stage).map(([isThere, one]) => (isThere ? [one] : []));
}

const pipelines = fc
  .tuple(maybe(match), sort, maybe(skip), maybe(limit), after)
  .map(([first, sorted, skipped, limited, rest]) => [...first, sorted, ...skipped, ...limited, ...rest]);

describe('a pipeline over a collection gives what its stages give over a list', () => {
  test.each(['plain', 'indexed'])('%s', async (collection) => {
    await fc.assert(
      fc.asyncProperty(pipelines, async (stages) => {
        expect(await aggregate(collection, stages)).toEqual([...results(stages)]);
      }),
      { numRuns: 300 },
    );
  });

  test('also without a sort, in no particular order', async () => {
    const text = (list: Iterable<unknown>): string[] => [...list].map((one) => JSON.stringify(one)).toSorted();
    const unsorted = fc.tuple(match, fc.constantFrom<object[]>([], [{ $count: 'n' }], [{ $project: { b: 1 } }]));
    await fc.assert(
      fc.asyncProperty(unsorted, async ([first, rest]) => {
        const stages = [first, ...rest];
        expect(text(await aggregate('indexed', stages))).toEqual(text(results(stages)));
      }),
      { numRuns: 300 },
    );
  });
});
