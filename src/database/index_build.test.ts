import { expect, test } from 'vitest';
import { ms } from '../base/units.ts';
import { encodeDocument } from '../bson/codec.ts';
import { fillBuild, startBuild } from './index_build.ts';
import { parseIndexSpec } from './index_spec_parse.ts';
import { TestData } from './test_support.ts';

test('a build tells how far it is, while writes go on', async () => {
  const member = await TestData.open();
  for (let i = 0; i < 1000; i++) member.insert('db.c', { _id: i, a: i });
  const collection = member.collection('db.c');
  let now = 0;
  const clock = { wall: () => member.env.clock.wall(), monotonic: () => ms((now += 1)) };
  const target = { env: { ...member.env, clock }, store: member.store, catalog: member.data.catalog };
  const index = startBuild(
    target,
    collection,
    parseIndexSpec(encodeDocument({ key: { a: 1 }, name: 'a_1' }), 0, undefined),
  );
  const noted: number[] = [];
  await fillBuild(target, collection, index, {
    check: () => void (noted.length === 2 && member.insert('db.c', { _id: 5000, a: 5000 })),
    noteProgress: (documents) => void noted.push(documents),
  });
  expect(noted.length).toBeGreaterThan(2);
  expect(noted).toEqual(noted.toSorted((a, b) => a - b));
  expect(noted.at(-1)).toBeLessThanOrEqual(1001);
  expect(index.table.count).toBe(1001);
});
