import { describe, expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { EntryView } from '../../oplog/entry.ts';
import { entryOpTime, entryWall } from '../../oplog/entry.ts';
import { TestData } from '../test_support.ts';
import { createCollection } from '../write/write_catalog.ts';

async function open(limits: { readonly size: number; readonly max?: number }): Promise<TestData> {
  const member = await TestData.open();
  createCollection(member.data, 'db.c', encodeDocument({ capped: true, ...limits }));
  return member;
}

function insert(member: TestData, from: number, to: number): void {
  for (let i = from; i < to; i++) member.insert('db.c', { _id: i });
}

function idsIn(member: TestData): unknown[] {
  return member.find('db.c').map(({ _id }) => _id);
}

describe('a capped collection', () => {
  test('keeps its newest documents in the order of insertion', async () => {
    const member = await open({ size: 100_000, max: 3 });
    for (const id of [5, 3, 9, 1, 4]) member.insert('db.c', { _id: id });
    expect(idsIn(member)).toEqual([9, 1, 4]);
    member.insert('db.c', { _id: 5 });
    expect(idsIn(member)).toEqual([1, 4, 5]);
  });

  test('stays within its size', async () => {
    const member = await open({ size: 1024 });
    const text = 'x'.repeat(180);
    for (let i = 0; i < 20; i++) member.insert('db.c', { _id: i, text });
    expect(idsIn(member)).toEqual([16, 17, 18, 19]);
    expect(() => member.insert('db.c', { _id: 99, text: 'x'.repeat(2000) })).toThrow('exceeds cappedMaxSize');
  });

  test('logs what it drops, after the insert that made it one too many', async () => {
    const member = await open({ size: 4096, max: 1 });
    insert(member, 0, 2);
    const view = new EntryView();
    expect(member.entries().map((entry) => view.reset(entry).op)).toEqual(['c', 'i', 'i', 'd']);
  });

  test('is the same on a member that applies the log, and after a restart', async () => {
    const member = await open({ size: 4096, max: 10 });
    insert(member, 0, 35);
    const other = await TestData.open();
    other.data.acceptsWrites = false;
    for (const entry of member.entries()) other.oplog.append(entry, entryOpTime(entry), entryWall(entry));
    await other.data.applyBatch(member.entries(), 'steady');
    await member.restart();
    const expected = Array.from({ length: 10 }, (_, i) => 25 + i);
    expect(idsIn(member)).toEqual(expected);
    expect(idsIn(other)).toEqual(expected);
    insert(member, 35, 36);
    expect(idsIn(member)).toEqual([...expected.slice(1), 35]);
  });

  test('allows updates that change the size, and deletes', async () => {
    const member = await open({ size: 4096, max: 3 });
    insert(member, 0, 3);
    member.update('db.c', { _id: 0 }, { $set: { text: 'long' } });
    expect(member.delete('db.c', { _id: 1 })).toBe(1);
    expect(idsIn(member)).toEqual([0, 2]);
  });
});
