/** Finds whose shape was planned before give what they would give if they were planned anew. */
import { isDeepStrictEqual } from 'node:util';
import { Binary, BSONRegExp, Decimal128, Double, Long, MaxKey, MinKey, ObjectId, Timestamp } from 'bson';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

/** Values with many equal ones among them, of all types that filters treat in some way of their own. */
const VALUES: readonly unknown[] = [
  ...[0, 1, 2, 3, 4, 5, -1, 2.5],
  ...[new Double(3), new Double(Number.NaN), new Double(-0), new Double(Infinity), Long.fromNumber(2)],
  ...[Decimal128.fromString('3.00'), Decimal128.fromString('NaN'), Long.fromString('9007199254740993')],
  ...['', 'a', 'ab', 'b', 'z', true, false, null],
  ...[new Date(0), new Date(1e12), new Timestamp({ t: 1, i: 2 }), new ObjectId('0'.repeat(24))],
  ...[new Binary(Uint8Array.of(1, 2)), new MinKey(), new MaxKey(), { x: 1 }, { x: 'a' }],
];
const ARRAYS: readonly unknown[] = [[], [1], [1, 3], [5, 0], ['a', 2], [[1]], [null], [{ x: 1 }, { x: 2 }]];
const OPERANDS: readonly unknown[] = [...VALUES, [1], [], new BSONRegExp('^a'), [1, 3]];

function pick<T>(list: readonly T[], at: number): T {
  return list[((at % list.length) + list.length) % list.length];
}

function documentOf(_id: number): object {
  const some = (i: number): unknown => pick(VALUES, (_id + 1) * (2 * i + 1) + i);
  return {
    _id,
    ...(_id % 7 === 0 ? {} : { a: some(1) }),
    ...(_id % 5 === 0 ? {} : { b: some(2) }),
    m: _id % 3 === 0 ? pick(ARRAYS, _id) : some(3),
    d: { x: some(4), y: _id % 4 },
    t: _id % 6,
  };
}

const INDEXES = [
  { key: { a: 1 }, name: 'a' },
  { key: { a: -1, t: 1 }, name: 'a_t' },
  { key: { b: 1, a: -1 }, name: 'b_a', sparse: true },
  { key: { m: 1 }, name: 'm' },
  { key: { 'd.x': 1, 'd.y': -1 }, name: 'd' },
  { key: { t: 1 }, name: 't', partialFilterExpression: { t: { $gt: 2 } } },
];

let db: TestCommands;

async function filled(indexes: readonly object[]): Promise<TestCommands> {
  const filledDb = await TestCommands.open();
  await filledDb.run({ insert: 'c', documents: Array.from({ length: 200 }, (_, i) => documentOf(i)) });
  if (indexes.length > 0) expect(await filledDb.run({ createIndexes: 'c', indexes })).toMatchObject({ ok: 1 });
  await filledDb.member.checkpoint();
  await filledDb.run({ update: 'c', updates: [{ q: { t: 3 }, u: { $set: { b: 2 } }, multi: true }] });
  await filledDb.run({ delete: 'c', deletes: [{ q: { _id: { $in: [7, 50] } }, limit: 0 }] });
  return filledDb;
}

/** An argument that no shape has, and that changes nothing here. */
const ANEW = { allowDiskUse: false };

async function bothWays(on: TestCommands, find: object): Promise<[prepared: Reply, planned: Reply]> {
  return [await on.run(find), await on.run({ ...find, ...ANEW })];
}

/**
 * What a sort leaves open comes in the order of the plan, and the planned query may be the one that finds a better plan: both
 * follow it from then on.
 */
async function expectSame(find: object): Promise<void> {
  let [fast, slow] = await bothWays(db, find);
  for (let i = 0; i < 2 && !isDeepStrictEqual(shown(fast), shown(slow)); i++) [fast, slow] = await bothWays(db, find);
  expect(shown(fast)).toEqual(shown(slow));
}

function prepared(on: TestCommands, ns = 'db.c'): number {
  return on.member.data.prepared.of(on.member.collection(ns)).size;
}

beforeAll(async () => {
  db = await filled(INDEXES);
});

const operand = fc.nat({ max: OPERANDS.length - 1 });
const operator = fc.constantFrom('eq', '$eq', '$gt', '$gte', '$lt', '$lte', '$in', '$ne', '$exists', '$type', '$nin');
const condition = fc.record({
  path: fc.constantFrom('_id', 'a', 'b', 'm', 'd.x', 'd.y', 't', 'm.x', 'd'),
  operators: fc.array(operator, { minLength: 1, maxLength: 2 }),
});
/** How a filter is made of numbers that choose its operands. */
const filterShape = fc.array(condition, { minLength: 1, maxLength: 3 });
const rest = fc.record(
  {
    sort: fc.constantFrom(
      { a: 1 },
      { a: -1 },
      { t: 1, _id: 1 },
      { 'd.y': 1 },
      { b: 1, a: -1 },
      { a: 1, t: -1 },
      { m: 1 },
    ),
    projection: fc.constantFrom({ a: 1 }, { a: 1, t: 1, _id: 0 }, { 'd.x': 1, 'd.y': 1, _id: 0 }, { m: 0 }, {}),
    limit: fc.constantFrom(0, 1, 5),
    skip: fc.constantFrom(0, 1, 3),
    batchSize: fc.constantFrom(1, 10, 1000),
    singleBatch: fc.boolean(),
    hint: fc.constantFrom('a', { a: -1, t: 1 }, '_id_', { $natural: -1 }),
  },
  { requiredKeys: [] },
);

