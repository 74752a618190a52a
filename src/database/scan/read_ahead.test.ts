/** Documents that are fetched together are those that would be fetched one by one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TestCommands, type Reply } from '../../../tests/support/test_commands.ts';
import { TIMESTAMP_MAX } from '../../base/optime.ts';
import { recordIdBytes } from '../record_id.ts';

const COUNT = 600;

/** `r` leads to places far from each other. */
async function filled(): Promise<TestCommands> {
  const db = await TestCommands.open();
  const documents = Array.from({ length: COUNT }, (_, i) => ({ _id: i, r: (i * 7919) % COUNT, pad: 'x'.repeat(300) }));
  await db.run({ insert: 'c', documents });
  await db.run({ createIndexes: 'c', indexes: [{ key: { r: 1 }, name: 'r' }] });
  await db.member.checkpoint();
  return db;
}

interface Batch {
  readonly id: bigint;
  readonly firstBatch?: readonly { r: number }[];
  readonly nextBatch?: readonly { r: number }[];
}

function batchOf(reply: Reply): { id: bigint; values: number[] } {
  const { id, firstBatch, nextBatch = firstBatch } = reply['cursor'] as Batch;
  return { id: BigInt(id), values: (nextBatch ?? []).map(({ r }) => r) };
}

describe('a walk through an index', () => {
  test.each([1, -1])('in direction %d finds what is written ahead of it between two batches', async (direction) => {
    const db = await filled();
    const found: number[] = [];
    const first = await db.run({
      find: 'c',
      filter: { r: { $gte: 100, $lt: 400 } },
      sort: { r: direction },
      batchSize: 50,
    });
    let { id, values } = batchOf(first);
    found.push(...values);
    const ahead = direction === 1 ? 160 : 340;
    await db.run({ delete: 'c', deletes: [{ q: { r: ahead }, limit: 0 }] });
    await db.run({ update: 'c', updates: [{ q: { r: ahead + 1 }, u: { $set: { r: 1000 } } }] });
    await db.run({ insert: 'c', documents: [{ _id: 'new', r: ahead + 0.5 }] });
    while (id !== 0n) {
      ({ id, values } = batchOf(await db.run({ getMore: id, collection: 'c', batchSize: 50 })));
      found.push(...values);
    }
    const all = Array.from({ length: 300 }, (_, i) => 100 + i).filter((r) => r !== ahead && r !== ahead + 1);
    const expected = [...all, ahead + 0.5].sort((a, b) => (a - b) * direction);
    expect(found).toEqual(expected);
  });

  test('gives the newest documents when they changed since the checkpoint', async () => {
    const db = await filled();
    await db.run({ update: 'c', updates: [{ q: { r: { $gte: 200, $lt: 260 } }, u: { $set: { n: 1 } }, multi: true }] });
    const find = { find: 'c', filter: { r: { $gte: 150, $lt: 300 } }, batchSize: 1000 };
    const { firstBatch } = (await db.run(find))['cursor'] as { firstBatch: { r: number; n?: number }[] };
    expect(firstBatch.filter(({ n }) => n === 1).map(({ r }) => r)).toEqual(
      Array.from({ length: 60 }, (_, i) => 200 + i),
    );
    expect(firstBatch).toHaveLength(150);
  });
});

test('many documents at once are the same as each by itself', async () => {
  const db = await filled();
  await db.run({ delete: 'c', deletes: [{ q: { r: { $lt: 50 } }, limit: 0 }] });
  await db.run({ update: 'c', updates: [{ q: { r: { $gt: 550 } }, u: { $set: { n: 1 } }, multi: true }] });
  const { documents } = db.member.collection('db.c');
  const ids = fc.array(fc.integer({ min: 1, max: COUNT + 50 }), { minLength: 1, maxLength: 32 });
  fc.assert(
    fc.property(ids, (chosen) => {
      const keys = chosen.map(recordIdBytes);
      const values: (Uint8Array | undefined)[] = [];
      documents.getMany(keys, keys.length, TIMESTAMP_MAX, values);
      expect(values).toEqual(keys.map((key) => documents.get(key)));
    }),
  );
});
