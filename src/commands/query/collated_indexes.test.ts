import fc from 'fast-check';
import { serialize } from 'bson';
import { describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';
import { invariant } from '../../base/invariant.ts';
import { findField } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';
import { RAW_NULL } from '../../bson/value.ts';
import { orderOf } from '../../query/collation/value_order.ts';
import { parseCollation } from '../../query/collation.ts';

const INSENSITIVE = { locale: 'en', strength: 2 };

/** The ligature and the accent on its own are irregular, and equal to what follows them. */
const words = fc
  .array(fc.constantFrom('\ufb01', 'fi', 'FI', 'e\u0301', 'é', 'É', 'a', 'A'), { maxLength: 2 })
  .map((parts) => parts.join(''));

const values = fc.oneof(
  { weight: 6, arbitrary: words },
  fc.integer({ min: 0, max: 2 }),
  fc.constant(null),
  fc.record({ x: words }),
);
const fields = fc.oneof({ weight: 5, arbitrary: values }, fc.array(values, { maxLength: 3 }));

function idsOf(reply: Reply): unknown[] {
  const { firstBatch } = reply['cursor'] as { firstBatch: { _id: unknown }[] };
  return firstBatch.map(({ _id }) => _id);
}

function compareUnder(spec: object): (a: unknown, b: unknown) => boolean {
  const order = orderOf(parseCollation(serialize(spec)));
  const valueOf = (v: unknown) => findField(serialize({ v }), fieldName('v')) ?? RAW_NULL;
  return (a, b) => order.compare(valueOf(a), valueOf(b)) === 0;
}

async function insertAll(db: TestCommands, documents: readonly object[]): Promise<void> {
  await db.run({ insert: 'c', documents, ordered: false });
}

describe('an index with a collation', () => {
  const conditions = fc.oneof(
    values.map((value) => ({ a: value })),
    fc.array(values, { minLength: 1, maxLength: 3 }).map((list) => ({ a: { $in: list } })),
    words.map((word) => ({ a: { $gt: word } })),
    words.map((word) => ({ a: { $ne: word } })),
    fc.integer({ min: 0, max: 2 }).map((n) => ({ a: { $gte: n } })),
    fc.tuple(values, values).map(([a, b]) => ({ a, b })),
  );
  const collations = fc.constantFrom(INSENSITIVE, { locale: 'simple' }, { locale: 'en', strength: 1 });

  test('finds what is found without it, whatever the collation of the query', async () => {
    const documents = fc.array(fc.record({ a: fields, b: values }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(documents, conditions, collations, async (list, filter, collation) => {
        const db = await TestCommands.open();
        const key = { a: 1, b: -1 };
        await db.run({ createIndexes: 'c', indexes: [{ key, name: 'i', collation: INSENSITIVE }] });
        await insertAll(
          db,
          list.map((one, _id) => ({ _id, ...one })),
        );
        const find = { find: 'c', filter, collation, sort: { a: 1, _id: 1 } };
        const plain = idsOf(await db.run({ ...find, hint: { $natural: 1 } }));
        expect(idsOf(await db.run(find))).toEqual(plain);
        expect(idsOf(await db.run({ ...find, hint: 'i' }))).toEqual(plain);
        const { n } = (await db.run({ count: 'c', query: filter, collation })) as { n: number };
        expect(n).toBe(plain.length);
      }),
      { numRuns: 120 },
    );
  });

  const place = fc.record({
    type: fc.constant('Point'),
    coordinates: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
  });
  const near = { $near: { $geometry: { type: 'Point', coordinates: [1, 1] } } };
  const within = { $geoWithin: { $centerSphere: [[1, 1], 0.03] } };
  const kinds = fc.constantFrom(
    { key: { a: 'hashed' }, also: {} },
    { key: { b: 1, a: 'hashed' }, also: {} },
    { key: { '$**': 1 }, also: {} },
    { key: { a: 1, place: '2dsphere' }, also: { place: within } },
    { key: { b: -1, place: '2dsphere' }, also: { place: near } },
  );

  test('gives what lies between min and max in the order of its collation', async () => {
    const db = await TestCommands.open();
    await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1 }, name: 'i', collation: INSENSITIVE }] });
    const list = ['d', 'B', 'ﬁ', 'a', 'C', 'É', 'fa', 7, ['b', 'e']];
    await insertAll(
      db,
      list.map((a, _id) => ({ _id, a })),
    );
    const find = { find: 'c', hint: 'i', collation: INSENSITIVE };
    expect(idsOf(await db.run({ ...find, min: { a: 'b' } }))).toEqual([1, 8, 4, 0, 5, 6, 2]);
    expect(idsOf(await db.run({ ...find, min: { a: 'B' }, max: { a: 'D' } }))).toEqual([1, 8, 4]);
    expect(idsOf(await db.run({ ...find, max: { a: 'b' }, sort: { _id: -1 } }))).toEqual([7, 3]);
    expect(await db.run({ ...find, min: { a: 'C' }, max: { a: 'b' } })).toMatchObject({ code: 51_175 });
    expect(await db.run({ find: 'c', hint: 'i', min: { a: 'b' } })).toMatchObject({ code: 51_174 });
  });

  test('of another kind finds what is found without it', async () => {
    const documents = fc.array(fc.record({ a: values, b: values, place }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(documents, kinds, conditions, collations, async (list, { key, also }, condition, collation) => {
        const db = await TestCommands.open();
        const indexes = [
          { key, name: 'i', collation: INSENSITIVE },
          { key: { place: '2dsphere' }, name: 'place', collation: { locale: 'simple' } },
        ];
        await db.run({ createIndexes: 'c', indexes });
        const stored = list.map((one, _id) => ({ _id, ...one }));
        await insertAll(db, stored);
        const find = { find: 'c', filter: { ...condition, ...also }, collation, sort: { _id: 1 } };
        const found = idsOf(await db.run(find));
        expect(
          idsOf(await db.run({ ...find, hint: 'place', ...('place' in also ? {} : { hint: { $natural: 1 } }) })),
        ).toEqual(found);
      }),
      { numRuns: 120 },
    );
  });

  test.each([
    ['hashed', { a: 'hashed' }],
    ['wildcard', { '$**': 1 }],
    ['2dsphere', { a: 1, place: '2dsphere' }],
  ])('of the kind %s serves strings of its collation', async (_, key) => {
    const db = await TestCommands.open();
    await db.run({ createIndexes: 'c', indexes: [{ key, name: 'i', collation: INSENSITIVE }] });
    const coordinates = [1, 1];
    const documents = ['X', 'x', 'y'].map((a, i) => ({ _id: i, a, place: { type: 'Point', coordinates } }));
    await insertAll(db, documents);
    const also = 'place' in key ? { place: within } : {};
    const find = { find: 'c', filter: { a: 'x', ...also }, sort: { _id: 1 }, collation: INSENSITIVE };
    expect(idsOf(await db.run(find))).toEqual([0, 1]);
    const explained = await db.run({ explain: find, verbosity: 'executionStats' });
    expect(explained).toMatchObject({ executionStats: { nReturned: 2, totalDocsExamined: 2 } });
  });

  test('that is unique refuses exactly the values that are equal', async () => {
    const isEqual = compareUnder(INSENSITIVE);
    const pairs = fc.array(fc.tuple(values, values), { minLength: 1, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(pairs, fc.constantFrom(1, -1), async (list, direction) => {
        const db = await TestCommands.open();
        const key = { a: direction, b: 1 };
        await db.run({ createIndexes: 'c', indexes: [{ key, name: 'i', unique: true, collation: INSENSITIVE }] });
        await insertAll(
          db,
          list.map(([a, b], _id) => ({ _id, a, b })),
        );
        const kept: number[] = [];
        for (const [i, [a, b]] of list.entries()) {
          if (!kept.some((j) => isEqual(a, list[j][0]) && isEqual(b, list[j][1]))) kept.push(i);
        }
        expect(db.member.find('db.c').map(({ _id }) => _id)).toEqual(kept);
      }),
      { numRuns: 120 },
    );
  });

  test('cannot be built as a unique one over values that are equal', async () => {
    for (const [a, b] of [
      ['x', 'X'],
      ['straße', 'STRASSE'],
    ]) {
      const db = await TestCommands.open();
      await insertAll(db, [
        { _id: 1, a },
        { _id: 2, a: b },
      ]);
      const index = { key: { a: 1 }, name: 'i', unique: true, collation: { locale: 'en', strength: 1 } };
      expect(await db.run({ createIndexes: 'c', indexes: [index] })).toMatchObject({ code: 11000 });
    }
  });

  test('is not the same as one without', async () => {
    const db = await TestCommands.open();
    const indexes = [
      { key: { a: 1 }, name: 'one' },
      { key: { a: 1 }, name: 'two', collation: { locale: 'fr' } },
    ];
    expect(await db.run({ createIndexes: 'c', indexes })).toMatchObject({ ok: 1, numIndexesAfter: 3 });
    for (const kind of ['text', '2d']) {
      const index = { key: { a: kind }, name: 'k', collation: { locale: 'fr' } };
      expect(await db.run({ createIndexes: 'c', indexes: [index] })).toMatchObject({ codeName: 'CannotCreateIndex' });
    }
  });
});

