import { expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

const DOCUMENT = { _id: 1, a: 1, b: { x: 1, y: 2, z: 3 }, c: 3 };

async function run(...pipeline: readonly object[]): Promise<string> {
  const db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [DOCUMENT] });
  const reply = await db.run({ aggregate: 'c', pipeline, cursor: {} });
  expect(reply).toMatchObject({ ok: 1 });
  return JSON.stringify((reply['cursor'] as { firstBatch: object[] }).firstBatch[0]);
}

test.each([
  ['a field', [{ $addFields: { a: '$$REMOVE' } }, { $addFields: { a: 9 } }], { ...DOCUMENT, a: 9 }],
  ['one that $unset took away', [{ $unset: 'a' }, { $set: { n: 1 } }, { $set: { a: 9 } }], { ...DOCUMENT, a: 9, n: 1 }],
  ['a missing value', [{ $set: { a: '$nope' } }, { $set: { a: '$c' } }], { ...DOCUMENT, a: 3 }],
  [
    'a nested field, beside conditions and sorts',
    [{ $unset: 'b.y' }, { $match: { c: 3 } }, { $sort: { c: 1 } }, { $set: { 'b.y': 9 } }],
    { ...DOCUMENT, b: { x: 1, y: 9, z: 3 } },
  ],
  [
    'a new field that goes and comes',
    [{ $set: { n: 1, m: 2 } }, { $set: { n: '$$REMOVE' } }, { $set: { n: 3 } }],
    { ...DOCUMENT, n: 3, m: 2 },
  ],
])('%s comes back where it was', async (_, pipeline, expected) => {
  expect(await run(...pipeline)).toBe(JSON.stringify(expected));
});

test('a value that is set as a whole has its own order', async () => {
  const pipeline = [{ $unset: 'b.x' }, { $set: { b: { $literal: { z: 1, x: 2 } } } }];
  expect(await run(...pipeline)).toBe(JSON.stringify({ ...DOCUMENT, b: { z: 1, x: 2 } }));
});

test('a document that is made anew forgets', async () => {
  const pipeline = [{ $unset: 'a' }, { $replaceWith: '$$ROOT' }, { $set: { a: 9 } }];
  expect(await run(...pipeline)).toBe(JSON.stringify({ _id: 1, b: DOCUMENT.b, c: 3, a: 9 }));
});
