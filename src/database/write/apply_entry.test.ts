import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { rawObject } from '../../bson/value.ts';
import { entryOpTime, entryWall } from '../../oplog/entry.ts';
import { checkCollection } from '../check.ts';
import { Binary } from 'bson';
import type { CloneRequest } from '../clone.ts';
import { ID_INDEX_SPEC } from '../index/index_spec.ts';
import { dropCollection, NO_OPTIONS } from './write_catalog.ts';
import { TestData } from '../test_support.ts';

/** Another member that has applied what this one wrote. */
async function follower(entries: readonly Uint8Array[], mode: 'steady' | 'initialSync' = 'steady'): Promise<TestData> {
  const member = await TestData.open();
  member.data.acceptsWrites = false;
  await feed(member, entries, mode);
  return member;
}

async function feed(member: TestData, entries: readonly Uint8Array[], mode: 'steady' | 'initialSync'): Promise<void> {
  for (const entry of entries) {
    const optime = entryOpTime(entry);
    if (optime.ts > member.oplog.lastWritten.ts) member.oplog.append(entry, optime, entryWall(entry));
  }
  await member.data.applyBatch(entries, mode);
}

async function expectSound(member: TestData): Promise<void> {
  for (const collection of member.data.catalog.collections()) {
    expect((await checkCollection(member.env, collection)).problems).toEqual([]);
  }
}

describe('applying', () => {
  test('gives the same data as writing', async () => {
    const primary = await TestData.open();
    primary.index('db.c', { a: 1 });
    for (let i = 0; i < 30; i++) primary.insert('db.c', { _id: i, a: i % 5, l: [i, { x: i }] });
    primary.update('db.c', { a: 2 }, { $set: { 'l.1.x': 'changed' }, $unset: { a: 1 } }, { isMulti: true });
    primary.update('db.c', { _id: 99 }, { $set: { a: 1 } }, { isUpsert: true });
    primary.update('db.c', { _id: 1 }, { whole: true });
    primary.delete('db.c', { _id: 3 });
    primary.insert('other.d', { _id: 1 });
    const secondary = await follower(primary.entries());
    expect(await secondary.data.hash()).toEqual(await primary.data.hash());
    await expectSound(secondary);
  });

  test('all entries again changes nothing', async () => {
    const primary = await TestData.open();
    for (let i = 0; i < 10; i++) primary.insert('db.c', { _id: i, n: 0 });
    primary.update('db.c', {}, { $inc: { n: 1 }, $push: { l: 1 } }, { isMulti: true });
    primary.delete('db.c', { _id: 3 });
    const entries = primary.entries();
    const secondary = await follower(entries);
    const before = await secondary.data.hash();
    const copy = await TestData.open();
    copy.data.acceptsWrites = false;
    // Each entry twice, one after the other, as after a crash in the middle of a batch.
    await feed(
      copy,
      entries.flatMap((entry) => [entry, entry]),
      'steady',
    );
    expect(await copy.data.hash()).toEqual(before);
  });

  test('an update of a missing document inserts it in steady state and is passed over in initial sync', async () => {
    const primary = await TestData.open();
    primary.insert('db.c', { _id: 1, a: 1 });
    primary.update('db.c', { _id: 1 }, { $set: { a: 2 } });
    const [create, insert, update] = primary.entries();
    expect((await follower([create, update])).find('db.c')).toEqual([{ _id: 1, a: 2 }]);
    expect((await follower([create, update], 'initialSync')).find('db.c')).toEqual([]);
    expect((await follower([create, insert, update], 'initialSync')).find('db.c')).toEqual([{ _id: 1, a: 2 }]);
  });

  test('unique indexes are not enforced', async () => {
    const primary = await TestData.open();
    primary.index('db.c', { a: 1 }, { unique: true });
    primary.insert('db.c', { _id: 1, a: 1 });
    primary.update('db.c', { _id: 1 }, { $set: { a: 2 } });
    primary.insert('db.c', { _id: 2, a: 1 });
    const [create, index, insert, update, second] = primary.entries();
    const secondary = await follower(
      [create, index, insert, second, update].toSorted((a, b) => entryOpTime(a).ts - entryOpTime(b).ts),
    );
    await expectSound(secondary);
    const fuzzy = await TestData.open();
    fuzzy.data.acceptsWrites = false;
    await fuzzy.data.applyBatch([create, index, insert, second], 'initialSync');
    expect(fuzzy.find('db.c', { a: 1 })).toHaveLength(2);
  });

  test('a change to a collection that is not there stops a steady member and is passed over in initial sync', async () => {
    const primary = await TestData.open();
    primary.insert('db.c', { _id: 1 });
    const [, insert] = primary.entries();
    const member = await TestData.open();
    await expect(member.data.applyBatch([insert], 'steady')).rejects.toThrow('no collection for an entry');
    await member.data.applyBatch([insert], 'initialSync');
  });

  test('create, rename, drop and indexes are followed by uuid', async () => {
    const primary = await TestData.open();
    primary.insert('db.c', { _id: 1, a: 5 });
    primary.index('db.empty', { a: 1 });
    dropCollection(primary.data, primary.collection('db.c'));
    primary.insert('db.c', { _id: 2 });
    const secondary = await follower(primary.entries());
    expect(secondary.find('db.c')).toEqual([{ _id: 2 }]);
    expect(secondary.data.catalog.find('db.empty')?.index('a_1')).toBeDefined();
    expect(secondary.data.catalog.find('db.c')?.key).toBe(primary.data.catalog.find('db.c')?.key);
  });

  test('a retried statement is known on the member that takes over', async () => {
    const primary = await TestData.open();
    const lsid = rawObject(encodeDocument({ id: uuidBinary(7) }));
    const session = primary.data.sessions.begin(lsid, 5n);
    primary.insert('db.c', { _id: 1 }, session, 0);
    primary.insert('db.c', { _id: 2 }, session, 1);
    const secondary = await follower(primary.entries());
    const resumed = secondary.data.sessions.begin(lsid, 5n);
    expect(new Set(resumed.statements.keys())).toEqual(new Set([0, 1]));
    expect(resumed.executed(2)).toBeUndefined();
    expect(() => secondary.data.sessions.begin(lsid, 4n)).toThrow('because a newer retryable write with txnNumber 5');
    await secondary.restart();
    expect(secondary.data.sessions.begin(lsid, 5n).executed(1)).toBeDefined();
  });

  test('a rollback forgets the statements it takes back, and only those', async () => {
    const primary = await TestData.open();
    const lsid = rawObject(encodeDocument({ id: uuidBinary(8) }));
    const session = primary.data.sessions.begin(lsid, 1n);
    primary.insert('db.c', { _id: 1 }, session, 0);
    const commonPoint = primary.oplog.lastWritten;
    primary.insert('db.c', { _id: 2 }, session, 1);
    primary.data.acceptsWrites = false;
    await primary.data.rollBackTo(commonPoint, () => {});
    const resumed = primary.data.sessions.begin(lsid, 1n);
    expect([...resumed.statements.keys()]).toEqual([0]);
    expect(resumed.lastWrite).toEqual(commonPoint);
  });
});