describe('with a unique index of a collation', () => {
  async function target(): Promise<TestCommands> {
    const db = await TestCommands.open();
    const index = { key: { a: 1 }, name: 'i', unique: true, collation: INSENSITIVE };
    await db.run({ createIndexes: 'c', indexes: [index] });
    await insertAll(db, [{ _id: 1, a: 'X' }]);
    await db.run({ insert: 'source', documents: [{ _id: 7, a: 'x', n: 1 }] });
    return db;
  }

  test('$merge asks for one of its own collation, and finds documents by that of the target', async () => {
    const db = await target();
    const pipeline = [{ $project: { _id: 0, n: 1, a: 1 } }, { $merge: { into: 'c', on: 'a' } }];
    const merge = { aggregate: 'source', pipeline, cursor: {} };
    expect(await db.run(merge)).toMatchObject({ code: 51183 });
    // Source: a recorded reply.
    expect(await db.run({ ...merge, collation: INSENSITIVE })).toMatchObject({ code: 11000 });
  });

  test('min and max take strings of no other collation', async () => {
    const db = await target();
    const find = { find: 'c', min: { a: 'a' }, hint: 'i' };
    expect(await db.run(find)).toMatchObject({ code: 51174 });
    expect(idsOf(await db.run({ ...find, collation: INSENSITIVE }))).toEqual([1]);
    expect(idsOf(await db.run({ ...find, min: { a: 5 } }))).toEqual([1]);
  });
});

