import { Decimal128, MaxKey, MinKey, ObjectId, Timestamp as BsonTimestamp } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TIMESTAMP_MAX } from '../../base/optime.ts';
import { decodePlain, encodeDocument } from '../../bson/codec.ts';
import { compileFilter } from '../../query/matcher.ts';
import { compileSort } from '../../query/sort.ts';
import { EVERYTHING } from './interval.ts';
import { checkCollection } from '../check.ts';
import { CountRun } from '../run/count_run.ts';
import { chooseAmongPlans, choosePlan, resolveHint, type Plan } from './plan.ts';
import { keyPatternOf } from './candidate.ts';
import { compileProjection } from '../../query/projection.ts';
import { ProjectionShape } from './projection_shape.ts';
import { openFind, openPlanned, chooseFor } from '../run/running_query.ts';
import { findField } from '../../bson/elements.ts';
import { fieldName } from '../../bson/bytes.ts';
import { TestData } from '../test_support.ts';
import { Turn } from '../turn.ts';

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
  });

  test('merges scans of single values for the order of the next field', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1, b: 1 });
    const merged = planFor(member, { a: { $in: [1, 2] } }, { b: 1 });
    expect(merged).toMatchObject({ isSorted: true, isExact: true, access: { kind: 'union', branches: [{}, {}] } });
  });

  test('tries several plans, and takes the one that gives more for its work', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1 });
    member.index('db.c', { b: 1 });
    for (let i = 0; i < 300; i++) member.insert('db.c', { _id: i, a: 1, b: i });
    const request = {
      collection: member.collection('db.c'),
      filter: compileFilter(encodeDocument({ a: 1, b: 7 })),
      sort: undefined,
      hint: undefined,
      at: TIMESTAMP_MAX,
    };
    const { plan, rejected } = chooseAmongPlans(request);
    expect(indexOf(plan)).toBe('b_1');
    expect(rejected.map(indexOf)).toEqual(['a_1']);
  });

  test('makes documents of keys when these tell all, and reads the document when its types are not the usual ones', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1, b: -1 });
    member.insert('db.c', { _id: 1, a: 1, b: 'x' });
    member.insert('db.c', { _id: 2, a: 1, b: 2n });
    member.update('db.c', { _id: 1 }, { $set: { c: 1 } });
    const spec = encodeDocument({ _id: 0, b: 1 });
    const request = {
      collection: member.collection('db.c'),
      filter: compileFilter(encodeDocument({ a: 1 })),
      sort: undefined,
      hint: undefined,
      projection: undefined,
      shape: ProjectionShape.of(spec),
      skip: 0,
      limit: Infinity,
      at: TIMESTAMP_MAX,
      turn: new Turn(member.env.clock),
    };
    const query = openPlanned(request, chooseFor(request).plan);
    const documents: Plain[] = [];
    for (let next = query.source.next(); next instanceof Uint8Array; next = query.source.next()) {
      documents.push(decodePlain(next));
    }
    expect(documents).toEqual([
      { a: 1, b: 'x' },
      { _id: 2, a: 1, b: 2 },
    ]);
    expect(query.scan).toMatchObject({ keysExamined: 2, docsExamined: 1 });
    member.update('db.c', { _id: 2 }, { $set: { b: 2 } });
    expect((await checkCollection(member.env, member.collection('db.c'))).problems).toEqual([]);
  });

  test('looks at a wildcard index as one of the path that is asked for', async () => {
    const member = await TestData.open();
    member.index('db.c', { '$**': 1 });
    const { access } = planFor(member, { 'a.b': 1 });
    const pattern = access.kind === 'index' ? keyPatternOf(access.bounds.candidate) : undefined;
    expect(pattern).toEqual(encodeDocument({ $_path: 1, 'a.b': 1 }));
  });

  test('bounds two fields below one array together only for one element', async () => {
    const member = await TestData.open();
    member.index('db.c', { 'a.b': 1, 'a.c': 1 });
    member.insert('db.c', {
      _id: 1,
      a: [
        { b: 1, c: 2 },
        { b: 2, c: 1 },
      ],
    });
    expect(member.find('db.c', { 'a.b': 1, 'a.c': 1 })).toHaveLength(1);
    expect(member.find('db.c', { a: { $elemMatch: { b: 1, c: 1 } } })).toHaveLength(0);
    expect(member.find('db.c', { a: { $elemMatch: { b: 1, c: 2 } } })).toHaveLength(1);
    const apart = planFor(member, { 'a.b': 1, 'a.c': 1 });
    const together = planFor(member, { a: { $elemMatch: { b: 1, c: 1 } } });
    expect(apart).toMatchObject({ access: { bounds: { fields: [[{}], [EVERYTHING]] } } });
    expect(together).not.toMatchObject({ access: { bounds: { fields: [[{}], [EVERYTHING]] } } });
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
    expect(hint('b_1')).toEqual({ kind: 'unknown' });
    expect(hint({ a: -1 })).toEqual({ kind: 'unknown' });
  });
});