interface Condition {
  readonly path: string;
  readonly operators: readonly string[];
}

function filterOf(shape: readonly Condition[], operands: readonly number[]): object {
  let next = 0;
  const value = (): unknown => pick(OPERANDS, operands[next++ % operands.length] + next);
  return Object.fromEntries(
    shape.map(({ path, operators }) => {
      if (operators[0] === 'eq') return [path, value()];
      const entries = operators.map((name) => {
        if (name === '$exists') return [name, true];
        if (name === '$type') return [name, 'number'];
        return [name === 'eq' ? '$eq' : name, name === '$in' || name === '$nin' ? [value(), value()] : value()];
      });
      return [path, Object.fromEntries(entries)];
    }),
  );
}

function idsOf(reply: Reply): Set<unknown> {
  const { firstBatch } = reply['cursor'] as { firstBatch: { _id: unknown }[] };
  return new Set(firstBatch.map(({ _id }) => _id));
}

/** Cursors get ids by chance. */
function shown(reply: Reply): unknown {
  const { cursor, ...others } = reply as { cursor?: { firstBatch: unknown; id: bigint } };
  return cursor === undefined ? others : { batch: cursor.firstBatch, isOpen: BigInt(cursor.id) !== 0n };
}

describe('a find of a shape that was planned before', () => {
  test('gives what it gives when it is planned', async () => {
    let largest = 0;
    const sets = fc.array(fc.array(operand, { minLength: 1, maxLength: 6 }), { minLength: 3, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(filterShape, rest, sets, async (shape, options, operandSets) => {
        for (const operands of [operandSets[0], operandSets[0], ...operandSets]) {
          await expectSame({ find: 'c', filter: filterOf(shape, operands), ...options });
        }
        largest = Math.max(largest, prepared(db));
      }),
      { numRuns: 120 },
    );
    expect(largest).toBeGreaterThan(50);
  });

  test('counts and changes the documents that it finds when it is planned', async () => {
    const own = await filled(INDEXES);
    const sets = fc.array(fc.array(operand, { minLength: 1, maxLength: 6 }), { minLength: 3, maxLength: 5 });
    let mark = 0;
    await fc.assert(
      fc.asyncProperty(filterShape, sets, async (shape, operandSets) => {
        for (const operands of [operandSets[0], operandSets[0], ...operandSets]) {
          const filter = filterOf(shape, operands);
          const found = await own.run({ find: 'c', filter, batchSize: 1000, ...ANEW });
          if (found['ok'] !== 1) continue;
          const ids = idsOf(found);
          expect(await own.run({ count: 'c', query: filter })).toMatchObject({ n: ids.size });
          mark += 1;
          const update = { q: filter, u: { $set: { mark } }, multi: true };
          expect(await own.run({ update: 'c', updates: [update] })).toMatchObject({ n: ids.size });
          expect(idsOf(await own.run({ find: 'c', filter: { mark }, batchSize: 1000, ...ANEW }))).toEqual(ids);
          const one = await own.run({ findAndModify: 'c', query: filter, update: { $set: { mark } } });
          const { value } = one as { value: { _id: unknown } | null };
          expect(value === null ? ids.size === 0 : ids.has(value._id)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
    expect(prepared(own)).toBeGreaterThan(20);
  });

  test('is kept when it comes for the second time', async () => {
    const own = await filled([{ key: { a: 1 }, name: 'a' }]);
    await own.run({ find: 'c', filter: { a: 1 } });
    expect(prepared(own)).toBe(0);
    await own.run({ find: 'c', filter: { a: 2 } });
    expect(prepared(own)).toBe(1);
    await own.run({ find: 'c', filter: { a: 'text' } });
    expect(prepared(own)).toBe(1);
  });

  test('is planned anew when indexes come, go, or are hidden', async () => {
    const own = await filled([{ key: { a: 1 }, name: 'a' }]);
    const find = async (): Promise<unknown> => shown(await own.run({ find: 'c', filter: { a: 1 } }));
    const expected = await find();
    await find();
    await own.run({ collMod: 'c', index: { name: 'a', hidden: true } });
    expect(prepared(own)).toBe(0);
    expect(await find()).toEqual(expected);
    await own.run({ collMod: 'c', index: { name: 'a', hidden: false } });
    for (let i = 0; i < 3; i++) expect(await find()).toEqual(expected);
    expect(prepared(own)).toBe(1);
    await own.run({ dropIndexes: 'c', index: 'a' });
    expect(await find()).toEqual(expected);
    await own.run({ createIndexes: 'c', indexes: [{ key: { a: -1 }, name: 'a' }] });
    for (let i = 0; i < 3; i++) expect((await find()) as object).toMatchObject({ isOpen: false });
  });

  test('finds what is below arrays that came after it was planned', async () => {
    const own = await filled([{ key: { t: 1 }, name: 't' }]);
    const find = { find: 'c', filter: { t: { $gt: 1, $lt: 3 } }, projection: { t: 1, _id: 0 } };
    for (let i = 0; i < 3; i++) await own.run(find);
    await own.run({ insert: 'c', documents: [{ _id: 'array', t: [0, 9] }] });
    const [fast, slow] = await bothWays(own, find);
    expect(shown(fast)).toEqual(shown(slow));
    expect(JSON.stringify(fast)).toContain('[0,9]');
  });

  test('follows index filters and the plan cache', async () => {
    const own = await filled([
      { key: { a: 1 }, name: 'a' },
      { key: { t: 1 }, name: 't' },
    ]);
    const find = { find: 'c', filter: { a: 1, t: 3 } };
    const usesOf = async (name: string): Promise<number> => {
      const reply = await own.run({ aggregate: 'c', pipeline: [{ $indexStats: {} }], cursor: {} });
      const { firstBatch } = reply['cursor'] as { firstBatch: { name: string; accesses: { ops: number } }[] };
      return Number(firstBatch.find((one) => one.name === name)?.accesses.ops);
    };
    // The index on t was used once before.
    for (let i = 0; i < 4; i++) await own.run(find);
    expect(prepared(own)).toBe(1);
    expect([await usesOf('a'), await usesOf('t')]).toEqual([4, 1]);
    await own.run({ planCacheSetFilter: 'c', query: { a: 0, t: 0 }, indexes: ['t'] });
    await own.run(find);
    expect([await usesOf('a'), await usesOf('t')]).toEqual([4, 2]);
    await own.run({ planCacheClearFilters: 'c' });
    for (let i = 0; i < 3; i++) await own.run(find);
    expect([await usesOf('a'), await usesOf('t')]).toEqual([7, 2]);
  });

  test('is answered with an error where its arguments are wrong', async () => {
    for (const wrong of [
      { limit: -1 },
      { skip: 'x' },
      { batchSize: -2 },
      { nonsense: 1 },
      { filter: 3 },
      { sort: 1 },
    ]) {
      for (let i = 0; i < 3; i++) {
        const [fast, slow] = await bothWays(db, { find: 'c', filter: { a: 1 }, ...wrong });
        expect(fast).toEqual(slow);
        expect(fast['ok']).toBe(0);
      }
    }
  });

  test('keeps its values while others of its shape are answered', async () => {
    const own = await filled([{ key: { a: 1 }, name: 'a' }]);
    const find = (y: number): object => ({ find: 'c', filter: { _id: { $gte: 0 }, 'd.y': y }, batchSize: 3 });
    const open = new Map<number, { id: bigint; found: unknown[] }>();
    for (let i = 0; i < 3; i++) await own.run({ ...find(0), singleBatch: true });
    expect(prepared(own)).toBe(1);
    for (const y of [0, 1, 2, 3]) {
      const { cursor } = (await own.run(find(y))) as { cursor: { id: bigint; firstBatch: unknown[] } };
      open.set(y, { id: BigInt(cursor.id), found: [...cursor.firstBatch] });
    }
    for (let round = 0; round < 30; round++) {
      for (const one of open.values()) {
        if (one.id === 0n) continue;
        const reply = await own.run({ getMore: one.id, collection: 'c', batchSize: 3 });
        const { id, nextBatch } = reply['cursor'] as { id: bigint; nextBatch: unknown[] };
        one.id = BigInt(id);
        one.found.push(...nextBatch);
      }
    }
    for (const [y, { found }] of open) {
      const whole = await own.run({ ...find(y), batchSize: 1000, ...ANEW });
      expect(found).toEqual((whole['cursor'] as { firstBatch: unknown[] }).firstBatch);
    }
  });

  test('goes on with getMore where its batch ended', async () => {
    const first = await db.run({ find: 'c', filter: { _id: { $gte: 10, $lt: 100 } }, batchSize: 1000 });
    for (let i = 0; i < 3; i++) {
      const start = await db.run({ find: 'c', filter: { _id: { $gte: 10, $lt: 100 } }, batchSize: 20 });
      const { id, firstBatch } = start['cursor'] as { id: bigint; firstBatch: unknown[] };
      const more = await db.run({ getMore: BigInt(id), collection: 'c' });
      const { nextBatch } = more['cursor'] as { nextBatch: unknown[] };
      expect([...firstBatch, ...nextBatch]).toEqual((first['cursor'] as { firstBatch: unknown[] }).firstBatch);
    }
  });
});
