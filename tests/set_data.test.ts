/** Rollback, initial sync and a crash of the whole set, with real processes and the official driver. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BSON, MongoClient, type Collection } from 'mongodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MemberProcess } from '../src/set/member_process.ts';
import { ReplicaSet } from '../src/set/replica_set.ts';
import { eventually } from './conditions.ts';

const TEST_LIMIT_MS = 90_000;

interface Item {
  readonly _id: number;
  readonly by?: string;
}

let set: ReplicaSet;
let client: MongoClient;
let collection: Collection<Item>;

beforeEach(async () => {
  set = await ReplicaSet.start({ members: 3 });
  client = new MongoClient(set.uri);
  collection = client.db('test').collection<Item>('c', { writeConcern: { w: 'majority' } });
  await collection.insertMany(itemsFrom(0, 100));
}, TEST_LIMIT_MS);

afterEach(async () => {
  await client.close();
  await set.stop();
}, TEST_LIMIT_MS);

function itemsFrom(start: number, end: number): Item[] {
  return Array.from({ length: end - start }, (_, i) => ({ _id: start + i }));
}

async function askDirectly<T>(member: MemberProcess, ask: (direct: MongoClient) => Promise<T>): Promise<T> {
  const direct = new MongoClient(
    `mongodb://${member.address}/?directConnection=true&readPreference=secondaryPreferred`,
  );
  try {
    return await ask(direct);
  } finally {
    await direct.close();
  }
}

async function stateOf(member: MemberProcess): Promise<unknown> {
  const status = await askDirectly(member, (direct) => direct.db('admin').command({ replSetGetStatus: 1 }));
  return status['myState'];
}

async function idsAt(member: MemberProcess): Promise<number[]> {
  const found = await askDirectly(member, (direct) =>
    direct.db('test').collection<Item>('c').find().sort({ _id: 1 }).toArray(),
  );
  return found.map(({ _id }) => _id);
}

/** All members have the same data, that of the primary. */
async function expectEqualData(): Promise<void> {
  const hashes = await eventually(async () => {
    const found = await Promise.all(
      set.members.map((member) => askDirectly(member, (direct) => direct.db('test').command({ dbHash: 1 }))),
    );
    const all = found.map(({ md5 }) => String(md5));
    return new Set(all).size === 1 ? all : undefined;
  });
  expect(hashes).toHaveLength(3);
}

describe('the data of a set of three', () => {
  test(
    'a primary that dies with writes nobody else has rolls them back and keeps them as files',
    async () => {
      const primary = await set.primary();
      const others = set.members.filter((member) => member !== primary);
      await Promise.all(others.map((member) => member.kill()));
      await askDirectly(primary, (direct) =>
        direct
          .db('test')
          .collection<Item>('c')
          .insertMany(
            itemsFrom(1000, 1005).map((item) => ({ ...item, by: 'the old primary' })),
            { writeConcern: { w: 1, journal: true } },
          ),
      );
      await primary.kill();
      await Promise.all(others.map((member) => member.start()));
      await set.primary();
      await collection.insertMany(itemsFrom(100, 110));
      await primary.start();
      await eventually(
        async () => ((await stateOf(primary)) === 2 && (await idsAt(primary)).length === 110) || undefined,
      );
      expect(await idsAt(primary)).toEqual(itemsFrom(0, 110).map(({ _id }) => _id));
      await expectEqualData();
      const folder = join(primary.dbpath, 'rollback');
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bson'));
      expect(files).toHaveLength(1);
      const bytes = readFileSync(join(folder, files[0] ?? ''));
      const saved: number[] = [];
      for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) {
        saved.push((BSON.deserialize(bytes.subarray(at, at + bytes.readInt32LE(at))) as Item)._id);
      }
      expect(saved.toSorted((a, b) => a - b)).toEqual([1000, 1001, 1002, 1003, 1004]);
    },
    TEST_LIMIT_MS,
  );

  test(
    'a member that lost its data copies it while the set goes on writing',
    async () => {
      const primary = await set.primary();
      const member = set.members.find((other) => other !== primary);
      if (member === undefined) throw new Error('there are three members');
      await collection.createIndex({ by: 1 });
      await member.kill();
      rmSync(member.dbpath, { recursive: true });
      let isWriting = true;
      let next = 100;
      const writing = (async () => {
        while (isWriting) {
          await collection.insertOne({ _id: next, by: `writer ${next % 7}` });
          await collection.updateOne({ _id: next - 50 }, { $set: { by: 'someone' } });
          await collection.deleteOne({ _id: next - 90 });
          next += 1;
        }
      })();
      await member.start();
      await eventually(async () => (await stateOf(member)) === 2 || undefined);
      isWriting = false;
      await writing;
      await expectEqualData();
      const indexes = await askDirectly(member, (direct) => direct.db('test').collection('c').indexes());
      expect(indexes.map(({ name }) => name)).toEqual(['_id_', 'by_1']);
    },
    TEST_LIMIT_MS,
  );

  test(
    'what a majority acknowledged is there after kill -9 of all members at once',
    async () => {
      let acknowledged = 100;
      let isWriting = true;
      const writing = (async () => {
        while (isWriting) {
          try {
            await collection.insertOne({ _id: acknowledged });
            acknowledged += 1;
          } catch {
            // The set is gone in the middle of this one; it was not acknowledged.
            return;
          }
        }
      })();
      await eventually(async () => (acknowledged > 300 ? true : undefined));
      const count = acknowledged;
      await Promise.all(set.members.map((member) => member.kill()));
      isWriting = false;
      await client.close();
      await writing;
      await set.restartDeadMembers();
      const primary = await set.primary();
      const ids = await idsAt(primary);
      expect(ids.slice(0, count)).toEqual(itemsFrom(0, count).map(({ _id }) => _id));
      await expectEqualData();
    },
    TEST_LIMIT_MS,
  );
});
