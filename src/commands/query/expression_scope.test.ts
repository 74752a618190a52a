import { describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

const BY_VARIABLE = { $expr: { $eq: ['$_id', '$$id'] } };

async function withDocuments(): Promise<TestCommands> {
  const db = await TestCommands.open();
  await db.run({ insert: 'c', documents: [{ _id: 1 }, { _id: 2 }, { _id: 3 }] });
  return db;
}

describe('let', () => {
  test('is seen by the filters of find, update, delete and findAndModify', async () => {
    const db = await withDocuments();
    expect(await db.run({ find: 'c', filter: BY_VARIABLE, let: { id: 2 } })).toMatchObject({
      cursor: { firstBatch: [{ _id: 2 }] },
    });
    await db.run({ update: 'c', updates: [{ q: BY_VARIABLE, u: [{ $set: { v: '$$v' } }] }], let: { id: 1, v: 'x' } });
    await db.run({ delete: 'c', deletes: [{ q: BY_VARIABLE, limit: 1 }], let: { id: 3 } });
    await db.run({ findAndModify: 'c', query: BY_VARIABLE, update: [{ $set: { v: '$$id' } }], let: { id: 2 } });
    expect(db.member.find('db.c')).toEqual([
      { _id: 1, v: 'x' },
      { _id: 2, v: 2 },
    ]);
  });

  test('reaches computed fields of a projection', async () => {
    const db = await withDocuments();
    const reply = await db.run({
      find: 'c',
      filter: { _id: 1 },
      projection: { v: '$$v' },
      let: { v: { $add: [1, 2] } },
    });
    expect(reply).toMatchObject({ cursor: { firstBatch: [{ _id: 1, v: 3 }] } });
  });

  test('must not read documents, and undefined variables are errors', async () => {
    const db = await withDocuments();
    expect(await db.run({ find: 'c', let: { v: '$a' } })).toMatchObject({ code: 4890500 });
    expect(await db.run({ find: 'c', filter: BY_VARIABLE })).toMatchObject({ code: 17276 });
  });
});

describe('the constants of an update', () => {
  test('are taken as they are and hide variables of let', async () => {
    const db = await withDocuments();
    const statement = { q: { _id: 1 }, u: [{ $set: { v: '$$v' } }], c: { v: '$_id' } };
    await db.run({ update: 'c', updates: [statement], let: { v: 5 } });
    expect(db.member.find('db.c')[0]).toEqual({ _id: 1, v: '$_id' });
  });

  test('belong to pipelines only', async () => {
    const db = await withDocuments();
    const statement = { q: { _id: 1 }, u: { $set: { v: 1 } }, c: { v: 1 } };
    expect(await db.run({ update: 'c', updates: [statement] })).toMatchObject({ writeErrors: [{ code: 51198 }] });
  });
});

test('$$NOW is one instant for all statements of a command', async () => {
  const db = await withDocuments();
  const statement = { q: {}, u: [{ $set: { at: '$$NOW' } }], multi: true };
  await db.run({ update: 'c', updates: [statement, { q: { _id: 2 }, u: [{ $set: { later: '$$NOW' } }] }] });
  const [first, second] = db.member.find('db.c');
  expect(first.at).toBeInstanceOf(Date);
  expect(second.at).toEqual(first.at);
  expect(second.later).toEqual(first.at);
});

test('$rand and $$CLUSTER_TIME are there in filters', async () => {
  const db = await withDocuments();
  const filter = { $expr: { $and: [{ $lt: [{ $rand: {} }, 1] }, { $ne: ['$$CLUSTER_TIME', null] }] } };
  expect(await db.run({ count: 'c', query: filter })).toMatchObject({ n: 3 });
  expect(await db.run({ distinct: 'c', key: '_id', query: filter })).toMatchObject({ values: [1, 2, 3] });
});

test('an upsert takes no $expr in its filter', async () => {
  const db = await TestCommands.open();
  const q = { $expr: { $eq: ['$a', 1] } };
  const reply = await db.run({ update: 'c', updates: [{ q, u: { $set: { b: 1 } }, upsert: true }] });
  expect(reply).toMatchObject({ writeErrors: [{ code: 224 }] });
  const found = await db.run({ findAndModify: 'c', query: q, update: { $set: { b: 1 } }, upsert: true });
  expect(found).toMatchObject({ code: 224 });
});