describe('the collation of a collection', () => {
  async function created(): Promise<TestCommands> {
    const db = await TestCommands.open();
    expect(await db.run({ create: 'c', collation: INSENSITIVE })).toMatchObject({ ok: 1 });
    return db;
  }

  test('is what operations take that name none', async () => {
    const db = await created();
    await insertAll(db, [
      { _id: 1, s: 'a' },
      { _id: 2, s: 'A' },
      { _id: 3, s: 'b' },
    ]);
    expect(idsOf(await db.run({ find: 'c', filter: { s: 'A' } }))).toEqual([1, 2]);
    expect(idsOf(await db.run({ find: 'c', filter: { s: 'A' }, collation: { locale: 'simple' } }))).toEqual([2]);
    expect(await db.run({ count: 'c', query: { s: 'a' } })).toMatchObject({ n: 2 });
    expect(await db.run({ distinct: 'c', key: 's' })).toMatchObject({ values: ['a', 'b'] });
    expect(await db.run({ update: 'c', updates: [{ q: { s: 'B' }, u: { $set: { t: 1 } } }] })).toMatchObject({ n: 1 });
    expect(await db.run({ delete: 'c', deletes: [{ q: { s: 'a' }, limit: 0 }] })).toMatchObject({ n: 2 });
  });

  test('is that of its indexes, unless they name one', async () => {
    const db = await created();
    const indexes = [
      { key: { a: 1 }, name: 'own' },
      { key: { a: 1 }, name: 'simple', collation: { locale: 'simple' } },
    ];
    await db.run({ createIndexes: 'c', indexes });
    const reply = await db.run({ listIndexes: 'c' });
    const { firstBatch } = reply['cursor'] as { firstBatch: { name: string; collation?: object }[] };
    expect(firstBatch.map(({ name, collation }) => [name, collation !== undefined])).toEqual([
      ['_id_', true],
      ['own', true],
      ['simple', false],
    ]);
  });

  test('decides which _ids are the same', async () => {
    const isEqual = compareUnder(INSENSITIVE);
    const ids = values.filter((value) => value !== null);
    await fc.assert(
      fc.asyncProperty(fc.array(ids, { minLength: 1, maxLength: 10 }), ids, async (list, sought) => {
        const db = await created();
        await insertAll(
          db,
          list.map((_id) => ({ _id })),
        );
        const kept = list.filter((id, i) => !list.slice(0, i).some((other) => isEqual(id, other)));
        expect(db.member.find('db.c').map(({ _id }) => _id)).toEqual(kept);
        expect(idsOf(await db.run({ find: 'c', filter: { _id: sought } }))).toEqual(
          kept.filter((id) => isEqual(id, sought)),
        );
        const hinted = await db.run({ find: 'c', filter: { _id: sought }, hint: { _id: 1 } });
        expect(idsOf(hinted)).toEqual(kept.filter((id) => isEqual(id, sought)));
        const sorted = idsOf(await db.run({ find: 'c', sort: { _id: 1 }, collation: { locale: 'simple' } }));
        invariant(sorted.length === kept.length, 'every document is found');
        await db.run({ update: 'c', updates: [{ q: { _id: sought }, u: { $set: { hit: 1 } } }] });
        const hits = db.member.find('db.c').filter((one) => 'hit' in one);
        expect(hits.length).toBe(kept.some((id) => isEqual(id, sought)) ? 1 : 0);
      }),
      { numRuns: 200 },
    );
  });
});
