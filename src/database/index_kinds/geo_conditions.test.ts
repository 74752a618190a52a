/** Geospatial conditions: through an index, without one, and as the obvious evaluator has it, the same is found. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { angleBetween, isSame, turn, vectorAt, type Vector } from '../../query/geo/vector.ts';
import { TestData } from '../test_support.ts';

type Pair = readonly [number, number];
type Plain = Record<string, unknown>;

const SEED = { seed: 20_262, numRuns: 15 };

/** Degrees from which everything is near enough to meet often; the date line and a pole are among them. */
const anyOrigin = fc.constantFrom<Pair>([0, 0], [20, 50], [179.5, -10], [-100, 88], [44.9, 35.2]);
const anyScale = fc.constantFrom(0.001, 0.5, 8);
const part = fc.double({ min: -1, max: 1, noNaN: true });

function moved([x, y]: Pair, dx: number, dy: number): Pair {
  return [((x + dx + 540) % 360) - 180, Math.max(-90, Math.min(90, y + dy))];
}

/** Around a middle, counterclockwise: a convex polygon as long as `depth` is 0. */
function ringAround(middle: Pair, radius: number, count: number, depth: number): Pair[] {
  const ring = Array.from({ length: count }, (_, i) => {
    const angle = (i / count) * 2 * Math.PI;
    const reach = i % 2 === 0 ? radius : radius * (1 - depth);
    return moved(middle, reach * Math.cos(angle), reach * Math.sin(angle));
  });
  return [...ring, ring[0]];
}

const anyPlace = fc.record({
  dx: part,
  dy: part,
  size: fc.double({ min: 0.05, max: 0.9, noNaN: true }),
  count: fc.integer({ min: 3, max: 9 }),
});

interface World {
  readonly origin: Pair;
  readonly scale: number;
}

interface Place {
  readonly dx: number;
  readonly dy: number;
  readonly size: number;
  readonly count: number;
}

function middleIn({ origin, scale }: World, { dx, dy }: Place): Pair {
  return moved(origin, dx * scale, dy * scale);
}

function polygonAt(world: World, place: Place): Pair[] {
  // Where meridians meet, a ring of few degrees of longitude is a sliver or crosses itself.
  const isRound = Math.abs(world.origin[1]) < 60;
  const depth = isRound && place.count % 2 === 0 ? 0.4 : 0;
  return ringAround(middleIn(world, place), place.size * world.scale, place.count, depth);
}

function lineAt(world: World, place: Place): Pair[] {
  const from = middleIn(world, place);
  return [from, moved(from, place.size * world.scale, place.dx * world.scale)];
}

/** A geometry of one kind or another. */
function geometryAt(world: World, place: Place, kind: number): Plain {
  switch (kind) {
    case 0:
      return { type: 'LineString', coordinates: lineAt(world, place) };
    case 1:
      return { type: 'Polygon', coordinates: [polygonAt(world, place)] };
    case 2:
      return { type: 'MultiPoint', coordinates: lineAt(world, place) };
    case 3: {
      const rings = [polygonAt(world, place), polygonAt(world, { ...place, size: place.size / 3 })];
      return { type: 'Polygon', coordinates: rings };
    }
    default:
      return { type: 'Point', coordinates: middleIn(world, place) };
  }
}

const anyKind = fc.integer({ min: 0, max: 7 });
const anyWorld = fc.record({ origin: anyOrigin, scale: anyScale });

async function filled(documents: readonly Plain[], key: Plain | undefined): Promise<TestData> {
  const data = await TestData.open();
  if (key !== undefined) data.index('t.places', key);
  for (const document of documents) data.insert('t.places', document);
  return data;
}

function idsOf(data: TestData, filter: Plain): unknown[] {
  return data
    .find('t.places', filter)
    .map((document) => Number(document._id))
    .sort((a, b) => a - b);
}

function vectorOf([x, y]: Pair): Vector {
  return vectorAt(x, y);
}

/** Undefined where the point is too near to the border to say without caring for touching. */
function isInConvex(p: Vector, ring: readonly Pair[]): boolean | undefined {
  const turns = ring.slice(1).map((end, i) => {
    const [a, b] = [vectorOf(ring[i]), vectorOf(end)];
    return isSame(a, b) ? 1 : turn(a, b, p) / angleBetween(a, b);
  });
  return turns.some((one) => Math.abs(one) < 1e-7) ? undefined : turns.every((one) => one > 0);
}

