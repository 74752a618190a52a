import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TestCommands } from '../../../tests/support/test_commands.ts';

type Pair = readonly [number, number];

interface Batch {
  readonly firstBatch: readonly { readonly _id: number; readonly d?: number }[];
}

const degrees = (max: number): fc.Arbitrary<number> => fc.double({ min: -max, max, noNaN: true });
const place: fc.Arbitrary<Pair> = fc.oneof(
  fc.tuple(degrees(180), degrees(90)),
  fc.tuple(degrees(1), degrees(1)),
  fc.tuple(
    degrees(0.01).map((x) => 179.99 + Math.abs(x) / 2),
    degrees(0.01),
  ),
);

const geometry = fc.oneof(
  place.map((coordinates) => ({ type: 'Point', coordinates })),
  place.map((pair) => pair),
  fc.uniqueArray(place, { minLength: 2, maxLength: 4, selector: String }).map((coordinates) => ({
    type: 'LineString',
    coordinates,
  })),
  fc.tuple(place, fc.double({ min: 0.001, max: 5, noNaN: true })).map(([[x, y], size]) => {
    const left = Math.min(x, 180 - size);
    const low = Math.max(-90, Math.min(y, 89 - size));
    const ring = [
      [left, low],
      [left + size, low],
      [left, low + size],
      [left, low],
    ];
    return { type: 'Polygon', coordinates: [ring] };
  }),
);

async function commandsWith(geometries: readonly unknown[], index: object): Promise<TestCommands> {
  const commands = await TestCommands.open();
  await commands.run({ insert: 'c', documents: geometries.map((g, _id) => ({ _id, g, k: _id % 3 })) });
  const built = await commands.run({ createIndexes: 'c', indexes: [{ key: index, name: 'g' }] });
  expect(built).toMatchObject({ ok: 1 });
  return commands;
}

async function rows(commands: TestCommands, command: object): Promise<Batch['firstBatch']> {
  const reply = await commands.run(command);
  expect(reply).toMatchObject({ ok: 1 });
  return (reply['cursor'] as Batch).firstBatch;
}

const ids = (found: Batch['firstBatch']): number[] => found.map(({ _id }) => _id).toSorted((a, b) => a - b);

describe('$geoNear on a sphere', () => {
  test('gives every document with its distance, nearest first, and the same through bounds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(geometry, { minLength: 1, maxLength: 30 }), place, async (geometries, coordinates) => {
        const commands = await commandsWith(geometries, { g: '2dsphere' });
        const near = { near: { type: 'Point', coordinates }, distanceField: 'd' };
        const all = await rows(commands, { aggregate: 'c', pipeline: [{ $geoNear: near }], cursor: {} });
        expect(ids(all)).toEqual(geometries.map((_, i) => i));
        const distances = all.map(({ d }) => d ?? Number.NaN);
        expect(distances).toEqual(distances.toSorted((a, b) => a - b));
        const middle = distances[distances.length >> 1];
        const bounded = { ...near, maxDistance: middle, minDistance: distances[0] };
        const some = await rows(commands, { aggregate: 'c', pipeline: [{ $geoNear: bounded }], cursor: {} });
        expect(ids(some)).toEqual(ids(all.filter(({ d }) => d !== undefined && d <= middle)));
        const found = await rows(commands, { find: 'c', filter: { g: { $near: { $geometry: near.near } } } });
        expect(found.map(({ _id }) => _id)).toEqual(all.map(({ _id }) => _id));
      }),
      { numRuns: 25 },
    );
  });
});

describe('$near in a plane', () => {
  test('gives every document by its distance', async () => {
    const flat = fc.tuple(degrees(180), degrees(180));
    await fc.assert(
      fc.asyncProperty(fc.array(flat, { minLength: 1, maxLength: 40 }), flat, async (places, point) => {
        const commands = await commandsWith(places, { g: '2d' });
        const near = { near: point, distanceField: 'd' };
        const all = await rows(commands, { aggregate: 'c', pipeline: [{ $geoNear: near }], cursor: {} });
        expect(ids(all)).toEqual(places.map((_, i) => i));
        for (const { _id, d } of all) {
          const [x, y] = places[_id];
          expect(d).toBeCloseTo(Math.hypot(x - point[0], y - point[1]), 9);
        }
        const distances = all.map(({ d }) => d ?? Number.NaN);
        expect(distances).toEqual(distances.toSorted((a, b) => a - b));
      }),
      { numRuns: 25 },
    );
  });
});

