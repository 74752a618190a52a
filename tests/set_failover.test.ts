/** A set of three real processes, with the official driver. */
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MemberProcess } from '../src/set/member_process.ts';
import { ReplicaSet } from '../src/set/replica_set.ts';
import { eventually } from './conditions.ts';

const TEST_LIMIT_MS = 60_000;

let set: ReplicaSet;
let client: MongoClient;

beforeEach(async () => {
  set = await ReplicaSet.start({ members: 3 });
  client = new MongoClient(set.uri);
}, TEST_LIMIT_MS);

afterEach(async () => {
  await client.close();
  await set.stop();
}, TEST_LIMIT_MS);

/** What one member holds, read from it alone. */
async function idsAt(member: MemberProcess): Promise<unknown[]> {
  const direct = new MongoClient(
    `mongodb://${member.address}/?directConnection=true&readPreference=secondaryPreferred`,
  );
  try {
    const documents = await direct.db('test').collection('c').find().sort({ _id: 1 }).toArray();
    return documents.map(({ _id }) => _id);
  } finally {
    await direct.close();
  }
}

function idsUpTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

async function expectAllToHold(count: number): Promise<void> {
  for (const member of set.members) {
    const ids = await eventually(async () => {
      const found = await idsAt(member);
      return found.length === count ? found : undefined;
    });
    expect(ids).toEqual(idsUpTo(count));
  }
}

describe('a set of three', () => {
  test(
    'has every acknowledged write on every member',
    async () => {
      const collection = client.db('test').collection<{ _id: number }>('c');
      for (const _id of idsUpTo(20)) await collection.insertOne({ _id });
      await expectAllToHold(20);
    },
    TEST_LIMIT_MS,
  );

  test(
    'survives kill -9 of the primary without losing a write, and takes the dead member back',
    async () => {
      const collection = client.db('test').collection<{ _id: number }>('c', { writeConcern: { w: 'majority' } });
      for (const _id of idsUpTo(50)) await collection.insertOne({ _id });
      const primary = await set.primary();
      await primary.kill();
      const killedAt = Date.now();
      await collection.insertOne({ _id: 50 });
      expect(Date.now() - killedAt).toBeLessThan(5000);
      for (const _id of idsUpTo(60).slice(51)) await collection.insertOne({ _id });
      await primary.start();
      await expectAllToHold(60);
    },
    TEST_LIMIT_MS,
  );

  test(
    'stops cleanly and finds its data again',
    async () => {
      const collection = client.db('test').collection<{ _id: number }>('c', { writeConcern: { w: 'majority' } });
      await collection.insertMany(idsUpTo(100).map((_id) => ({ _id })));
      expect(await Promise.all(set.members.map((member) => member.stop()))).toEqual([0, 0, 0]);
      await set.restartDeadMembers();
      await set.primary();
      await collection.insertOne({ _id: 100 });
      await expectAllToHold(101);
    },
    TEST_LIMIT_MS,
  );
});
