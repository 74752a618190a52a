/** Borders of thousands of edges: what the trees of boxes answer is what looking at every edge answers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellAt, cellNumber, LEVEL_MAX } from './cells.ts';
import { cellsOfShape, distanceFromRegion, distanceFromShape, rangesAround } from './covering.ts';
import { Loop } from './loop.ts';
import { Polygon } from './polygon.ts';
import { polygonsMeet, shapeContains, shapeDistance, shapesMeet } from './relations.ts';
import { problemOf } from './ring_problem.ts';
import { pointShape, type Line, type Shape } from './shape.ts';
import { angleBetween, distanceToEdge, edgesCross, edgesTouch, latitudeOf, longitudeOf, vectorAt } from './vector.ts';
import type { Vector } from './vector.ts';

const SEED = { seed: 20_260, numRuns: 20 };

/** Numbers from 0 up to 1 that come out the same for the same seed. */
function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Place {
  readonly x: number;
  readonly y: number;
  /** In degrees. */
  readonly radius: number;
}

function at({ x, y, radius }: Place, angle: number, part: number): Vector {
  const latitude = Math.max(-90, Math.min(90, y + Math.sin(angle) * part * radius));
  return vectorAt(((x + Math.cos(angle) * part * radius + 540) % 360) - 180, latitude);
}

/** Points and hollows by turns at uneven distances from the middle. */
function star(place: Place, count: number, chance: () => number): Vector[] {
  const depth = Math.min(0.5, 60 / count);
  return Array.from({ length: count }, (_, i) => at(place, (i / count) * 2 * Math.PI, 1 - depth * chance()));
}

/** A band that winds around the middle five times. */
function spiral(place: Place, count: number): Vector[] {
  const half = Math.floor(count / 2);
  const side = (offset: number): Vector[] =>
    Array.from({ length: half }, (_, i) => at(place, (i / half) * 10 * Math.PI, 0.2 + (0.7 * i) / half + offset));
  return [...side(0), ...side(0.05).toReversed()];
}

const anyPlace = fc.record({
  x: fc.constantFrom(0, 45, 179, -90),
  y: fc.constantFrom(0, 30, -60),
  radius: fc.constantFrom(0.01, 1, 20),
});

/** A large polygon, with one hole or none. */
const anyPolygon = fc
  .record({
    place: anyPlace,
    count: fc.integer({ min: 1000, max: 4000 }),
    form: fc.constantFrom('star', 'spiral', 'hollow'),
    seed: fc.nat(),
  })
  .map(({ place, count, form, seed }) => {
    const chance = chanceOf(seed);
    const vertices = form === 'spiral' ? spiral(place, count) : star(place, count, chance);
    const hole = star({ ...place, radius: place.radius * 0.4 }, Math.floor(count / 2), chance);
    const rings = form === 'hollow' ? [vertices, hole] : [vertices];
    return { place, chance, rings };
  })
  .filter(({ rings }) => rings.every((ring) => problemOf(ring) === undefined));

function polygonOf([shell, ...holes]: readonly (readonly Vector[])[]): Polygon {
  return new Polygon(
    Loop.smaller(shell),
    holes.map((hole) => Loop.smaller(hole)),
  );
}

function shapeOf(...polygons: readonly Polygon[]): Shape {
  return { points: [], lines: [], polygons };
}

/** Anywhere about the place, some of them close to a vertex. */
function pointsAbout(place: Place, ring: readonly Vector[], chance: () => number): Vector[] {
  return Array.from({ length: 60 }, (_, i) => {
    if (i % 3 > 0) return at(place, chance() * 2 * Math.PI, chance() * 1.3);
    const vertex = ring[Math.floor(chance() * ring.length)];
    const near = { x: longitudeOf(vertex), y: latitudeOf(vertex), radius: place.radius / 1000 };
    return at(near, chance() * 2 * Math.PI, chance());
  });
}

function edgesOf(ring: readonly Vector[]): readonly (readonly [Vector, Vector])[] {
  return ring.map((vertex, i) => [vertex, ring[(i + 1) % ring.length]]);
}

function nearestOf(p: Vector, ring: readonly Vector[]): number {
  return Math.min(...edgesOf(ring).map(([a, b]) => distanceToEdge(p, a, b)));
}

/** By how many borders there are on the way from a point that is outside of all. */
function isInside(p: Vector, outside: Vector, rings: readonly (readonly Vector[])[]): boolean {
  const crossed = rings.flatMap(edgesOf).filter(([a, b]) => edgesCross(outside, p, a, b));
  return crossed.length % 2 === 1;
}

