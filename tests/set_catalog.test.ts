/** Capped collections, views and validators on a set of three, with real processes and the official driver. */
import { rmSync } from 'node:fs';
import { MongoClient, type Db, type Document } from 'mongodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MemberProcess } from '../src/set/member_process.ts';
import { ReplicaSet } from '../src/set/replica_set.ts';
import { eventually } from './conditions.ts';

const TEST_LIMIT_MS = 90_000;
const MAJORITY = { writeConcern: { w: 'majority' } } as const;

interface Item {
  readonly _id: number;
  readonly a?: number;
}

let set: ReplicaSet;
let client: MongoClient;
let db: Db;

beforeEach(async () => {
  set = await ReplicaSet.start({ members: 3 });
  client = new MongoClient(set.uri);
  db = client.db('test');
  await db.createCollection('capped', { capped: true, size: 100_000, max: 20 });
  await db.createCollection('view', { viewOn: 'capped', pipeline: [{ $match: { _id: { $gte: 30 } } }] });
  await db.createCollection('checked', { validator: { a: { $gt: 0 } } });
}, TEST_LIMIT_MS);

afterEach(async () => {
  await client.close();
  await set.stop();
}, TEST_LIMIT_MS);

async function insertCapped(from: number, to: number): Promise<void> {
  const items = Array.from({ length: to - from }, (_, i) => ({ _id: from + i }));
  await db.collection<Item>('capped').insertMany(items, MAJORITY);
}

async function askDirectly<T>(member: MemberProcess, ask: (direct: Db) => Promise<T>): Promise<T> {
  const options = 'directConnection=true&readPreference=secondaryPreferred';
  const direct = new MongoClient(`mongodb://${member.address}/?${options}`);
  try {
    return await ask(direct.db('test'));
  } finally {
    await direct.close();
  }
}

/** What every member shows of the collections, once all agree. */
async function expectEverywhere(expected: Document): Promise<void> {
  const shown = await eventually(async () => {
    const all = await Promise.all(
      set.members.map((member) =>
        askDirectly(member, async (direct) => ({
          capped: (await direct.collection<Item>('capped').find().toArray()).map(({ _id }) => _id),
          view: (await direct.collection<Item>('view').find().toArray()).map(({ _id }) => _id),
          hash: (await direct.command({ dbHash: 1 }))['md5'] as unknown,
        })),
      ),
    );
    const [first] = all;
    return all.every((one) => JSON.stringify(one) === JSON.stringify(first)) ? first : undefined;
  });
  expect(shown).toMatchObject(expected);
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('the catalog of a set of three', () => {
  test(
    'capped collections, views and validators go over to every member and survive its loss',
    async () => {
      await insertCapped(0, 35);
      await expectEverywhere({ capped: numbers(15, 35), view: numbers(30, 35) });
      const old = await set.primary();
      await old.kill();
      await set.primary();
      // The driver may try the dead member once more before it knows of the new primary.
      await eventually(() => db.command({ ping: 1 }).catch(() => undefined));
      await insertCapped(35, 45);
      await db.command({ collMod: 'view', viewOn: 'capped', pipeline: [{ $match: { _id: { $gte: 40 } } }] });
      await expect(db.collection<Item>('checked').insertOne({ _id: 1, a: 0 })).rejects.toMatchObject({ code: 121 });
      await db.command({ collMod: 'checked', validator: {}, writeConcern: { w: 'majority' } });
      await old.start();
      await expectEverywhere({ capped: numbers(25, 45), view: numbers(40, 45) });
      const checked = await db.collection<Item>('checked').insertOne({ _id: 1, a: 0 }, MAJORITY);
      expect(checked.acknowledged).toBe(true);
    },
    TEST_LIMIT_MS,
  );

  test(
    'a member that lost its data copies them while the capped collection turns over',
    async () => {
      await insertCapped(0, 30);
      const primary = await set.primary();
      const member = set.members.find((other) => other !== primary);
      if (member === undefined) throw new Error('there are three members');
      await member.kill();
      rmSync(member.dbpath, { recursive: true });
      let next = 30;
      let isWriting = true;
      const writing = (async () => {
        while (isWriting) {
          await insertCapped(next, next + 1);
          next += 1;
        }
      })();
      await member.start();
      await eventually(async () => {
        const status = await askDirectly(member, (direct) => direct.admin().command({ replSetGetStatus: 1 }));
        return status['myState'] === 2 || undefined;
      });
      isWriting = false;
      await writing;
      await expectEverywhere({ capped: numbers(next - 20, next), view: numbers(Math.max(30, next - 20), next) });
    },
    TEST_LIMIT_MS,
  );

  test(
    'a tailable cursor on a secondary follows what the primary inserts',
    async () => {
      await insertCapped(0, 3);
      const primary = await set.primary();
      const secondary = set.members.find((other) => other !== primary);
      if (secondary === undefined) throw new Error('there are three members');
      const seen: number[] = [];
      await askDirectly(secondary, async (direct) => {
        await eventually(async () => (await direct.collection('capped').countDocuments()) === 3 || undefined);
        const cursor = direct
          .collection<Item>('capped')
          .find({}, { tailable: true, awaitData: true, maxAwaitTimeMS: 500 });
        const reading = (async () => {
          while (seen.length < 13) {
            const item = await cursor.next();
            if (item !== null) seen.push(item._id);
          }
        })();
        for (let i = 3; i < 13; i++) await insertCapped(i, i + 1);
        await reading;
        await cursor.close();
      });
      expect(seen).toEqual(numbers(0, 13));
    },
    TEST_LIMIT_MS,
  );
});