describe('regions', () => {
  test('select the same with an index and without', async () => {
    const regions = fc.oneof(
      fc.tuple(place, fc.double({ min: 0, max: 2, noNaN: true })).map((circle) => ({ $centerSphere: circle })),
      geometry.map((value) => ({ $geometry: value })),
      fc.tuple(place, place).map((corners) => ({ $box: corners })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(geometry, { minLength: 1, maxLength: 25 }), regions, async (geometries, region) => {
        const commands = await commandsWith(geometries, { g: '2dsphere' });
        for (const operator of ['$geoWithin', '$geoIntersects']) {
          const find = { find: 'c', filter: { g: { [operator]: region } } };
          const scanned = await commands.run({ ...find, hint: { $natural: 1 } });
          if (scanned['ok'] !== 1) continue;
          expect(ids(await rows(commands, find))).toEqual(ids((scanned['cursor'] as Batch).firstBatch));
        }
      }),
      { numRuns: 25 },
    );
  });

  test('select the same in a plane with an index and without', async () => {
    const flat = fc.tuple(degrees(90), degrees(90));
    const regions = fc.oneof(
      fc.tuple(flat, flat).map((corners) => ({ $box: corners })),
      fc.tuple(flat, fc.double({ min: 0, max: 50, noNaN: true })).map((circle) => ({ $center: circle })),
      fc.tuple(flat, fc.double({ min: 0, max: 0.5, noNaN: true })).map((circle) => ({ $centerSphere: circle })),
      fc.array(flat, { minLength: 3, maxLength: 6 }).map((vertices) => ({ $polygon: vertices })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(flat, { minLength: 1, maxLength: 60 }), regions, async (places, region) => {
        const commands = await commandsWith(places, { g: '2d' });
        const find = { find: 'c', filter: { g: { $geoWithin: region } } };
        const scanned = await rows(commands, { ...find, hint: { $natural: 1 } });
        expect(ids(await rows(commands, find))).toEqual(ids(scanned));
      }),
      { numRuns: 25 },
    );
  });
});

describe('places that cannot be indexed', () => {
  test('are refused with the words of the index', async () => {
    const commands = await commandsWith([], { g: '2d' });
    const reply = await commands.run({ insert: 'c', documents: [{ _id: 1, g: [200, 0] }] });
    expect(reply).toMatchObject({ writeErrors: [{ code: 13027 }] });
    const list = await commands.run({
      insert: 'c',
      documents: [{ _id: 1, g: { type: 'Point', coordinates: [0, 0] } }],
    });
    expect(list).toMatchObject({ writeErrors: [{ code: 16804 }] });
    const fine = await commands.run({ insert: 'c', documents: [{ _id: 1, g: [[1, 2], { x: 3, y: 4 }] }, { _id: 2 }] });
    expect(fine).toMatchObject({ n: 2 });
  });
});

describe('$near', () => {
  test('must stand alone and where it can order', async () => {
    const commands = await commandsWith([[0, 0]], { g: '2dsphere' });
    const near = { $near: { $geometry: { type: 'Point', coordinates: [0, 0] } } };
    const find = (filter: object): Promise<object> => commands.run({ find: 'c', filter });
    expect(await find({ $or: [{ g: near }, { k: 1 }] })).toMatchObject({ errmsg: 'geoNear must be top-level expr' });
    expect(await find({ $and: [{ g: near }, { g: near }] })).toMatchObject({ errmsg: 'Too many geoNear expressions' });
    expect(await find({ h: near })).toMatchObject({ code: 291 });
    expect(await commands.run({ aggregate: 'c', pipeline: [{ $match: { g: near } }], cursor: {} })).toMatchObject({
      code: 5626500,
    });
  });

  test('goes with other conditions, with $skip and $limit, and tells its distance', async () => {
    const commands = await commandsWith(
      [
        [3, 0],
        [1, 0],
        [2, 0],
        [0, 0],
        [4, 0],
      ],
      { g: '2dsphere', k: 1 },
    );
    const filter = { g: { $nearSphere: [0, 0] }, k: { $ne: 1 } };
    const projection = { d: { $round: [{ $meta: 'geoNearDistance' }, 4] } };
    expect(await rows(commands, { find: 'c', filter, projection, skip: 1, limit: 1 })).toEqual([{ _id: 2, d: 0.0349 }]);
  });
});

describe('an index with other fields before the geometry', () => {
  test('is read where these are pinned, and as a whole where they are not', async () => {
    const places: readonly Pair[] = [
      [3, 0],
      [1, 0],
      [2, 0],
      [0, 0],
      [4, 0],
    ];
    const commands = await commandsWith(places, { k: -1, g: '2dsphere' });
    const near = { $near: { $geometry: { type: 'Point', coordinates: [0, 0] } } };
    const found = async (filter: object): Promise<number[]> => {
      return (await rows(commands, { find: 'c', filter })).map(({ _id }) => _id);
    };
    expect(await found({ g: near, k: 0 })).toEqual([3, 0]);
    expect(await found({ g: near })).toEqual([3, 1, 2, 0, 4]);
    expect(await found({ g: near, k: { $gt: 0 } })).toEqual([1, 2, 4]);
  });
});
