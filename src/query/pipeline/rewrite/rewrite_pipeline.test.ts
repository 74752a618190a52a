import { BSON, type Document } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePipeline } from '../../pipeline.ts';
import { ListSource } from '../list_source.ts';
import { PAUSE, type Source } from '../source.ts';
import { rewritePipeline } from './rewrite_pipeline.ts';

function rewrite(...stages: Document[]): Document[] {
  const written = stages.map((stage) => BSON.serialize(stage));
  return rewritePipeline(written).map((stage) => BSON.deserialize(stage, { promoteValues: true }));
}

describe('rewritePipeline', () => {
  test('asks before fields are added, renamed or dropped what does not depend on it', () => {
    const match = { $match: { a: 1 } };
    expect(rewrite({ $addFields: { b: 1 } }, match)).toEqual([match, { $addFields: { b: 1 } }]);
    expect(rewrite({ $addFields: { 'a.x': 1 } }, match)).toEqual([{ $addFields: { 'a.x': 1 } }, match]);
    expect(rewrite({ $project: { a: 1 } }, match)).toEqual([match, { $project: { a: 1 } }]);
    expect(rewrite({ $project: { b: 1 } }, match)).toEqual([{ $project: { b: 1 } }, match]);
    expect(rewrite({ $project: { b: 0 } }, match)).toEqual([match, { $project: { b: 0 } }]);
    expect(rewrite({ $unset: ['a.b', 'c'] }, match)).toEqual([{ $unset: ['a.b', 'c'] }, match]);
    expect(rewrite({ $set: { a: '$z' } }, { $match: { 'a.b': 1 } })).toEqual([
      { $match: { 'z.b': 1 } },
      { $set: { a: '$z' } },
    ]);
    expect(rewrite({ $project: { _id: 0, a: 1 } }, { $match: { _id: 3 } })).toHaveProperty('0.$project');
  });

  test('takes a conjunction apart', () => {
    const project = { $project: { a: 1, b: { $add: ['$c', 1] } } };
    expect(rewrite(project, { $match: { a: 1, b: 2 } })).toEqual([{ $match: { a: 1 } }, project, { $match: { b: 2 } }]);
    const either = { $match: { $or: [{ a: 1 }, { b: 2 }] } };
    expect(rewrite(project, either)).toEqual([project, either]);
  });

  test('asks before unwinding, sorting and looking up, on both sides of a union', () => {
    expect(rewrite({ $unwind: '$a' }, { $match: { b: 1, a: 2 } })).toEqual([
      { $match: { b: 1 } },
      { $unwind: '$a' },
      { $match: { a: 2 } },
    ]);
    expect(rewrite({ $sort: { a: 1 } }, { $match: { a: 1 } })).toHaveProperty('0.$match');
    const lookup = { $lookup: { from: 'd', as: 'd', localField: 'a', foreignField: 'b' } };
    expect(rewrite(lookup, { $match: { 'd.x': 1 } })).toHaveProperty('0.$lookup');
    expect(rewrite(lookup, { $match: { a: 1 } })).toHaveProperty('0.$match');
    expect(rewrite({ $unionWith: 'd' }, { $match: { a: 1 } })).toEqual([
      { $match: { a: 1 } },
      { $unionWith: { coll: 'd', pipeline: [{ $match: { a: 1 } }] } },
    ]);
  });

  test('leaves conditions by chance and by metadata where they are', () => {
    const byChance = { $match: { $expr: { $lt: [{ $rand: {} }, 0.5] } } };
    expect(rewrite({ $addFields: { b: 1 } }, byChance)).toHaveProperty('0.$addFields');
    expect(rewrite({ $group: { _id: '$a' } }, { $match: { _id: 1 } })).toHaveProperty('0.$group');
    expect(rewrite({ $limit: 3 }, { $match: { a: 1 } })).toHaveProperty('0.$limit');
  });

  test('an empty condition joins any other', () => {
    expect(rewrite({ $match: { a: 1 } }, { $match: {} })).toEqual([{ $match: { a: 1 } }]);
    expect(rewrite({ $match: {} }, { $match: {} })).toEqual([{ $match: {} }]);
  });

  test('joins conditions, skips, limits and sorts', () => {
    expect(rewrite({ $match: { a: 1 } }, { $match: { b: 1 } })).toEqual([{ $match: { $and: [{ a: 1 }, { b: 1 }] } }]);
    expect(rewrite({ $skip: 20 }, { $limit: 15 }, { $skip: 10 }, { $limit: 7 })).toEqual([
      { $skip: 30 },
      { $limit: 5 },
    ]);
    expect(rewrite({ $limit: 5 }, { $skip: 5 })).toEqual([{ $limit: 5 }, { $skip: 5 }]);
    expect(rewrite({ $sort: { a: 1 } }, { $sort: { b: 1 } })).toEqual([{ $sort: { b: 1 } }]);
    expect(rewrite({ $sort: { a: 1 } }, { $limit: 1 }, { $sort: { b: 1 } })).toHaveLength(3);
    expect(rewrite({ $match: {} }, { $skip: 0 }, { $limit: 3 })).toEqual([{ $limit: 3 }]);
  });

  test('counts documents before it changes them', () => {
    const project = { $project: { a: { $add: ['$a', 1] } } };
    expect(rewrite({ $sort: { a: 1 } }, { $match: { a: 1 } }, project, { $skip: 3 }, { $limit: 5 })).toEqual([
      { $match: { a: 1 } },
      { $sort: { a: 1 } },
      { $skip: 3 },
      { $limit: 5 },
      project,
    ]);
    expect(rewrite({ $unwind: '$a' }, project, { $limit: 5 })).toEqual([{ $unwind: '$a' }, project, { $limit: 5 }]);
  });

  test('asks before a redaction what more in the document cannot make false', () => {
    const small = { $match: { z: 1 } };
    const redact = { $redact: '$$KEEP' };
    expect(rewrite({ $set: { a: 0 } }, redact, small)).toEqual([small, { $set: { a: 0 } }, redact, small]);
    const match = { $match: { a: 1, b: null, 'c.0': 2, d: { $gt: 3, $ne: 5 } } };
    expect(rewrite({ $redact: '$$KEEP' }, match)).toEqual([
      { $match: { a: 1, d: { $gt: 3 } } },
      { $redact: '$$KEEP' },
      match,
    ]);
  });
});

