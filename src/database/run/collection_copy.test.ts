import { describe, expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { ms } from '../../base/units.ts';
import { checkCollection } from '../check.ts';
import { CollectionCopy } from './collection_copy.ts';
import { TestData } from '../test_support.ts';
import { Turn } from '../turn.ts';
import { createCollection } from '../write/write_catalog.ts';

/** A turn that is over at every look at the clock. */
function shortTurn(): Turn {
  let now = 0;
  return new Turn({ wall: () => 0 as never, monotonic: () => ms((now += 1000)) });
}

async function open(): Promise<{ readonly member: TestData; readonly copy: CollectionCopy }> {
  const member = await TestData.open();
  for (let i = 0; i < 500; i++) member.insert('db.c', { _id: i, a: 1 });
  member.index('db.c', { a: 1 });
  const source = member.collection('db.c');
  const indexes = source.indexes.map(({ spec }) => spec);
  const request = { source, to: 'other.c', options: source.options, indexes, purpose: 'test' };
  return { member, copy: new CollectionCopy(member.data, request, shortTurn()) };
}

describe('a copy of a collection', () => {
  test('has all that was written meanwhile', async () => {
    const { member, copy } = await open();
    let round = 0;
    while (copy.advance() === 'pause') {
      round += 1;
      if (round > 20) continue;
      member.insert('db.c', { _id: 1000 + round, a: 1 });
      member.update('db.c', { _id: round }, { $set: { a: round } });
      member.update('db.c', { _id: 500 - round }, { $set: { a: -round } });
      member.delete('db.c', { _id: 100 + round });
      member.insert('db.c', { _id: 100 + round, again: true });
      member.delete('db.c', { _id: 450 + round });
    }
    expect(round).toBeGreaterThan(5);
    expect(member.find('other.c')).toEqual(member.find('db.c'));
    expect((await checkCollection(member.env, member.collection('other.c'))).problems).toEqual([]);
    expect([...member.data.catalog.collections()].map(({ ns }) => ns).toSorted()).toEqual(['db.c', 'other.c']);
  });

  test('follows keys that documents of a unique index exchange', async () => {
    const member = await TestData.open();
    member.index('db.c', { a: 1 }, { unique: true });
    for (let i = 0; i < 300; i++) member.insert('db.c', { _id: i, a: i });
    const source = member.collection('db.c');
    const indexes = source.indexes.map(({ spec }) => spec);
    const request = { source, to: 'other.c', options: source.options, indexes, purpose: 'test' };
    const copy = new CollectionCopy(member.data, request, shortTurn());
    copy.advance();
    for (const [id, a] of [
      [0, -1],
      [1, 0],
      [0, 1],
    ]) {
      member.update('db.c', { _id: id }, { $set: { a } });
    }
    while (copy.advance() === 'pause');
    expect(member.find('other.c')).toEqual(member.find('db.c'));
    expect(() => member.insert('other.c', { _id: 'new', a: 7 })).toThrow('E11000');
  });

  test('that is given up leaves nothing', async () => {
    const { member, copy } = await open();
    copy.advance();
    copy.abandon();
    expect([...member.data.catalog.collections()].map(({ ns }) => ns)).toEqual(['db.c']);
  });

  test('ends when its source goes', async () => {
    const { member, copy } = await open();
    copy.advance();
    member.data.catalog.drop(
      member.collection('db.c'),
      member.data.writeLog.command('db', undefined, new Uint8Array(5)),
    );
    expect(() => copy.advance()).toThrow('collection dropped');
  });

  test('into a capped collection keeps the newest documents', async () => {
    const member = await TestData.open();
    for (let i = 0; i < 100; i++) member.insert('db.c', { _id: i, text: 'x'.repeat(100) });
    const source = member.collection('db.c');
    const options = encodeDocument({ capped: true, size: 1280 });
    const request = { source, to: 'db.c', options, indexes: [], purpose: 'test' };
    expect(new CollectionCopy(member.data, request, new Turn(member.env.clock)).advance()).toBe('done');
    expect(member.find('db.c').map(({ _id }) => _id)).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
    expect(createCollection(member.data, 'db.d').count).toBe(0);
  });
});