describe('polygons of thousands of vertices', () => {
  test('contain what an odd number of borders is around of', () => {
    fc.assert(
      fc.property(anyPolygon, ({ place, chance, rings }) => {
        const polygon = polygonOf(rings);
        const outside = at(place, 1, 1.7);
        for (const p of pointsAbout(place, rings[0], chance)) {
          const nearest = Math.min(...rings.map((ring) => nearestOf(p, ring)));
          if (nearest < 1e-8) continue;
          const inside = isInside(p, outside, rings);
          expect(polygon.side(p)).toBe(inside ? 'inside' : 'outside');
          expect(polygon.distance(p)).toBeCloseTo(inside ? 0 : nearest, 7);
        }
        for (const vertex of rings[0].slice(0, 20)) expect(polygon.side(vertex)).toBe('border');
      }),
      SEED,
    );
  });

  test('are listed in the cells of all their points, and looked for there', () => {
    fc.assert(
      fc.property(anyPolygon, ({ place, chance, rings }) => {
        const shape = shapeOf(polygonOf(rings));
        const ranges = rangesAround(distanceFromShape(shape));
        const listed = cellsOfShape(shape).map(cellNumber);
        for (const p of pointsAbout(place, rings[0], chance)) {
          if (!shapeContains(shape, pointShape(p))) continue;
          const leaf = cellNumber(cellAt(p, LEVEL_MAX));
          expect(ranges.some(({ low, high }) => leaf >= low && leaf <= high)).toBe(true);
          const around = rangesAround(distanceFromShape(pointShape(p)));
          expect(listed.some((cell) => around.some(({ low, high }) => cell >= low && cell <= high))).toBe(true);
        }
      }),
      SEED,
    );
  });

  test('meet and contain as their edges and vertices say', () => {
    fc.assert(
      fc.property(anyPolygon, anyPolygon, fc.constantFrom(0.1, 0.7, 1.5), (one, { chance }, apart) => {
        const { place, rings } = one;
        const middle = at(place, chance() * 2 * Math.PI, apart);
        const small = { x: longitudeOf(middle), y: latitudeOf(middle), radius: place.radius * (0.01 + chance() / 2) };
        const otherRing = star(small, 300, chance);
        if (problemOf(otherRing) !== undefined) return;
        const polygon = polygonOf(rings);
        const other = polygonOf([otherRing]);
        const outside = at(place, 1, 1.7);
        const crosses = edgesOf(otherRing).some(([a, b]) =>
          rings.flatMap(edgesOf).some(([c, d]) => edgesCross(a, b, c, d)),
        );
        const holds = isInside(otherRing[0], outside, rings);
        const isHeld = rings.some((ring) => other.side(ring[0]) === 'inside');
        expect(polygonsMeet(polygon, other)).toBe(crosses || holds || isHeld);
        expect(polygonsMeet(other, polygon)).toBe(crosses || holds || isHeld);
        expect(shapeContains(shapeOf(polygon), shapeOf(other))).toBe(!crosses && holds && !isHeld);
      }),
      SEED,
    );
  });
});

describe('lines and heaps of points', () => {
  test('of thousands are as near as the nearest part, and meet what one edge meets', () => {
    fc.assert(
      fc.property(anyPlace, fc.nat(), (place, seed) => {
        const chance = chanceOf(seed);
        const line: Line = spiral(place, 2000);
        const other: Line = [at(place, chance() * 6, chance() * 1.2), at(place, chance() * 6, chance() * 1.2)];
        const shape: Shape = { points: [], lines: [line], polygons: [] };
        const heap: Shape = { points: line, lines: [], polygons: [] };
        const touches = line.slice(1).some((end, i) => edgesTouch(line[i], end, other[0], other[1]));
        expect(shapesMeet(shape, { points: [], lines: [other], polygons: [] })).toBe(touches);
        for (const p of other) {
          expect(distanceFromShape(shape)(p)).toBeCloseTo(shapeDistance(p, shape), 12);
          const nearest = Math.min(...line.map((vertex) => angleBetween(p, vertex)));
          expect(distanceFromRegion({ kind: 'shape', shape: heap })?.(p)).toBeCloseTo(nearest, 12);
        }
      }),
      SEED,
    );
  });
});

describe('problems of rings', () => {
  test('are found wherever they are among thousands of edges', () => {
    fc.assert(
      fc.property(anyPlace, fc.nat(), fc.integer({ min: 10, max: 2900 }), (place, seed, where) => {
        const ring = Array.from({ length: 3000 }, (_, i) => at(place, (i / 3000) * 2 * Math.PI, 1));
        expect(problemOf(ring)).toBe(undefined);
        const repeated = ring.with(where, ring[seed % where]);
        expect(problemOf(repeated)).toBe(`Duplicate vertices: ${seed % where} and ${where}`);
        const crossing = ring.with(where, ring[where + 1]).with(where + 1, ring[where]);
        expect(problemOf(crossing)).toMatch(/^Edges \d+ and \d+ cross/);
      }),
      SEED,
    );
  });
});

describe('hundreds of holes, and of polygons', () => {
  const places = Array.from({ length: 400 }, (_, i) => ({
    x: (i % 20) - 9.5,
    y: Math.floor(i / 20) - 9.5,
    radius: 0.4,
  }));
  const rings = places.map((place) => [0, 1, 2, 3].map((i) => at(place, (i * Math.PI) / 2, 1)));
  const whole = { x: 0, y: 0, radius: 40 };
  const sieve = polygonOf([[0, 1, 2, 3].map((i) => at(whole, (i * Math.PI) / 2, 1)), ...rings]);
  const heap = shapeOf(...rings.map((ring) => polygonOf([ring])));

  test('are out, and in, and as far as the nearest of them', () => {
    for (const [i, { x, y }] of places.entries()) {
      const between = vectorAt(x + 0.5, y + 0.5);
      expect(sieve.side(vectorAt(x, y))).toBe('outside');
      expect(sieve.side(rings[i][0])).toBe('border');
      expect(sieve.side(between)).toBe('inside');
      expect(sieve.distance(vectorAt(x, y))).toBeCloseTo(nearestOf(vectorAt(x, y), rings[i]), 12);
      expect(shapeDistance(vectorAt(x, y), heap)).toBe(0);
      const nearest = Math.min(...heap.polygons.map((polygon) => polygon.distance(between)));
      expect(shapeDistance(between, heap)).toBe(nearest);
    }
  });
});
