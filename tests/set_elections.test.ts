/** Elections and step-downs of real processes, as clients see them. */
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runAdminCommand } from '../src/set/admin_client.ts';
import type { MemberProcess } from '../src/set/member_process.ts';
import { ReplicaSet } from '../src/set/replica_set.ts';
import { eventually } from './conditions.ts';

const TEST_LIMIT_MS = 60_000;

let set: ReplicaSet;
let client: MongoClient;

beforeEach(async () => {
  set = await ReplicaSet.start({ members: 3, settings: { electionTimeoutMillis: 1500, heartbeatIntervalMillis: 300 } });
  client = new MongoClient(set.uri);
}, TEST_LIMIT_MS);

afterEach(async () => {
  await client.close();
  await set.stop();
}, TEST_LIMIT_MS);

async function stateOf(member: MemberProcess): Promise<unknown> {
  return (await runAdminCommand(member.address, { replSetGetStatus: 1 }))['myState'];
}

describe('elections of a set of three', () => {
  test(
    'a primary that stands still is replaced, and follows the new one when it goes on',
    async () => {
      const collection = client.db('test').collection<{ _id: number }>('c', { writeConcern: { w: 'majority' } });
      await collection.insertOne({ _id: 1 });
      const old = await set.primary();
      const others = set.members.filter((member) => member !== old);
      old.pause();
      const elected = await Promise.any(
        others.map((member) => member.waitForLine(({ id }) => id === 21_331).then(() => member)),
      );
      old.resume();
      await eventually(async () => (await stateOf(old)) === 2 || undefined);
      expect(await stateOf(elected)).toBe(1);
      await collection.insertOne({ _id: 2 });
      expect(await collection.countDocuments()).toBe(2);
    },
    TEST_LIMIT_MS,
  );

  test(
    'replSetStepDown hands over within a moment, and writes go on',
    async () => {
      const collection = client.db('test').collection<{ _id: number }>('c', { writeConcern: { w: 'majority' } });
      await collection.insertOne({ _id: 0 });
      // Handing over needs a member that is known to be up and to have everything.
      await eventually(async () => {
        const primary = await set.primary();
        const { members } = (await runAdminCommand(primary.address, { replSetGetStatus: 1 })) as {
          members: { state: number }[];
        };
        return members.filter(({ state }) => state === 2).length === 2 || undefined;
      });
      const old = await set.primary();
      const before = Date.now();
      expect(await runAdminCommand(old.address, { replSetStepDown: 30 })).toMatchObject({ ok: 1 });
      await collection.insertOne({ _id: 1 });
      expect(Date.now() - before).toBeLessThan(3000);
      const next = await set.primary();
      expect(next).not.toBe(old);
      expect(await stateOf(old)).toBe(2);
    },
    TEST_LIMIT_MS,
  );

  test(
    'one member alone neither takes majority writes nor stays primary',
    async () => {
      const primary = await set.primary();
      const others = set.members.filter((member) => member !== primary);
      await Promise.all(others.map((member) => member.kill()));
      await eventually(async () => (await stateOf(primary)) === 2 || undefined);
      await Promise.all(others.map((member) => member.start()));
      await set.primary();
      await client.db('test').collection('c').insertOne({});
    },
    TEST_LIMIT_MS,
  );
});