describe('an index', () => {
  const small = fc.integer({ min: 0, max: 3 });
  const scalar = fc.oneof(
    { weight: 9, arbitrary: small },
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
    { weight: 2, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.record({ b: scalar, c: scalar }, { requiredKeys: [] }) },
    { weight: 2, arbitrary: fc.array(fc.record({ b: scalar, c: scalar }, { requiredKeys: [] }), { maxLength: 3 }) },
  );
  const document = fc.record({ a: value, d: scalar }, { requiredKeys: [] });
  const comparable = fc.oneof(
    fc.record({ $gt: small, $lt: small }),
    fc.record({ $gte: small, $lte: small }),
    fc.record({ $gt: scalar, $lte: scalar }, { requiredKeys: [] }).filter((one) => Object.keys(one).length > 0),
    fc.record({ $gte: scalar, $lt: scalar }, { requiredKeys: [] }).filter((one) => Object.keys(one).length > 0),
    fc.record({ $in: fc.array(scalar, { maxLength: 4 }) }),
    fc.record({ $eq: scalar }),
    fc.record({ $type: fc.constantFrom<unknown>('number', 'string', 'null', 'object', 'array', ['bool', 'date']) }),
    fc.record({ $mod: fc.constantFrom([2, 1], [2, 0]) }),
    fc.record({
      $regex: fc.constantFrom('^a', '^ab', '^a.*', 'b', '^', '^a?b', 'B$'),
      $options: fc.constantFrom('', 'i', 's'),
    }),
    fc.record({ $exists: fc.boolean() }),
  );
  const negatable = fc.oneof(
    comparable,
    fc.record({ $ne: scalar }),
    fc.record({ $nin: fc.array(scalar, { maxLength: 3 }) }),
  );
  const elements = fc.oneof(
    negatable,
    fc.dictionary(fc.constantFrom('b', 'c'), fc.oneof(scalar, negatable), { minKeys: 1, maxKeys: 2 }),
  );
  const condition = fc.oneof(
    scalar,
    negatable,
    fc.record({ $not: comparable }),
    fc.record({ $elemMatch: elements }),
    fc.array(scalar, { maxLength: 2 }),
    fc.record({ $all: fc.array(scalar, { maxLength: 2 }) }),
    fc.record({ $size: fc.nat(2) }),
  );
  const path = fc.constantFrom('a', 'a.b', 'a.c', 'd');
  const conjunction = fc.dictionary(path, condition, { maxKeys: 3 });
  const filter: fc.Arbitrary<Plain> = fc.oneof(
    { weight: 3, arbitrary: conjunction },
    {
      weight: 1,
      arbitrary: fc
        .tuple(conjunction, fc.array(conjunction, { minLength: 1, maxLength: 3 }))
        .map(([all, any]) => ({ ...all, $or: any })),
    },
    { weight: 1, arbitrary: fc.array(conjunction, { minLength: 1, maxLength: 3 }).map((any) => ({ $or: any })) },
  );
  const direction = fc.constantFrom(1, -1);
  const otherIndexes = fc.record({
    options: fc.constantFrom<Plain>(
      {},
      { sparse: true },
      { partialFilterExpression: { d: { $exists: true } } },
      { partialFilterExpression: { a: { $gt: 0 } } },
      { partialFilterExpression: { $or: [{ d: { $lte: 2 } }, { 'a.b': { $type: 'string' } }] } },
      { partialFilterExpression: { d: { $in: [1, 'a', true] } } },
    ),
    extra: fc.constantFrom<{ readonly key: Plain; readonly options: Plain } | undefined>(
      undefined,
      { key: { d: 'hashed' }, options: {} },
      { key: { d: 'hashed', _id: 1 }, options: { sparse: true } },
      { key: { '$**': 1 }, options: {} },
      { key: { 'a.$**': -1 }, options: {} },
      { key: { d: 1, 'a.$**': 1 }, options: {} },
      { key: { '$**': 1 }, options: { wildcardProjection: { d: 0 } } },
    ),
  });

  test('never changes what a query returns, counts or how it is ordered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(document, { maxLength: 25 }),
        fc.array(filter, { minLength: 1, maxLength: 6 }),
        fc.record({ first: path, second: path, x: direction, y: direction, more: otherIndexes }),
        async (documents, filters, index) => {
          const plain = await TestData.open();
          const indexed = await TestData.open();
          indexed.index('db.c', { [index.first]: index.x }, index.more.options);
          if (index.first !== index.second && !(index.first.startsWith('a') && index.second === 'a')) {
            indexed.index('db.c', { [index.first]: index.x, [index.second]: index.y });
          }
          if (index.more.extra !== undefined) indexed.index('db.c', index.more.extra.key, index.more.extra.options);
          for (const [i, one] of documents.entries()) {
            plain.insert('db.c', { _id: i, ...one });
            indexed.insert('db.c', { _id: i, ...one });
          }
          plain.collection('db.c');
          expect((await checkCollection(indexed.env, indexed.collection('db.c'))).problems).toEqual([]);
          for (const q of filters) compareOne(plain, indexed, q, index);
        },
      ),
      { numRuns: 200 },
    );
  });

  function compareOne(plain: TestData, indexed: TestData, q: Plain, index: { first: string; x: number }): void {
    const ids = (found: Plain[]): unknown[] => found.map((one) => one['_id']);
    const wanted = ids(plain.find('db.c', q));
    const found = ids(indexed.find('db.c', q));
    expect(found).toHaveLength(wanted.length);
    expect(new Set(found)).toEqual(new Set(wanted));
    expect(countOf(indexed, q)).toBe(wanted.length);
    expect(shown(indexed, index.first, q)).toEqual(shown(plain, index.first, q));
    const sort = { [index.first]: index.x, _id: 1 };
    expect(ids(indexed.find('db.c', q, { sort }))).toEqual(ids(plain.find('db.c', q, { sort })));
    const single = { [index.first]: -index.x };
    const keyOf = compileSort(encodeDocument(single));
    const keys = (found: Plain[]): unknown[] => found.map((one) => keyOf?.key(encodeDocument(one), 0));
    expect(keys(indexed.find('db.c', q, { sort: single }))).toEqual(keys(plain.find('db.c', q, { sort: single })));
  }

  /** What a projection that the keys may serve shows, as bytes: types count. */
  function shown(member: TestData, path: string, q: Plain): string[] {
    const spec = encodeDocument({ _id: 0, [path]: 1 });
    const filter = compileFilter(encodeDocument(q));
    const projection = compileProjection(spec, filter);
    const query = openFind({
      collection: member.collection('db.c'),
      filter,
      sort: undefined,
      hint: undefined,
      projection,
      shape: ProjectionShape.of(spec),
      skip: 0,
      limit: Infinity,
      at: TIMESTAMP_MAX,
      turn: new Turn(member.env.clock),
    });
    const found: string[] = [];
    for (let next = query.source.next(); next !== undefined; next = query.source.next()) {
      if (typeof next !== 'symbol') found.push(Buffer.from(projection?.apply(next, 0) ?? next).toString('hex'));
    }
    return found.sort();
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
