/** What is nested as deep as a message allows is answered, with a result or an error of MongoDB's: no recursion runs out of stack. */
import { describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

type Wrap = (inner: unknown) => unknown;

/** `levels` of `wrap` around `core`. */
function nested(levels: number, core: unknown, wrap: Wrap): unknown {
  let made = core;
  for (let i = 0; i < levels; i++) made = wrap(made);
  return made;
}

function find(filter: unknown): object {
  return { find: 'c', filter };
}

function project(expression: unknown): object {
  return { aggregate: 'c', pipeline: [{ $project: { v: expression } }], cursor: {} };
}

function pipeline(...stages: unknown[]): object {
  return { aggregate: 'c', pipeline: stages, cursor: {} };
}

function path(levels: number): string {
  return Array.from({ length: levels }, () => 'a').join('.');
}

function update(u: object): object {
  return { update: 'c', updates: [{ q: { _id: 1 }, u }] };
}

function schema(rules: unknown): object {
  return find({ $jsonSchema: rules });
}

const COMMANDS: readonly [string, (levels: number) => object][] = [
  ['$and', (n) => find(nested(n, { a: 1 }, (x) => ({ $and: [x] })))],
  ['$or', (n) => find(nested(n, { a: 1 }, (x) => ({ $or: [x, { z: 1 }] })))],
  ['$nor', (n) => find(nested(n, { a: 1 }, (x) => ({ $nor: [x] })))],
  ['an explained $or', (n) => ({ explain: find(nested(n, { a: 1 }, (x) => ({ $or: [x, { z: 1 }] }))) })],
  ['$not', (n) => find({ a: nested(n, { $gt: 0 }, (x) => ({ $not: x })) })],
  ['$elemMatch', (n) => find({ b: nested(n, { $gt: 0 }, (x) => ({ $elemMatch: x })) })],
  ['a path in a filter', (n) => find({ [path(n)]: 1 })],
  ['$jsonSchema by properties', (n) => schema(nested(n, { bsonType: 'int' }, (x) => ({ properties: { a: x } })))],
  ['$jsonSchema by not', (n) => schema(nested(n, { bsonType: 'int' }, (x) => ({ not: x })))],
  ['$jsonSchema by anyOf', (n) => schema(nested(n, { bsonType: 'int' }, (x) => ({ anyOf: [x] })))],
  ['$regex with groups', (n) => find({ a: { $regex: `${'('.repeat(n)}a${')'.repeat(n)}` } })],
  ['$regex with repetitions', (n) => find({ a: { $regex: `${'(?:'.repeat(n)}a${')*'.repeat(n)}` } })],
  ['$add', (n) => project(nested(n, '$a', (x) => ({ $add: [x, 1] })))],
  ['$cond', (n) => project(nested(n, '$a', (x) => ({ $cond: [true, x, 0] })))],
  ['$ifNull', (n) => project(nested(n, '$a', (x) => ({ $ifNull: ['$z', x] })))],
  ['$let', (n) => project(nested(n, '$a', (x) => ({ $let: { vars: { y: 1 }, in: x } })))],
  ['$map', (n) => project(nested(n, '$a', (x) => ({ $map: { input: ['$a'], in: x } })))],
  ['arrays', (n) => project(nested(n, '$a', (x) => [x]))],
  ['documents', (n) => project(nested(n, '$a', (x) => ({ q: x })))],
  ['a path in an expression', (n) => project(`$${path(n)}`)],
  ['$group', (n) => pipeline({ $group: { _id: nested(n, '$a', (x) => ({ q: x })) } })],
  ['$redact', (n) => pipeline({ $redact: nested(n, '$$KEEP', (x) => ({ $cond: [true, x, '$$PRUNE'] })) })],
  ['$facet', (n) => pipeline(nested(n, { $match: {} }, (x) => ({ $facet: { f: [x] } })))],
  ['$lookup', (n) => pipeline(nested(n, { $match: {} }, (x) => ({ $lookup: { from: 'c', pipeline: [x], as: 'x' } })))],
  ['$unionWith', (n) => pipeline(nested(n, { $match: {} }, (x) => ({ $unionWith: { coll: 'c', pipeline: [x] } })))],
  ['a projection', (n) => ({ find: 'c', projection: { q: nested(n, 1, (x) => ({ q: x })) } })],
  ['a path in a projection', (n) => ({ find: 'c', projection: { [path(n)]: 1 } })],
  ['a path in a sort', (n) => ({ find: 'c', sort: { [path(n)]: 1 } })],
  ['a path in $set', (n) => update({ $set: { [`z${n}.${path(n)}`]: 1 } })],
  ['$pull', (n) => update({ $pull: { b: nested(n, { $gt: 100 }, (x) => ({ $not: x })) } })],
  ['a replacement', (n) => update({ d: nested(n, 1, (x) => [x]) })],
  ['an inserted document', (n) => ({ insert: 'd', documents: [nested(n, 1, (x) => ({ q: x }))] })],
  ['an index', (n) => ({ createIndexes: 'c', indexes: [{ key: { [path(n)]: 1 }, name: `deep${n}` }] })],
];

describe.each(COMMANDS)('%s', (_, make) => {
  test('is answered at any depth', async () => {
    const db = await TestCommands.open();
    await db.run({ insert: 'c', documents: [{ _id: 1, a: 1, b: [1, 2] }] });
    for (const levels of [20, 95, 150, 190, 198, 1000, 4000]) {
      const reply = await db.run(make(levels));
      expect(reply['ok'] === 1 || reply['code'] !== 1, JSON.stringify(reply)).toBe(true);
      expect(JSON.stringify(reply)).not.toMatch(/stack/i);
    }
    expect(await db.run({ ping: 1 })).toMatchObject({ ok: 1 });
  });
});

test.each<[string, number, number]>([
  ['$facet', 20, 40_600],
  ['$lookup', 30, 232],
  ['$unionWith', 30, 232],
  ['$and', 150, 15],
  ['an inserted document', 250, 15],
])('%s is refused at depth %i', async (name, levels, code) => {
  const db = await TestCommands.open();
  const make = COMMANDS.find(([known]) => known === name)?.[1];
  expect(await db.run(make?.(levels) ?? {})).toMatchObject({ ok: 0, code });
});