/** Each stage compiled by itself: nothing can be rewritten then. */
function runOneByOne(stages: readonly Uint8Array[], documents: readonly Uint8Array[]): Document[] {
  let source: Source = new ListSource(documents);
  for (const stage of stages) source = compilePipeline([stage]).open(source, 0);
  return drain(source);
}

function drain(source: Source): Document[] {
  const results: Document[] = [];
  for (let next = source.next(); next !== undefined; next = source.next()) {
    if (next !== PAUSE) results.push(BSON.deserialize(next));
  }
  return results;
}

const NAMES = ['a', 'b', 'c', 'a.x', 'b.x'];
const value = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constant(null),
  fc.record({ x: fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constant([{ y: 1 }, 2])) }),
  fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.record({ x: fc.integer({ min: 0, max: 2 }) })), {
    maxLength: 3,
  }),
);
const document = fc.record({ a: value, b: value, c: value }, { requiredKeys: [] });
const name = fc.constantFrom(...NAMES);
const top = fc.constantFrom('a', 'b', 'c');
const condition = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom(null, { $exists: true }, { $exists: false }, { $gt: 1 }, { $ne: 2 }, { $size: 1 }, { x: 1 }, [1]),
);
const leaf = fc.oneof(
  fc.tuple(name, condition).map(([path, one]) => ({ [path]: one })),
  fc.tuple(name, fc.integer({ min: 0, max: 3 })).map(([path, one]) => ({ $expr: { $gt: [`$${path}`, one] } })),
);
const filter = fc.oneof(
  leaf,
  fc.tuple(leaf, leaf).map(([x, y]) => ({ $or: [x, y] })),
  fc.tuple(leaf, leaf).map(([x, y]) => ({ $and: [x, y] })),
);
const stage = fc.oneof(
  filter.map(($match) => ({ $match })),
  fc.integer({ min: 0, max: 4 }).map(($skip) => ({ $skip })),
  fc.integer({ min: 1, max: 9 }).map(($limit) => ({ $limit })),
  fc
    .tuple(name, fc.constantFrom(0, 1, '$a', '$b', '$c.x', { $add: [1, 2] }))
    .map(([path, one]) => ({ $set: { [path]: one } })),
  fc
    .tuple(top, top, fc.constantFrom<unknown>(1, '$c', { $literal: 2 }))
    .map(([x, y, one]) => ({ $project: { [x]: 1, [`${y}z`]: one } })),
  name.map((path) => ({ $project: { [path]: 1 } })),
  name.map((path) => ({ $project: { [path]: 0 } })),
  name.map((path) => ({ $unset: path })),
  name.map((path) => ({ $unwind: { path: `$${path}`, preserveNullAndEmptyArrays: true, includeArrayIndex: 'i' } })),
  fc.constantFrom('$$KEEP', { $cond: [{ $eq: ['$x', 1] }, '$$PRUNE', '$$DESCEND'] }).map(($redact) => ({ $redact })),
);

describe('a rewritten pipeline', () => {
  test('gives what its stages give one after the other', () => {
    fc.assert(
      fc.property(fc.array(document, { maxLength: 12 }), fc.array(stage, { maxLength: 5 }), (documents, stages) => {
        const written = stages.map((one) => BSON.serialize(one));
        const stored = documents.map((one, _id) => BSON.serialize({ _id, ...one }));
        const rewritten = drain(compilePipeline(written).open(new ListSource(stored), 0));
        expect(rewritten).toEqual(runOneByOne(written, stored));
      }),
      { numRuns: 600 },
    );
  });
});
