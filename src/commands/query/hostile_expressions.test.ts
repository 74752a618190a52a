/** Expressions that would use up the memory of the member end with an error, and the member goes on. */
import { expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

const TIMES = { $range: [0, 40] };

function doubled(start: unknown, operator: string): object {
  return { $reduce: { input: TIMES, initialValue: start, in: { [operator]: ['$$value', '$$value'] } } };
}

const NESTED_MAP = { $map: { input: { $range: [0, 300] }, in: { $range: [0, 300] } } };
const MANY = 'x,'.repeat(500_000);

test.each<[string, object, number]>([
  ['a text that doubles', { $strLenBytes: doubled('xxxxxxxx', '$concat') }, 16493],
  ['an array that doubles', { $size: doubled([1], '$concatArrays') }, 146],
  ['maps inside each other', { $size: { $map: { input: { $range: [0, 300] }, in: NESTED_MAP } } }, 146],
  ['a range of two thousand million', { $size: { $range: [0, 2 ** 31 - 1] } }, 146],
  ['a text of many pieces', { $size: { $split: [{ $concat: [MANY, MANY, MANY, MANY] }, ','] } }, 146],
  [
    'a replacement that is much longer',
    { $replaceAll: { input: MANY, find: 'x', replacement: 'y'.repeat(500) } },
    16493,
  ],
  [
    'an array inside an array inside an array',
    { $reduce: { input: { $range: [0, 100_000] }, initialValue: [], in: ['$$value'] } },
    15,
  ],
  ['a result over 16 MB', { $map: { input: { $range: [0, 40] }, in: { $concat: [MANY] } } }, 10334],
])('%s', async (_, expression, code) => {
  const db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [{ _id: 1, a: 1 }] });
  const project = { aggregate: 'c', pipeline: [{ $project: { v: expression } }], cursor: {} };
  expect(await db.run(project)).toMatchObject({ ok: 0, code });
  const update = { update: 'c', updates: [{ q: {}, u: [{ $set: { v: expression } }] }] };
  expect(await db.run(update)).toMatchObject({ ok: 1, n: 0, writeErrors: [{}] });
  expect(await db.run({ ping: 1 })).toMatchObject({ ok: 1 });
});
