import { beforeEach, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

let db: TestCommands;
const BYTES = 21;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({ insert: 'c', documents: Array.from({ length: 10 }, (_, n) => ({ _id: n, a: n })) });
  await db.run({ createIndexes: 'c', indexes: [{ key: { a: 1, _id: 1 }, name: 'a' }] });
});

test('is told of the whole collection', async () => {
  expect(await db.run({ dataSize: 'db.c' })).toMatchObject({ estimate: false, size: 10 * BYTES, numObjects: 10 });
  expect(await db.run({ dataSize: 'db.none' })).toMatchObject({ size: 0, numObjects: 0, ok: 1 });
});

test('is told of a range of an index', async () => {
  const range = { dataSize: 'db.c', keyPattern: { a: 1 }, min: { a: 2 }, max: { a: 5 } };
  expect(await db.run(range)).toMatchObject({ size: 3 * BYTES, numObjects: 3 });
  expect(await db.run({ ...range, estimate: true })).toMatchObject({ estimate: true, size: 3 * BYTES });
  expect(await db.run({ dataSize: 'db.c', min: { _id: 8 }, max: { _id: 20 } })).toMatchObject({ numObjects: 2 });
});

test('ends when there is more than was asked for', async () => {
  const counted = await db.run({ dataSize: 'db.c', maxObjects: 4 });
  expect(counted).toMatchObject({ numObjects: 5, maxReached: true });
});

test('needs both ends and an index', async () => {
  expect(await db.run({ dataSize: 'db.c', min: { a: 1 } })).toMatchObject({ ok: 0, code: 2 });
  expect(await db.run({ dataSize: 'db.c', min: { b: 1 }, max: { b: 2 } })).toMatchObject({ ok: 0, code: 96 });
  expect(await db.run({ dataSize: 'c' })).toMatchObject({ ok: 0, code: 73 });
});
