import { describe, expect, test } from 'vitest';
import { Parameters } from '../commands/server/parameters.ts';
import { TestData } from '../database/test_support.ts';
import { TtlMonitor } from './ttl_monitor.ts';

const HOUR_MS = 3_600_000;

async function withMonitor(): Promise<{ readonly member: TestData; readonly monitor: TtlMonitor }> {
  const member = await TestData.open();
  const onFatal = (error: unknown): never => {
    throw error instanceof Error ? error : new Error(String(error));
  };
  const monitor = new TtlMonitor({ env: member.env, data: member.data, parameters: new Parameters(), onFatal });
  return { member, monitor };
}

async function nextPass(member: TestData): Promise<void> {
  const before = member.data.ttl.passes;
  member.env.advance(60_000);
  for (let i = 0; i < 100 && member.data.ttl.passes === before; i++) await member.env.breathe();
}

describe('the TTL monitor', () => {
  test('deletes what is older than the index says, and logs each delete', async () => {
    const { member, monitor } = await withMonitor();
    const now = member.env.clock.wall();
    member.index('db.c', { at: 1 }, { expireAfterSeconds: 3600 });
    const old = new Date(now - HOUR_MS - 1);
    member.insert('db.c', { _id: 1, at: old });
    member.insert('db.c', { _id: 2, at: new Date(now + HOUR_MS) });
    member.insert('db.c', { _id: 3, at: 5 });
    member.insert('db.c', { _id: 4 });
    member.insert('db.c', { _id: 5, at: [new Date(now + HOUR_MS), old] });
    monitor.start();
    await nextPass(member);
    expect(member.find('db.c', {}).map((one) => one['_id'])).toEqual([2, 3, 4]);
    expect(member.data.ttl.deletedDocuments).toBe(2);
    member.env.advance(3 * HOUR_MS);
    await nextPass(member);
    expect(member.find('db.c', {}).map((one) => one['_id'])).toEqual([3, 4]);
    monitor.stop();
  });

  test('leaves everything to the primary on a member that takes no writes', async () => {
    const { member, monitor } = await withMonitor();
    member.index('db.c', { at: 1 }, { expireAfterSeconds: 0 });
    member.insert('db.c', { _id: 1, at: new Date(0) });
    member.data.acceptsWrites = false;
    monitor.start();
    await nextPass(member);
    expect(member.data.ttl.passes).toBe(0);
    expect(member.find('db.c', {})).toHaveLength(1);
    monitor.stop();
  });
});