test('conditions on the sphere find the same with an index and without', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyWorld,
      fc.array(fc.tuple(anyPlace, anyKind), { minLength: 10, maxLength: 30 }),
      fc.array(anyPlace, { minLength: 2, maxLength: 2 }),
      async (world, stored, asked) => {
        const documents = stored.map(([place, kind], _id) => ({
          _id,
          at: geometryAt(world, place, kind),
          tag: _id % 2,
        }));
        const plain = await filled(documents, undefined);
        const indexed = await filled(documents, { at: '2dsphere' });
        const compound = await filled(documents, { tag: 1, at: '2dsphere' });
        for (const place of asked) {
          const radius = (place.size * world.scale * Math.PI) / 180;
          const polygon = { type: 'Polygon', coordinates: [polygonAt(world, place)] };
          const conditions: readonly Plain[] = [
            { $geoWithin: { $geometry: polygon } },
            { $geoWithin: { $geometry: { type: 'MultiPolygon', coordinates: [polygon.coordinates] } } },
            { $geoWithin: { $centerSphere: [middleIn(world, place), radius] } },
            ...[0, 1, 2, 3, 4].map((kind) => ({ $geoIntersects: { $geometry: geometryAt(world, place, kind) } })),
          ];
          for (const condition of conditions) {
            const found = idsOf(plain, { at: condition });
            expect(idsOf(indexed, { at: condition })).toEqual(found);
            const tagged = { tag: 1, at: condition };
            expect(idsOf(compound, tagged)).toEqual(idsOf(plain, tagged));
          }
        }
      },
    ),
    SEED,
  );
});

test('points on the sphere are in a convex polygon to the left of its edges, and in a circle by their angle', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyWorld.filter(({ origin }) => Math.abs(origin[1]) < 60),
      fc.array(anyPlace, { minLength: 30, maxLength: 60 }),
      anyPlace,
      async (world, stored, place) => {
        const points = stored.map((one) => middleIn(world, one));
        const documents = points.map((coordinates, _id) => ({ _id, at: { type: 'Point', coordinates } }));
        const indexed = await filled(documents, { at: '2dsphere' });
        const ring = ringAround(middleIn(world, place), place.size * world.scale, place.count, 0);
        const sides = points.map((point) => isInConvex(vectorOf(point), ring));
        const within = new Set(
          idsOf(indexed, { at: { $geoWithin: { $geometry: { type: 'Polygon', coordinates: [ring] } } } }),
        );
        for (const [i, side] of sides.entries()) if (side !== undefined) expect(within.has(i)).toBe(side);

        const center = middleIn(world, place);
        const radius = (place.size * world.scale * Math.PI) / 180;
        const angles = points.map((point) => angleBetween(vectorOf(point), vectorOf(center)));
        const near = angles.flatMap((angle, i) => (angle <= radius ? [i] : []));
        expect(idsOf(indexed, { at: { $geoWithin: { $centerSphere: [center, radius] } } })).toEqual(near);
      },
    ),
    SEED,
  );
});

test('pairs of the plane are found the same with an index, without, and by their coordinates', async () => {
  // Few places, so that pairs lie on borders as well.
  const coordinate = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ min: -5, max: 5, noNaN: true }));
  const anyPair = fc.tuple(coordinate, coordinate);
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyPair, { minLength: 20, maxLength: 80 }),
      fc.array(anyPair, { minLength: 3, maxLength: 12 }),
      fc.double({ min: 0, max: 5, noNaN: true }),
      async (pairs, polygon, radius) => {
        const documents = pairs.map((at, _id) => ({ _id, at }));
        const plain = await filled(documents, undefined);
        const indexed = await filled(documents, { at: '2d' });
        const [[x, y], [otherX, otherY]] = polygon;
        const [left, right] = [Math.min(x, otherX), Math.max(x, otherX)];
        const [low, high] = [Math.min(y, otherY), Math.max(y, otherY)];
        const box = { at: { $geoWithin: { $box: polygon.slice(0, 2) } } };
        const inBox = pairs.flatMap(([a, b], i) => (a >= left && a <= right && b >= low && b <= high ? [i] : []));
        expect(idsOf(indexed, box)).toEqual(inBox);
        for (const shape of [{ $box: polygon.slice(0, 2) }, { $polygon: polygon }, { $center: [polygon[0], radius] }]) {
          const filter = { at: { $geoWithin: shape } };
          expect(idsOf(indexed, filter)).toEqual(idsOf(plain, filter));
        }
      },
    ),
    SEED,
  );
});
