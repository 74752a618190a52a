import { describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

async function open(): Promise<TestCommands> {
  const db = await TestCommands.open();
  const documents = Array.from({ length: 600 }, (_, _id) => ({
    _id,
    a: (_id * 7) % 600,
    b: _id % 300,
    pad: 'x'.repeat(50),
  }));
  await db.run({ insert: 'c', documents });
  db.services.server.parameters.setAtStartup('internalQueryMaxBlockingSortMemoryUsageBytes', '10000');
  db.services.server.parameters.setAtStartup('internalDocumentSourceGroupMaxMemoryBytes', '10000');
  return db;
}

const SORT = { find: 'c', sort: { a: 1 }, projection: { a: 1, _id: 0 }, batchSize: 1000 };
const GROUP = {
  aggregate: 'c',
  pipeline: [{ $group: { _id: '$b', ids: { $push: '$_id' } } }, { $sort: { _id: 1 } }],
  cursor: { batchSize: 1000 },
};

test('sorts and groups beyond their memory go to disk, and leave nothing there', async () => {
  const db = await open();
  const firstBatch = Array.from({ length: 600 }, (_, a) => ({ a }));
  expect(await db.run(SORT)).toMatchObject({ ok: 1, cursor: { firstBatch } });
  const groups = Array.from({ length: 300 }, (_, _id) => ({ _id, ids: [_id, _id + 300] }));
  expect(await db.run(GROUP)).toMatchObject({ ok: 1, cursor: { firstBatch: groups } });
  expect(db.member.files.list('temporary')).toEqual([]);
});

test('they are refused when the command does not allow it', async () => {
  const db = await open();
  expect(await db.run({ ...SORT, allowDiskUse: false })).toMatchObject({ ok: 0, code: 292 });
  expect(await db.run({ ...GROUP, allowDiskUse: false })).toMatchObject({ ok: 0, code: 292 });
});

test('what is known of documents goes to disk with them', async () => {
  const db = await open();
  await db.run({ createIndexes: 'c', indexes: [{ key: { pad: 'text' }, name: 'text' }] });
  const documents = Array.from({ length: 40 }, (_, n) => ({ _id: 1000 + n, n, pad: `word ${'x'.repeat(300)}` }));
  await db.run({ insert: 'c', documents });
  const text = { $text: { $search: 'word' } };
  const score = { $meta: 'textScore' };
  const projection = { n: 1, _id: 0, score };
  const shown = documents.map(({ n }) => ({ n: 39 - n, score: 0.75 }));
  expect(await db.run({ find: 'c', filter: text, sort: { n: -1 }, projection })).toMatchObject({
    cursor: { firstBatch: shown },
  });
  const pipeline = [
    { $match: text },
    { $addFields: { m: '$n' } },
    { $sort: { m: -1 } },
    { $group: { _id: '$n', scores: { $push: score }, pads: { $push: '$pad' } } },
    { $sort: { _id: -1 } },
    { $project: { scores: 1 } },
  ];
  expect(await db.run({ aggregate: 'c', pipeline, cursor: {} })).toMatchObject({
    cursor: { firstBatch: shown.map(({ n, score: one }) => ({ _id: n, scores: [one] })) },
  });
  expect(db.member.files.list('temporary')).toEqual([]);
});

test('$bucketAuto gives back what a bucket took', async () => {
  const db = await open();
  const pipeline = [
    { $bucketAuto: { groupBy: '$a', buckets: 20, output: { pads: { $push: '$pad' }, n: { $sum: 1 } } } },
  ];
  const reply = await db.run({ aggregate: 'c', pipeline: [...pipeline, { $project: { pads: 0 } }], cursor: {} });
  const { firstBatch } = reply['cursor'] as { firstBatch: { n: number }[] };
  expect(firstBatch.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, () => 30));
});

describe('one partition of $setWindowFields', () => {
  const WINDOWS = {
    aggregate: 'c',
    pipeline: [
      {
        $setWindowFields: {
          partitionBy: { $lt: ['$_id', 500] },
          sortBy: { a: 1 },
          output: {
            sum: { $sum: '$a', window: { documents: [-1, 1] } },
            near: { $push: '$a', window: { documents: [-1, 0] } },
            before: { $shift: { output: '$a', by: -300 } },
            place: { $documentNumber: {} },
            line: { $linearFill: { $cond: [{ $eq: [{ $mod: ['$a', 3] }, 0] }, '$a', null] } },
          },
        },
      },
      { $project: { pad: 0, b: 0 } },
    ],
    cursor: { batchSize: 1000 },
  };

  test('goes to disk beyond its memory, with the same values', async () => {
    const db = await open();
    const onDisk = await db.run(WINDOWS);
    expect(onDisk).toMatchObject({ ok: 1 });
    expect(db.member.files.list('temporary')).toEqual([]);
    for (const name of ['internalQueryMaxBlockingSortMemoryUsageBytes', 'internalDocumentSourceGroupMaxMemoryBytes']) {
      db.services.server.parameters.setAtStartup(name, '100000000');
    }
    expect(onDisk).toEqual(await db.run(WINDOWS));
  });

  test('is refused when the command does not allow that', async () => {
    const db = await open();
    db.services.server.parameters.setAtStartup('internalQueryMaxBlockingSortMemoryUsageBytes', '100000000');
    expect(await db.run({ ...WINDOWS, allowDiskUse: false })).toMatchObject({ ok: 0, code: 5643011 });
  });
});

test('a cursor that is killed takes its files away', async () => {
  const db = await open();
  const reply = await db.run({ ...SORT, batchSize: 2 });
  const { id } = reply['cursor'] as { id: bigint };
  expect(db.member.files.list('temporary')).toHaveLength(1);
  await db.run({ killCursors: 'c', cursors: [id] });
  expect(db.member.files.list('temporary')).toEqual([]);
});
