/** `MongoClient.bulkWrite` of the official driver, which speaks the bulkWrite command of 8.0. */
import { MongoClient, MongoClientBulkWriteError } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReplicaSet } from '../src/set/replica_set.ts';

const TEST_LIMIT_MS = 60_000;

let set: ReplicaSet;
let client: MongoClient;

beforeAll(async () => {
  set = await ReplicaSet.start({ members: 1 });
  client = new MongoClient(set.uri);
}, TEST_LIMIT_MS);

afterAll(async () => {
  await client.close();
  await set.stop();
}, TEST_LIMIT_MS);

interface Item {
  readonly _id: number;
  readonly n: number;
}

interface Schema {
  [namespace: string]: Item;
}

test(
  'inserts, updates and deletes in two collections, with the results of each',
  { timeout: TEST_LIMIT_MS },
  async () => {
    const result = await client.bulkWrite<Schema>(
      [
        { name: 'insertOne', namespace: 'one.c', document: { _id: 1, n: 1 } },
        { name: 'insertOne', namespace: 'two.d', document: { _id: 2, n: 2 } },
        { name: 'updateOne', namespace: 'one.c', filter: { _id: 1 }, update: { $inc: { n: 10 } } },
        { name: 'replaceOne', namespace: 'one.c', filter: { _id: 3 }, replacement: { n: 3 }, upsert: true },
        { name: 'deleteMany', namespace: 'two.d', filter: {} },
      ],
      { verboseResults: true },
    );
    expect(result).toMatchObject({
      insertedCount: 2,
      matchedCount: 1,
      modifiedCount: 1,
      upsertedCount: 1,
      deletedCount: 1,
    });
    expect(result.updateResults?.get(3)?.upsertedId).toBe(3);
    expect(await client.db('one').collection<Item>('c').find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 1, n: 11 },
      { _id: 3, n: 3 },
    ]);
  },
);

test('more operations than fit one message, and an error among them', { timeout: TEST_LIMIT_MS }, async () => {
  const insert = (_id: number) => ({ name: 'insertOne' as const, namespace: 'one.many', document: { _id, n: 0 } });
  const models = Array.from({ length: 120_000 }, (_, i) => insert(i));
  const result = await client.bulkWrite<Schema>(models);
  expect(result.insertedCount).toBe(120_000);
  const error = await client.bulkWrite<Schema>([insert(120_000), insert(5)]).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(MongoClientBulkWriteError);
  expect((error as MongoClientBulkWriteError).writeErrors.get(1)?.code).toBe(11_000);
  expect(await client.db('one').collection('many').countDocuments()).toBe(120_001);
});
