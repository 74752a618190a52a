import { expect, test } from 'vitest';
import { TIMESTAMP_MAX } from '../../base/optime.ts';
import { decodePlain, encodeDocument } from '../../bson/codec.ts';
import { PAUSE } from '../../query/pipeline/source.ts';
import { insertableDocument } from '../insertable.ts';
import { randomRecords } from './random_records.ts';
import { TestData } from '../test_support.ts';
import { Turn } from '../turn.ts';
import { createCollection } from '../write/write_catalog.ts';
import { insertDocument } from '../write/write_documents.ts';

async function picked(count: number, size: number): Promise<unknown[] | undefined> {
  const member = await TestData.open();
  const { data } = member;
  const collection = createCollection(data, 'db.c');
  for (let _id = 0; _id < count; _id++)
    insertDocument(data, collection, insertableDocument(encodeDocument({ _id }), 0, data));
  let seed = 1;
  const random = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const source = randomRecords({ collection, size, at: TIMESTAMP_MAX, turn: new Turn(member.env.clock), random });
  if (source === undefined) return undefined;
  const ids: unknown[] = [];
  for (let next = source.next(); next !== undefined; next = source.next()) {
    if (next !== PAUSE) ids.push(decodePlain(next)['_id']);
  }
  return ids;
}

test('as many different documents as were asked for', async () => {
  const ids = await picked(1000, 50);
  expect(ids).toHaveLength(50);
  expect(new Set(ids).size).toBe(50);
  expect(Math.max(...(ids ?? []).map(Number))).toBeGreaterThan(500);
  expect(Math.min(...(ids ?? []).map(Number))).toBeLessThan(500);
});

test('not for many documents, and not of a small collection', async () => {
  expect(await picked(1000, 51)).toBeUndefined();
  expect(await picked(99, 1)).toBeUndefined();
});
