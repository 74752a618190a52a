import { Decimal128, Int32 } from 'bson';
import { describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

type Plain = Record<string, unknown>;

async function densified(documents: readonly Plain[], spec: object): Promise<readonly Plain[]> {
  const db = await TestCommands.open();
  await db.run({ insert: 'c', documents });
  return documentsOf(await densify(db, spec));
}

function densify(db: TestCommands, spec: object, more: object = {}): Promise<Reply> {
  return db.run({ aggregate: 'c', pipeline: [{ $densify: spec }], cursor: { batchSize: 1000 }, ...more });
}

function documentsOf(reply: Reply): readonly Plain[] {
  expect(reply).toMatchObject({ ok: 1 });
  return (reply['cursor'] as { firstBatch: Plain[] }).firstBatch;
}

const PARTITIONS = [
  { _id: 1, p: 'a', v: 0 },
  { _id: 2, p: 'b', v: 4 },
  { _id: 3, p: 'a', v: 2 },
  { _id: 4, p: 'b', v: 1 },
  { _id: 5, w: 1 },
];

describe('the order of what $densify gives', () => {
  test('is that of the field, across partitions, in the full range', async () => {
    const spec = { field: 'v', partitionByFields: ['p'], range: { step: 2, bounds: 'full' } };
    expect(await densified(PARTITIONS, spec)).toEqual([
      { _id: 5, w: 1 },
      { _id: 1, p: 'a', v: 0 },
      { p: 'b', v: 0 },
      { _id: 4, p: 'b', v: 1 },
      { _id: 3, p: 'a', v: 2 },
      { p: 'b', v: 2 },
      { _id: 2, p: 'b', v: 4 },
      { p: 'a', v: 4 },
    ]);
  });

  test('is partition by partition in their own ranges', async () => {
    const spec = { field: 'v', partitionByFields: ['p'], range: { step: 1, bounds: 'partition' } };
    expect(await densified(PARTITIONS, spec)).toEqual([
      { _id: 5, w: 1 },
      { _id: 1, p: 'a', v: 0 },
      { p: 'a', v: 1 },
      { _id: 3, p: 'a', v: 2 },
      { _id: 4, p: 'b', v: 1 },
      { p: 'b', v: 2 },
      { p: 'b', v: 3 },
      { _id: 2, p: 'b', v: 4 },
    ]);
  });

  test('puts what is missing at the end of a given range behind all documents', async () => {
    const spec = { field: 'v', partitionByFields: ['p'], range: { step: 2, bounds: [0, 5] } };
    expect(await densified(PARTITIONS, spec)).toEqual([
      { _id: 5, w: 1 },
      { _id: 1, p: 'a', v: 0 },
      { _id: 3, p: 'a', v: 2 },
      { p: 'b', v: 0 },
      { _id: 4, p: 'b', v: 1 },
      { p: 'b', v: 2 },
      { _id: 2, p: 'b', v: 4 },
      { p: 'a', v: 4 },
    ]);
  });
});

test('a given range without documents is filled without partitions', async () => {
  const spec = { field: 'v', partitionByFields: ['p'], range: { step: 2, bounds: [0, 3] } };
  expect(await densified([{ _id: 1 }], spec)).toEqual([{ _id: 1 }, { v: 0 }, { v: 2 }]);
});

describe('what is added has the type', () => {
  const full = (step: unknown): object => ({ field: 'v', range: { step, bounds: 'full' } });
  const decimal = (text: string): Decimal128 => Decimal128.fromString(text);
  const values = async (given: readonly unknown[], step: unknown): Promise<readonly string[]> => {
    const documents = given.map((v, _id) => ({ _id, v }));
    return (await densified(documents, full(step))).map(({ v }) =>
      v instanceof Decimal128 ? `d${v.toString()}` : String(v),
    );
  };

  test('of the document that stands where one was expected', async () => {
    expect(await values([decimal('0'), 2, decimal('4')], new Int32(1))).toEqual(['d0', 'd1', '2', '3', 'd4']);
    expect(await values([decimal('0'), 0.5, decimal('1')], 0.1)).toEqual([
      ...['d0', 'd0.100000000000000', 'd0.200000000000000', 'd0.300000000000000', 'd0.400000000000000'],
      ...['0.5', '0.6', '0.7', '0.7999999999999999', '0.8999999999999999', '0.9999999999999999', 'd1'],
    ]);
  });

  test('of a decimal step', async () => {
    expect(await values([0, 1], decimal('0.4'))).toEqual(['0', 'd0.4', 'd0.8', '1']);
  });
});

test('documents beyond the memory go to disk, unless that is not allowed', async () => {
  const db = await TestCommands.open();
  const documents = Array.from({ length: 300 }, (_, n) => ({ _id: n, v: 600 - 2 * n, pad: 'x'.repeat(100) }));
  await db.run({ insert: 'c', documents });
  db.services.server.parameters.setAtStartup('internalQueryMaxBlockingSortMemoryUsageBytes', '10000');
  const spec = { field: 'v', range: { step: 1, bounds: 'full' } };
  const found = documentsOf(await densify(db, spec));
  expect(found.map(({ v }) => v)).toEqual(Array.from({ length: 599 }, (_, n) => n + 2));
  expect(db.member.files.list('temporary')).toEqual([]);
  expect(await densify(db, spec, { allowDiskUse: false })).toMatchObject({ ok: 0, code: 292 });
});

describe('a specification', () => {
  const range = { step: 1, bounds: 'full' };
  test.each([
    [5, 9],
    [{ range }, 40414],
    [{ field: 5, range }, 14],
    [{ field: 'v', range: 5 }, 14],
    [{ field: 'v', range, partitionByFields: 'p' }, 14],
    [{ field: 'v', range: { ...range, step: 0 } }, 5733401],
    [{ field: 'v', range: { ...range, step: 'x' } }, 14],
    [{ field: 'v', range: { step: 1.5, unit: 'day', bounds: 'full' } }, 6586400],
    [{ field: 'v', range: { step: 1, bounds: 'partition' } }, 5733408],
    [{ field: 'v', range: { step: 1, bounds: 'all' } }, 5946802],
    [{ field: 'v', range: { step: 1, bounds: 5 } }, 5733404],
    [{ field: 'v', range: { step: 1, bounds: [1] } }, 5733403],
    [{ field: 'v', range: { step: 1, bounds: [2, 1] } }, 5733402],
    [{ field: 'v', range: { step: 1, bounds: [1, 'x'] } }, 5733406],
    [{ field: 'v', range: { step: 1.5, bounds: [1, 2] } }, 5876900],
    [{ field: 'v', range: { step: 1, unit: 'day', bounds: [1, 2] } }, 5733409],
    [{ field: 'v', range: { step: 1, bounds: [new Date(1), new Date(2)] } }, 5733410],
    [{ field: 'v', range: { step: 1, bounds: ['x', 'y'] } }, 5946800],
  ])('%j is refused with %d', async (spec, code) => {
    const db = await TestCommands.open();
    expect(await densify(db, spec as object)).toMatchObject({ ok: 0, code });
  });
});
