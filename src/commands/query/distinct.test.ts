import { beforeAll, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

const VALUES = 200_000;

let db: TestCommands;

beforeAll(async () => {
  db = await TestCommands.open();
});

async function distinctOf(collection: string, documents: object[], key: string): Promise<unknown> {
  await db.run({ insert: collection, documents });
  const { values } = await db.run({ distinct: collection, key });
  return values;
}

test('an array of very many values is looked through over several turns, each value once and as first met', async () => {
  const a = Array.from({ length: VALUES }, (_, i) => (i * 7919) % 50_021);
  const documents = [
    { _id: 1, a: [-1, 5] },
    { _id: 2, a },
    { _id: 3, a: [5, -2] },
  ];
  expect(await distinctOf('values', documents, 'a')).toEqual([...new Set([-1, 5, ...a, -2])]);
});

test('values are met in the order of the documents and of the arrays inside each other', async () => {
  const a = [{ b: [3, { c: 1 }] }, { b: [1, 3] }, 7, { b: 2 }, { b: [[8], 4] }];
  expect(await distinctOf('nested', [{ _id: 1, a }], 'a.b')).toEqual([3, { c: 1 }, 1, 2, [8], 4]);
});

test('the item that an index in the path means comes before the items that have a field of that name', async () => {
  const a = [{ 1: 'x' }, [6, 5], { 1: ['y', 6] }];
  expect(await distinctOf('indexes', [{ _id: 1, a }], 'a.1')).toEqual([6, 5, 'x', 'y']);
});
