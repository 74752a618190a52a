/** Statements as long as a message may be: what one function call can take in arguments, or in memory, is no limit. */
import { expect, test } from 'vitest';
import { equalBytes } from '../../bson/bytes.ts';
import { encodeDocument } from '../../bson/codec.ts';
import { applyDiff } from '../../query/update.ts';
import { TestCommands } from '../../../tests/support/test_commands.ts';

/** More than a call takes arguments. */
const MANY = 150_000;

function fields(count: number, value: unknown): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, value]));
}

test('an entry that changes very many fields is applied', () => {
  const before = encodeDocument({ _id: 1, ...fields(MANY, 1) });
  const entry = encodeDocument({ $v: 2, diff: { u: fields(MANY, 2), i: { g: 1 } } });
  const after = encodeDocument({ _id: 1, ...fields(MANY, 2), g: 1 });
  expect(equalBytes(applyDiff(before, entry), after)).toBe(true);
});

test.each<[string, object]>([
  ['a polygon with very many corners', { at: { $geoWithin: { $polygon: circle(MANY) } } }],
  ['a list of very many values', { b: { $in: Array.from({ length: MANY }, (_, i) => i) } }],
])('a filter with %s', async (_, q) => {
  const db = await TestCommands.open();
  await db.run({
    createIndexes: 'c',
    indexes: [
      { key: { b: 1 }, name: 'b' },
      { key: { at: '2d' }, name: 'at' },
    ],
  });
  await db.run({ insert: 'c', documents: [{ _id: 1, a: 1, b: 2, at: [0, 0] }] });
  expect(await db.run({ delete: 'c', deletes: [{ q, limit: 1 }] })).toMatchObject({ ok: 1, n: 1 });
});

test('an expression over very many lists', async () => {
  const db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [{ _id: 1 }] });
  const zip = { $size: { $zip: { inputs: Array.from({ length: MANY }, () => [1]), useLongestLength: true } } };
  expect(await db.run({ update: 'c', updates: [{ q: {}, u: [{ $set: { n: zip } }] }] })).toMatchObject({ n: 1 });
  expect(db.member.find('db.c')).toEqual([{ _id: 1, n: 1 }]);
});

function circle(count: number): number[][] {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count;
    return [Math.cos(angle), Math.sin(angle)];
  });
}