function uuidBinary(fill: number): unknown {
  return new Binary(new Uint8Array(16).fill(fill), 4);
}

describe('any sequence of writes', () => {
  const write = fc.oneof(
    fc.record({ kind: fc.constant('insert' as const), id: fc.nat(8), a: fc.nat(4) }),
    fc.record({
      kind: fc.constant('update' as const),
      id: fc.nat(8),
      a: fc.oneof(fc.nat(4), fc.array(fc.nat(3), { maxLength: 3 })),
    }),
    fc.record({ kind: fc.constant('push' as const), id: fc.nat(8) }),
    fc.record({ kind: fc.constant('delete' as const), id: fc.nat(8) }),
  );

  function perform(member: TestData, step: { kind: string; id: number; a?: unknown }): void {
    if (step.kind === 'insert') {
      if (member.find('db.c', { _id: step.id }).length === 0) member.insert('db.c', { _id: step.id, a: step.a });
    } else if (step.kind === 'update') member.update('db.c', { _id: step.id }, { $set: { a: step.a } });
    else if (step.kind === 'push') member.update('db.c', { _id: step.id }, { $addToSet: { l: { x: step.id } } });
    else member.delete('db.c', { _id: step.id });
  }

  test('is equal on a member that applied it, also when a copy in between was newer than its entries', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 40 }), async (steps) => {
        const primary = await TestData.open();
        primary.index('db.c', { a: 1 });
        const start = primary.entries();
        for (const step of steps) perform(primary, step);
        const all = primary.entries();
        const secondary = await follower(all);
        expect(await secondary.data.hash()).toEqual(await primary.data.hash());
        await expectSound(secondary);
        // A copy that already has everything, to which all entries are applied once more.
        const fuzzy = await TestData.open();
        fuzzy.data.acceptsWrites = false;
        const clone = fuzzy.data.cloneCollection(cloneRequest(primary));
        const waiting = clone.insert(finalDocuments(primary));
        if (waiting !== undefined) await waiting;
        await clone.finish();
        await feed(fuzzy, all.slice(start.length), 'initialSync');
        expect(fuzzy.find('db.c', {}, { sort: { _id: 1 } })).toEqual(primary.find('db.c', {}, { sort: { _id: 1 } }));
        await expectSound(fuzzy);
      }),
      { numRuns: 40 },
    );
  });
});

function cloneRequest(primary: TestData): CloneRequest {
  const collection = primary.collection('db.c');
  return {
    ns: 'db.c',
    uuid: collection.uuid,
    options: NO_OPTIONS,
    indexes: [ID_INDEX_SPEC, ...collection.indexes.map((index) => index.spec.document)],
  };
}

/** What a scan that is overtaken by all the writes sees: the final state. */
function finalDocuments(primary: TestData): Uint8Array[] {
  const documents: Uint8Array[] = [];
  const cursor = primary.collection('db.c').documents.cursor();
  while (cursor.next()) documents.push(cursor.value);
  return documents;
}
