/** What stages refuse by which code, and names that hold what no name may. */
import { Decimal128, Double } from 'bson';
import { describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

async function withDocuments(documents: readonly object[]): Promise<TestCommands> {
  const db = await TestCommands.open();
  await db.run({ insert: 'c', documents });
  return db;
}

function aggregate(stage: object, options: object = {}): object {
  return { aggregate: 'c', pipeline: [stage], cursor: {}, ...options };
}

describe('a NUL in a string that names a field', () => {
  const name = 'a\0b';

  test.each([
    ['$geoNear key', { $geoNear: { near: [0, 0], distanceField: 'd', key: name } }, 16411],
    ['$unset', { $unset: name }, 16411],
    ['$setField', { $project: { x: { $setField: { field: name, input: {}, value: 1 } } } }, 16411],
    ['$densify', { $densify: { field: name, range: { step: 1, bounds: 'full' } } }, 16411],
    ['$jsonSchema', { $match: { $jsonSchema: { required: [name] } } }, 16411],
  ])('is refused: %s', async (_name, stage, code) => {
    const db = await withDocuments([{ _id: 1 }]);
    expect(await db.run(aggregate(stage))).toMatchObject({ ok: 0, code });
  });

  test('names no field for $getField', async () => {
    const db = await withDocuments([{ _id: 1, a: 1 }]);
    const reply = await db.run(aggregate({ $project: { x: { $getField: name } } }));
    expect(reply).toMatchObject({ cursor: { firstBatch: [{ _id: 1 }] } });
  });
});

describe('$densify', () => {
  const day = new Date('2020-01-01');
  const range = { step: 1, bounds: 'full' };

  test.each([
    [14, { field: 1, range }],
    [14, { field: 'a', range: { ...range, step: 'x' } }],
    [14, { field: 'a', range, partitionByFields: 'x' }],
    [40414, { field: 'a', range: { step: 1 } }],
    [8993000, { field: 'a', range, partitionByFields: ['a.b'] }],
    [9554500, { field: 'a.b', range, partitionByFields: ['a'] }],
    [5733401, { field: 'a', range: { ...range, step: 0 } }],
    [5733402, { field: 'a', range: { ...range, bounds: [2, 1] } }],
    [5733403, { field: 'a', range: { ...range, bounds: [1] } }],
    [5733406, { field: 'a', range: { ...range, bounds: [1, day] } }],
    [5733408, { field: 'a', range: { ...range, bounds: 'partition' } }],
    [5733409, { field: 'a', range: { ...range, bounds: [1, 2], unit: 'day' } }],
    [6586400, { field: 'a', range: { step: 1.5, bounds: [day, day], unit: 'day' } }],
  ])('refuses by %i: %j', async (code, operand) => {
    const db = await withDocuments([]);
    expect(await db.run(aggregate({ $densify: operand }))).toMatchObject({ ok: 0, code });
  });
});

describe('accumulators that keep so many values', () => {
  test('have no group to ask in $bucketAuto', async () => {
    const db = await withDocuments([{ _id: 1 }]);
    const n = { $cond: [{ $eq: ['$k', 1] }, 1, 2] };
    for (const values of [{ $minN: { input: '$_id', n } }, { $topN: { output: '$_id', sortBy: { _id: 1 }, n } }]) {
      const stage = { $bucketAuto: { groupBy: '$_id', buckets: 1, output: { values } } };
      expect(await db.run(aggregate(stage))).toMatchObject({ code: 4544714 });
    }
  });
});

describe('$geoNear', () => {
  test('takes constant expressions and variables of the command', async () => {
    const db = await withDocuments([
      { _id: 1, g: [0, 0] },
      { _id: 2, g: [1, 0] },
    ]);
    await db.run({ createIndexes: 'c', indexes: [{ key: { g: '2d' }, name: 'g' }] });
    const near = { near: '$$place', distanceField: 'd' };
    const options = { let: { place: [0, 0] } };
    expect(
      await db.run(aggregate({ $geoNear: { ...near, maxDistance: { $add: [0.25, 0.25] } } }, options)),
    ).toMatchObject({ cursor: { firstBatch: [{ _id: 1, d: 0 }] } });
    expect(await db.run(aggregate({ $geoNear: { ...near, minDistance: '$g' } }, options))).toMatchObject({
      code: 7555701,
    });
    expect(await db.run(aggregate({ $geoNear: near }, { let: { place: 5 } }))).toMatchObject({ code: 5860401 });
  });
});

describe('$graphLookup', () => {
  const graph = { from: 'c', startWith: '$y', connectFromField: 'x', connectToField: 'y', as: 'found' };

  test('finds null by null, not what is missing', async () => {
    const db = await withDocuments([{ _id: 1, y: null }, { _id: 2 }]);
    expect(await db.run(aggregate({ $graphLookup: graph }))).toMatchObject({
      cursor: {
        firstBatch: [
          { _id: 1, found: [{ _id: 1 }] },
          { _id: 2, found: [] },
        ],
      },
    });
  });

  test('knows documents by their _id, whatever the collation', async () => {
    const db = await withDocuments([
      { _id: 'a', y: 'k' },
      { _id: 'A', y: 'K' },
    ]);
    const reply = await db.run(aggregate({ $graphLookup: graph }, { collation: { locale: 'en', strength: 2 } }));
    const both = [{ _id: 'a' }, { _id: 'A' }];
    expect(reply).toMatchObject({
      cursor: {
        firstBatch: [
          { _id: 'a', found: both },
          { _id: 'A', found: both },
        ],
      },
    });
  });

  test('restricts by nothing that needs an index of its own', async () => {
    const db = await withDocuments([{ _id: 1, y: 1 }]);
    const restricted = (restrictSearchWithMatch: object): object =>
      aggregate({ $graphLookup: { ...graph, restrictSearchWithMatch } });
    expect(await db.run(restricted({ $text: { $search: 'x' } }))).toMatchObject({ code: 2 });
    expect(await db.run(restricted({ g: { $near: [0, 0] } }))).toMatchObject({ code: 5626500 });
  });
});

describe('$merge', () => {
  test('is not content with a unique geospatial index', async () => {
    const db = await withDocuments([{ _id: 1, a: 1, g: [0, 0] }]);
    const indexes = [{ key: { a: 1, g: '2dsphere' }, name: 'x', unique: true }];
    await db.run({ createIndexes: 'o', indexes });
    expect(await db.run(aggregate({ $merge: { into: 'o', on: ['a', 'g'] } }))).toMatchObject({ code: 51183 });
  });
});

describe("find's score", () => {
  test('goes with what is kept or dropped, and alone leaves all other fields', async () => {
    const db = await withDocuments([{ _id: 1, a: 'word', b: 2 }]);
    await db.run({ createIndexes: 'c', indexes: [{ key: { a: 'text' }, name: 'a' }] });
    const found = async (projection: object, sort = {}): Promise<unknown> => {
      const score = { s: { $meta: 'textScore' } };
      const filter = { $text: { $search: 'word' } };
      return db.run({ find: 'c', filter, projection: { ...projection, ...score }, sort });
    };
    const whole = { _id: 1, a: 'word', b: 2, s: 1.1 };
    expect(await found({})).toMatchObject({ cursor: { firstBatch: [whole] } });
    expect(await found({ a: 0 })).toMatchObject({ cursor: { firstBatch: [{ _id: 1, b: 2, s: 1.1 }] } });
    expect(await found({ _id: 1 })).toMatchObject({ cursor: { firstBatch: [{ _id: 1, s: 1.1 }] } });
    expect(await found({}, { s: { $meta: 'textScore', more: 1 } })).toMatchObject({ code: 9 });
  });
});

describe('indexes with the same key', () => {
  const create = (options: object): object => ({ createIndexes: 'c', indexes: [{ key: { a: 1 }, ...options }] });

  test('are different ones when one is unique or sparse', async () => {
    const db = await withDocuments([]);
    await db.run(create({ name: 'plain' }));
    expect(await db.run(create({ name: 'unique', unique: true }))).toMatchObject({ numIndexesAfter: 3 });
    expect(await db.run(create({ name: 'sparse', sparse: true }))).toMatchObject({ numIndexesAfter: 4 });
    expect(await db.run(create({ name: 'plain', unique: true }))).toMatchObject({ code: 86 });
    expect(await db.run(create({ name: 'other', unique: true }))).toMatchObject({ code: 85 });
  });

  test('have weights when they are of texts only', async () => {
    const db = await withDocuments([]);
    expect(await db.run(create({ name: 'x', weights: { a: 1 } }))).toMatchObject({ code: 67 });
    const text = { key: { _fts: 'text', _ftsx: 1 }, name: 'x' };
    expect(await db.run({ createIndexes: 'c', indexes: [text] })).toMatchObject({ code: 67 });
  });
});

describe('$bucketAuto', () => {
  const bounds = async (values: readonly unknown[], granularity: string): Promise<unknown> => {
    const db = await withDocuments(values.map((v, _id) => ({ _id, v })));
    const stages = [
      { $bucketAuto: { groupBy: '$v', buckets: 1, granularity } },
      { $project: { _id: 0, min: '$_id.min', max: '$_id.max' } },
    ];
    const { cursor } = await db.run({ aggregate: 'c', pipeline: stages, cursor: {} });
    return (cursor as { firstBatch: readonly unknown[] }).firstBatch[0];
  };

  test('rounds numbers below the series as steps of ten do', async () => {
    expect(await bounds([0.65, 6.2], 'R5')).toEqual({ min: 0.63, max: 6.300000000000001 });
    expect(await bounds([5e-324], 'R80')).toEqual({ min: 0, max: 1.02e-321 });
  });

  test('has the series of its own', async () => {
    expect(await bounds([316, 320], 'R40')).toEqual({ min: 315, max: 355 });
    expect(await bounds([100, 546], 'R80')).toEqual({ min: 97.5, max: 575 });
  });

  test('leaves decimals and zeros what they are', async () => {
    const decimals = (texts: readonly string[]): readonly Decimal128[] =>
      texts.map((text) => Decimal128.fromString(text));
    const texts = async (values: readonly unknown[], granularity: string): Promise<readonly string[]> =>
      Object.values((await bounds(values, granularity)) as object).map(String);
    expect(await texts(decimals(['5', '700']), 'R5')).toEqual(['4.00000000000000', '1000.0000000000000']);
    expect(await texts(decimals(['5', '700']), 'POWERSOF2')).toEqual([
      '4.000000000000000000000000000000000',
      '1024.000000000000000000000000000000',
    ]);
    expect(await texts([new Double(0), ...decimals(['0.0'])], 'E6')).toEqual(['0', '0.0']);
  });
});

describe('$project', () => {
  test('drops fields beside a score', async () => {
    const db = await withDocuments([{ _id: 1, a: 'word', b: 2 }]);
    await db.run({ createIndexes: 'c', indexes: [{ key: { a: 'text' }, name: 'a' }] });
    const pipeline = [{ $match: { $text: { $search: 'word' } } }, { $project: { a: 0, s: { $meta: 'textScore' } } }];
    const reply = await db.run({ aggregate: 'c', pipeline, cursor: {} });
    expect(reply).toMatchObject({ cursor: { firstBatch: [{ _id: 1, b: 2, s: 1.1 }] } });
  });

  test('has $expr for an expression in parentheses', async () => {
    const db = await withDocuments([{ _id: 1, a: 2 }]);
    const found = await db.run(aggregate({ $project: { a: { $expr: { $add: ['$a', 1] } }, b: { $expr: {} } } }));
    expect(found).toMatchObject({ cursor: { firstBatch: [{ _id: 1, a: 3, b: {} }] } });
  });
});

describe('an index', () => {
  test('of version 1 does not inherit a collation', async () => {
    const db = await withDocuments([]);
    await db.run({ create: 'd', collation: { locale: 'fr' } });
    await db.run({ createIndexes: 'd', indexes: [{ key: { a: 1 }, name: 'a', v: 1 }] });
    const { cursor } = await db.run({ listIndexes: 'd' });
    expect((cursor as { firstBatch: readonly unknown[] }).firstBatch[1]).toEqual({ v: 1, key: { a: 1 }, name: 'a' });
  });

  test('in the plane has nothing near a point outside it', async () => {
    const db = await withDocuments([{ _id: 1, a: [1, 1] }]);
    await db.run({ createIndexes: 'c', indexes: [{ key: { a: '2d' }, name: 'a', max: 10 }] });
    const near = await db.run({ find: 'c', filter: { a: { $near: [11, 0] } } });
    expect(near).toMatchObject({ code: 16433 });
    expect(near.errmsg).toContain('point not in interval of [ -180, 10 ] :: caused by :: { 0: 11.0, 1: 0.0 }');
  });
});

describe('views', () => {
  const view = (create: string, viewOn: string, pipeline: readonly object[] = []): object => ({
    create,
    viewOn,
    pipeline,
  });
  const reading = (from: string): readonly object[] => [
    { $lookup: { from, as: 'x', pipeline: [] } },
    { $facet: { x: [{ $unionWith: from }] } },
    { $unionWith: from },
  ];

  test('that are too deep are refused before anything runs', async () => {
    const db = await withDocuments([]);
    for (let i = 20; i >= 1; i--) await db.run(view(`v${i}`, `v${i + 1}`, reading(`v${i + 1}`)));
    const tooDeep = { aggregate: 'v10', pipeline: [{ $unionWith: 'v1' }], cursor: {} };
    const text = 'View depth too deep or view cycle detected; maximum depth is 20';
    expect(await db.run(tooDeep)).toMatchObject({ code: 165, errmsg: text });
  });

  test('are checked before they are looked for in cycles', async () => {
    const db = await withDocuments([]);
    const incomplete = [{ $lookup: { from: 'a', localField: 'b', foreignField: 'c' } }];
    expect(await db.run(view('a', 'b', incomplete))).toMatchObject({ code: 9 });
    await db.run(view('a', 'b'));
    expect(await db.run({ collMod: 'a', expireAfterSeconds: 1 })).toMatchObject({ code: 72 });
  });

  test.each(['allowPartialResults', 'readOnce', 'singleBatch'])('have no find with %s', async (option) => {
    const db = await withDocuments([{ _id: 1 }]);
    await db.run(view('a', 'c'));
    expect(await db.run({ find: 'a', [option]: true })).toMatchObject({ code: 168 });
    expect(await db.run({ find: 'c', [option]: true })).toMatchObject({ ok: 1 });
  });

  test('show the parts of references', async () => {
    const db = await withDocuments([{ _id: 1, a: { $ref: 'x', $id: 2 } }]);
    await db.run(view('v', 'c'));
    for (const find of ['c', 'v']) {
      const shown = await db.run({ find, projection: { 'a.$id': 1 } });
      expect(shown).toMatchObject({ cursor: { firstBatch: [{ _id: 1, a: { $id: 2 } }] } });
    }
    const found = await db.run(aggregate({ $project: { b: '$a.$id' } }));
    expect(found).toMatchObject({ cursor: { firstBatch: [{ _id: 1, b: 2 }] } });
  });
});

describe('stages about the server', () => {
  test.each([
    [{ $collStats: { count: {} } }, 40481],
    [{ $collStats: { storageStats: {} } }, 40280],
    [{ $collStats: { queryExecStats: {} } }, 31142],
    [{ $planCacheStats: {} }, 50933],
    [{ $planCacheStats: 1 }, 9],
    [{ $planCacheStats: { nope: 1 } }, 9],
    [{ $planCacheStats: { allHosts: true } }, 4503200],
  ])('%j is refused without a collection', async (stage, code) => {
    const db = await withDocuments([]);
    const reply = await db.run({ aggregate: 'none', pipeline: [stage], cursor: {} });
    expect(reply).toMatchObject({ code });
    const isRun = code !== 9 && code !== 4503200;
    expect(String(reply.errmsg).startsWith('PlanExecutor error during aggregation :: caused by :: ')).toBe(isRun);
  });

  test('unknown ones are unknown also where no collection is read', async () => {
    const db = await withDocuments([]);
    expect(await db.run({ aggregate: 1, pipeline: [{ $nope: {} }], cursor: {} })).toMatchObject({ code: 40324 });
  });
});
