import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ms } from '../../base/units.ts';
import { encodeDocument } from '../../bson/codec.ts';
import type { Table } from '../../storage/table.ts';
import { TIMESTAMP_NULL } from '../../base/optime.ts';
import { checkData } from '../check.ts';
import { buildAlone, type BuildTarget, fillBuild, startBuild } from './index_build.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import { parseIndexSpec } from '../index/index_spec_parse.ts';
import { TestData } from '../test_support.ts';

/** Every look at the clock ends a turn. */
function targetOf(member: TestData, bytesMax = 1_000_000): BuildTarget {
  let now = 0;
  const clock = { wall: () => member.env.clock.wall(), monotonic: () => ms((now += 4)) };
  const { store, data } = member;
  const buildLimits = { bytesMax, smallEntriesMax: 100, smallDocumentsMax: 20 };
  return { env: { ...member.env, clock }, store, catalog: data.catalog, spill: data.spill, buildLimits };
}

function specOf(key: object, options: object = {}): IndexSpec {
  const name = Object.entries(key).flat().join('_');
  return parseIndexSpec(encodeDocument({ key, name, ...options }), 0, undefined);
}

function rowsOf(table: Table): string[] {
  const rows: string[] = [];
  const cursor = table.cursor();
  while (cursor.next()) rows.push(`${cursor.key.join()}=${cursor.value.join()}`);
  return rows;
}

test('a build tells how far it is, while writes go on', async () => {
  const member = await TestData.open();
  for (let i = 0; i < 1000; i++) member.insert('db.c', { _id: i, a: i });
  const collection = member.collection('db.c');
  const target = targetOf(member);
  const index = startBuild(target, collection, specOf({ a: 1 }));
  const noted: number[] = [];
  await fillBuild(target, collection, [index], {
    check: () => void (noted.length === 2 && member.insert('db.c', { _id: 5000, a: 5000 })),
    noteProgress: (documents) => void noted.push(documents),
  });
  expect(noted.length).toBeGreaterThan(2);
  expect(noted).toEqual(noted.toSorted((a, b) => a - b));
  expect(noted.at(-1)).toBeLessThanOrEqual(1001);
  expect(index.table.count).toBe(1001);
});

const SPECS = [
  specOf({ a: 1 }),
  specOf({ b: -1, a: 1 }, { sparse: true }),
  specOf({ list: 1 }),
  specOf({ a: 'hashed' }),
  specOf({ '$**': 1 }),
  specOf({ a: 1, b: 1 }, { partialFilterExpression: { b: { $gt: 5 } } }),
];

/** What a client may write; numbers of two types make entries with and without a value. */
const fields = fc.record(
  {
    a: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(1.5, 'x', null)),
    b: fc.integer({ min: 0, max: 9 }),
    list: fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 60 }),
  },
  { requiredKeys: [] },
);
const write = fc.oneof(
  fc.record({ op: fc.constant('insert' as const), fields }),
  fc.record({ op: fc.constant('update' as const), id: fc.nat(400), fields }),
  fc.record({ op: fc.constant('delete' as const), id: fc.nat(200) }),
  fc.record({ op: fc.constant('checkpoint' as const) }),
);

describe('indexes that are built while clients write', () => {
  test('are what a build over the documents gives that are there in the end', async () => {
    const starting = fc.array(fields, { minLength: 300, maxLength: 400 });
    const writes = fc.array(write, { minLength: 10, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(starting, writes, fc.boolean(), async (documents, script, spills) => {
        const member = await TestData.open();
        for (const [i, document] of documents.entries()) member.insert('db.c', { _id: i, ...document });
        const collection = member.collection('db.c');
        const target = targetOf(member, spills ? 1 : undefined);
        const queue = [...script];
        let inserted = 1000;
        const checkpoints: Promise<unknown>[] = [];
        const writeOne = (): void => {
          const next = queue.shift();
          if (next?.op === 'insert') member.insert('db.c', { _id: inserted++, ...next.fields });
          else if (next?.op === 'update') member.update('db.c', { _id: next.id }, { $set: { ...next.fields, z: 1 } });
          else if (next?.op === 'delete') member.delete('db.c', { _id: next.id });
          else if (next?.op === 'checkpoint') checkpoints.push(member.checkpoint());
        };
        const indexes = SPECS.map((spec) => startBuild(target, collection, spec));
        const watch = {
          check: (): void => {
            for (let i = 0; i < 5; i++) writeOne();
          },
          noteProgress: (): void => {},
        };
        await fillBuild(target, collection, indexes, watch);
        await Promise.all(checkpoints);
        for (const index of indexes) {
          collection.stopBuilding(index);
          member.data.catalog.addIndex(
            collection,
            index.readyFrom(member.oplog.lastWritten.ts),
            member.data.timestamp(),
          );
        }
        while (queue.length > 0) writeOne();
        await Promise.all(checkpoints);
        expect(await checkData(member.data)).toEqual([]);
        for (const index of indexes) {
          const scratch = member.data.catalog.newIndex(collection, index.spec, TIMESTAMP_NULL);
          const cursor = collection.documents.cursor();
          while (cursor.next()) {
            const found = scratch.entriesOf(cursor.value, cursor.key);
            const value = Uint8Array.from(found.isLossy === true ? [1] : []);
            for (const key of found.keys) scratch.table.put(key, value, TIMESTAMP_NULL);
          }
          expect(rowsOf(index.table)).toEqual(rowsOf(scratch.table));
        }
      }),
      { numRuns: 12 },
    );
  });

  test('survive a restart once they are committed, and leave no table when they are not', async () => {
    const member = await TestData.open();
    for (let i = 0; i < 1500; i++) member.insert('db.c', { _id: i, a: i });
    const collection = member.collection('db.c');
    const index = startBuild(member.data, collection, specOf({ a: 1 }));
    await fillBuild(member.data, collection, [index], { check: () => {}, noteProgress: () => {} });
    await member.checkpoint();
    const tables = member.base.tables().length;
    await member.restart();
    await member.checkpoint();
    expect(member.base.tables().length).toBe(tables - 1);
  });
});

test('a build of its own is spilled to files when memory is short, which go away', async () => {
  const member = await TestData.open();
  const list = Array.from({ length: 30 }, (_, i) => i * 7);
  for (let i = 0; i < 1500; i++) member.insert('db.c', { _id: i, list: list.map((item) => (item * i) % 1009) });
  const collection = member.collection('db.c');
  const specs = [specOf({ list: 1 }), specOf({ _id: 1, list: -1 })];
  const files = member.files.process();
  let seen = 0;
  const target = targetOf(member, 1);
  const breathe = (): Promise<void> => {
    seen = Math.max(seen, files.list('temporary').length);
    return member.env.breathe();
  };
  await buildAlone({ ...target, env: { ...target.env, breathe } }, collection, specs, member.data.timestamp());
  expect(seen).toBeGreaterThan(2);
  expect(member.files.process().list('temporary')).toEqual([]);
  expect(await checkData(member.data)).toEqual([]);
  expect(collection.index('list_1')?.isMultikey).toBe(true);
  expect(collection.index('list_1')?.table.count).toBeGreaterThan(16_384);
});
