import { beforeEach, describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';

let db: TestCommands;

beforeEach(async () => {
  db = await TestCommands.open();
  await db.run({
    insert: 'l',
    documents: [
      { _id: 1, a: 'x' },
      { _id: 2, a: 3 },
    ],
  });
  await db.run({
    insert: 'f',
    documents: [
      { _id: 1, v: 4 },
      { _id: 2, v: 5 },
    ],
  });
});

/** Of the documents of `l` that match. */
function lookup(filter: object, from: string, pipeline: readonly object[]): Promise<Reply> {
  const $lookup = { from, let: { a: '$a' }, pipeline, as: 'm' };
  return db.run({ aggregate: 'l', pipeline: [{ $match: filter }, { $lookup }], cursor: {} });
}

const ADD = { $project: { x: { $add: ['$$a', 1] } } };

describe('what looks only at the variables of $lookup', () => {
  test('fails even where there is no document to look at', async () => {
    const failed = { ok: 0, code: 16554, errmsg: expect.stringContaining('Failed to optimize pipeline') };
    expect(await lookup({ _id: 1 }, 'none', [ADD])).toMatchObject(failed);
    expect(await lookup({ _id: 1 }, 'f', [{ $match: { _id: 9 } }, ADD])).toMatchObject(failed);
    expect(await lookup({ _id: 2 }, 'none', [ADD])).toMatchObject({ ok: 1 });
  });

  test('has a new value for each document', async () => {
    const equal = { $match: { $expr: { $eq: ['$v', { $add: [{ $cond: [{ $isNumber: '$$a' }, '$$a', 3] }, 1] }] } } };
    const reply = await lookup({}, 'f', [
      equal,
      { $addFields: { twice: { $multiply: [2, { $ifNull: ['$$a.b', 1] }] } } },
    ]);
    const m = [{ _id: 1, v: 4, twice: 2 }];
    expect(reply).toMatchObject({
      cursor: {
        firstBatch: [
          { _id: 1, m },
          { _id: 2, m },
        ],
      },
    });
    const other = await lookup({}, 'f', [{ $match: { $expr: { $eq: ['$v', { $ifNull: ['$$a', 0] }] } } }, ADD]);
    expect(other).toMatchObject({ ok: 0, code: 16554 });
  });

  test('is left alone where a condition keeps from it', async () => {
    const guarded = { $project: { x: { $cond: [{ $isNumber: '$$a' }, { $add: ['$$a', 1] }, 0] } } };
    const found = await lookup({}, 'f', [{ $match: { _id: 1 } }, guarded]);
    expect(found).toMatchObject({
      cursor: {
        firstBatch: [
          { _id: 1, m: [{ _id: 1, x: 0 }] },
          { _id: 2, m: [{ _id: 1, x: 4 }] },
        ],
      },
    });
  });

  test('may see variables of several stages', async () => {
    const inner = {
      from: 'f',
      let: { v: '$v' },
      pipeline: [{ $project: { sum: { $add: ['$$a', '$$v'] } } }, { $limit: 1 }],
      as: 'n',
    };
    const reply = await lookup({ _id: 2 }, 'f', [
      { $lookup: inner },
      { $project: { n: '$n.sum', own: { $add: ['$$a', 1] } } },
    ]);
    expect(reply).toMatchObject({
      cursor: {
        firstBatch: [
          {
            m: [
              { _id: 1, n: [7], own: 4 },
              { _id: 2, n: [8], own: 4 },
            ],
          },
        ],
      },
    });
  });
});
