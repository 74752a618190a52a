import { Decimal128, MaxKey, MinKey, ObjectId, Timestamp as BsonTimestamp } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TIMESTAMP_MAX } from '../base/optime.ts';
import { encodeDocument } from '../bson/codec.ts';
import { compileFilter } from '../query/matcher.ts';
import { compileSort } from '../query/sort.ts';
import { checkCollection } from './check.ts';
import { CountRun } from './count_run.ts';
import { choosePlan, resolveHint, type Plan } from './plan.ts';
import { findField } from '../bson/elements.ts';
import { fieldName } from '../bson/bytes.ts';
import { TestData } from './test_support.ts';
import { Turn } from './turn.ts';

type Plain = Record<string, unknown>;

function planFor(member: TestData, q: Plain, sort?: Plain): Plan {
  return choosePlan({
    collection: member.collection('db.c'),
    filter: compileFilter(encodeDocument(q)),
    sort: sort === undefined ? undefined : compileSort(encodeDocument(sort))?.fields,
    hint: undefined,
    at: TIMESTAMP_MAX,
  });
}

function indexOf(plan: Plan): string {
  if (plan.access.kind !== 'index') return plan.access.kind;
  return plan.access.index?.spec.name ?? '_id_';
}

describe('the planner', () => {
  test('goes straight to a document by its _id', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1 });
    expect(indexOf(planFor(member, { _id: 5, a: 1 }))).toBe('id');
    expect(indexOf(planFor(member, { _id: { $in: [5, 6] } }))).toBe('_id_');
    expect(indexOf(planFor(member, {}))).toBe('collection');
  });

  test('prefers more equalities, then a range, then an order', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1 });
    member.index('db.c', { a: 1, b: 1 });
    member.index('db.c', { b: -1 });
    expect(indexOf(planFor(member, { a: 1 }))).toBe('a_1');
    expect(indexOf(planFor(member, { a: 1, b: { $gt: 2 } }))).toBe('a_1_b_1');
    expect(indexOf(planFor(member, { a: 1 }, { b: -1 }))).toBe('a_1_b_1');
    expect(planFor(member, { a: 1 }, { b: -1 })).toMatchObject({ isSorted: true, access: { reverse: true } });
    expect(planFor(member, {}, { b: -1 })).toMatchObject({ isSorted: true, access: { reverse: false } });
    expect(planFor(member, { a: { $in: [1, 2] } }, { b: 1 }).isSorted).toBe(
      indexOf(planFor(member, { a: { $in: [1, 2] } }, { b: 1 })) === 'b_-1',
    );
  });

  test('leaves a sparse index alone where it could miss documents', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1 }, { sparse: true });
    expect(indexOf(planFor(member, { a: null }))).toBe('collection');
    expect(indexOf(planFor(member, {}, { a: 1 }))).toBe('collection');
    expect(indexOf(planFor(member, { a: 3 }))).toBe('a_1');
  });

  test('refuses a hint that names no index', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1 });
    const hint = (value: unknown) => {
      const found = findField(encodeDocument({ hint: value }), fieldName('hint'));
      return found === undefined ? undefined : resolveHint(found, member.collection('db.c'));
    };
    expect(hint('a_1')).toMatchObject({ kind: 'index' });
    expect(hint({ a: 1 })).toMatchObject({ kind: 'index' });
    expect(hint({ $natural: -1 })).toEqual({ kind: 'natural', reverse: true });
    expect(() => hint('b_1')).toThrow('hint provided does not correspond to an existing index');
    expect(() => hint({ a: -1 })).toThrow('hint provided does not correspond to an existing index');
  });
});

describe('an index', () => {
  const scalar = fc.oneof(
    fc.integer({ min: -2, max: 3 }),
    fc.constantFrom<unknown>(
      1.5,
      -0,
      Number.NaN,
      Infinity,
      2n,
      Decimal128.fromString('1.50'),
      null,
      '',
      'a',
      'b',
      'ab',
    ),
    fc.constantFrom<unknown>(true, false, new Date(5), new MinKey(), new MaxKey(), { b: 1 }, { b: 2, c: 1 }, {}),
    fc.constantFrom<unknown>(new ObjectId('0'.repeat(24)), new BsonTimestamp({ t: 1, i: 1 })),
  );
  const value = fc.oneof(
    { weight: 4, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(fc.record({ b: scalar, c: scalar }, { requiredKeys: [] }), { maxLength: 3 }) },
  );
  const document = fc.record({ a: value, d: scalar }, { requiredKeys: [] });
  const condition = fc.oneof(
    scalar,
    fc.record({ $gt: scalar, $lte: scalar }, { requiredKeys: [] }).filter((one) => Object.keys(one).length > 0),
    fc.record({ $gte: scalar, $lt: scalar }, { requiredKeys: [] }).filter((one) => Object.keys(one).length > 0),
    fc.record({ $in: fc.array(scalar, { maxLength: 4 }) }),
    fc.record({ $ne: scalar }),
  );
  const path = fc.constantFrom('a', 'a.b', 'a.c', 'd');
  const filter = fc.dictionary(path, condition, { maxKeys: 3 });
  const direction = fc.constantFrom(1, -1);

  test('never changes what a query returns, counts or how it is ordered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(document, { maxLength: 25 }),
        fc.array(filter, { minLength: 1, maxLength: 6 }),
        fc.record({ first: path, second: path, x: direction, y: direction, sparse: fc.boolean() }),
        async (documents, filters, index) => {
          const plain = await TestData.open();
          const indexed = await TestData.open();
          indexed.index('db.c', { [index.first]: index.x }, index.sparse ? { sparse: true } : {});
          if (index.first !== index.second && !(index.first.startsWith('a') && index.second === 'a')) {
            indexed.index('db.c', { [index.first]: index.x, [index.second]: index.y });
          }
          for (const [i, one] of documents.entries()) {
            plain.insert('db.c', { _id: i, ...one });
            indexed.insert('db.c', { _id: i, ...one });
          }
          plain.collection('db.c');
          expect((await checkCollection(indexed.env, indexed.collection('db.c'))).problems).toEqual([]);
          for (const q of filters) compareOne(plain, indexed, q, index);
        },
      ),
      { numRuns: 150 },
    );
  });

  function compareOne(plain: TestData, indexed: TestData, q: Plain, index: { first: string; x: number }): void {
    const ids = (found: Plain[]): unknown[] => found.map((one) => one['_id']);
    const wanted = ids(plain.find('db.c', q));
    const found = ids(indexed.find('db.c', q));
    expect(found).toHaveLength(wanted.length);
    expect(new Set(found)).toEqual(new Set(wanted));
    expect(countOf(indexed, q)).toBe(wanted.length);
    const sort = { [index.first]: index.x, _id: 1 };
    expect(ids(indexed.find('db.c', q, { sort }))).toEqual(ids(plain.find('db.c', q, { sort })));
    const single = { [index.first]: -index.x };
    const keyOf = compileSort(encodeDocument(single));
    const keys = (found: Plain[]): unknown[] => found.map((one) => keyOf?.key(encodeDocument(one), 0));
    expect(keys(indexed.find('db.c', q, { sort: single }))).toEqual(keys(plain.find('db.c', q, { sort: single })));
  }

  function countOf(member: TestData, q: Plain): number {
    const run = new CountRun({
      collection: member.collection('db.c'),
      filter: compileFilter(encodeDocument(q)),
      hint: undefined,
      at: TIMESTAMP_MAX,
      turn: new Turn(member.env.clock),
      limit: Infinity,
    });
    run.advance();
    return run.count;
  }
});
