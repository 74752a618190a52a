import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EdgeTree } from './edge_tree.ts';
import { Loop } from './loop.ts';
import { Polygon } from './polygon.ts';
import { capContains, polygonsMeet, shapeContains, shapeDistance, shapesMeet } from './relations.ts';
import { pointShape, type Shape } from './shape.ts';
import { angleBetween, cross, distanceToEdge, dot, plus, turn, unit, vectorAt, type Vector } from './vector.ts';

function polygon(...pairs: readonly (readonly [number, number])[]): Polygon {
  return new Polygon(Loop.smaller(pairs.map(([x, y]) => vectorAt(x, y))), []);
}

function shapeOf(...polygons: readonly Polygon[]): Shape {
  return { points: [], lines: [], polygons };
}

function line(...pairs: readonly (readonly [number, number])[]): Shape {
  return { points: [], lines: [pairs.map(([x, y]) => vectorAt(x, y))], polygons: [] };
}

const point = (x: number, y: number): Shape => pointShape(vectorAt(x, y));

/** Any point of the sphere. */
const anyVector = fc
  .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -180, max: 180, noNaN: true }))
  .map(([z, longitude]) => vectorAt(longitude, (Math.asin(z) * 180) / Math.PI));

/** A convex polygon: points of a circle, in order. */
const convexVertices = fc
  .tuple(
    anyVector,
    fc.double({ min: 0.001, max: 1.2, noNaN: true }),
    fc.uniqueArray(fc.integer({ min: 0, max: 359 }), { minLength: 3, maxLength: 9 }),
  )
  .filter(([, , degrees]) => {
    const sorted = degrees.toSorted((a, b) => a - b);
    return sorted.every((degree, i) => ((sorted[(i + 1) % sorted.length] - degree + 360) % 360 || 360) < 170);
  })
  .map(([center, radius, degrees]) => {
    const east = unit(cross(center, Math.abs(center.z) < 0.9 ? { x: 0, y: 0, z: 1 } : { x: 1, y: 0, z: 0 }));
    const north = cross(east, center);
    return degrees
      .toSorted((a, b) => a - b)
      .map((degree) => {
        const angle = (degree * Math.PI) / 180;
        const direction = plus(plus({ x: 0, y: 0, z: 0 }, east, Math.cos(angle)), north, Math.sin(angle));
        return unit(plus(plus({ x: 0, y: 0, z: 0 }, center, Math.cos(radius)), direction, Math.sin(radius)));
      });
  });

describe('polygons', () => {
  test('contain what lies on the inner side of every edge when they are convex', () => {
    fc.assert(
      fc.property(convexVertices, anyVector, (vertices, p) => {
        const loop = Loop.smaller(vertices);
        if (loop.distance(p) < 1e-7) return;
        const isInside = loop.vertices.every((vertex, i) => turn(vertex, loop.vertex(i + 1), p) > 0);
        expect(loop.side(p)).toBe(isInside ? 'inside' : 'outside');
      }),
      { numRuns: 2000 },
    );
  });

  test('are the smaller side of their ring, whichever way it turns', () => {
    const square = [vectorAt(0, 0), vectorAt(10, 0), vectorAt(10, 10), vectorAt(0, 10)];
    for (const vertices of [square, square.toReversed()]) {
      expect(Loop.smaller(vertices).side(vectorAt(5, 5))).toBe('inside');
      expect(Loop.smaller(vertices).side(vectorAt(50, 5))).toBe('outside');
    }
    expect(new Loop(square.toReversed()).side(vectorAt(5, 5))).toBe('outside');
    expect(new Loop(square.toReversed()).side(vectorAt(-175, -5))).toBe('inside');
  });

  test('bulge towards the pole: their edges are great circles', () => {
    const wide = polygon([-40, 50], [40, 50], [40, 10], [-40, 10]);
    expect(wide.contains(vectorAt(0, 54))).toBe(true);
    expect(wide.contains(vectorAt(0, 12))).toBe(false);
  });

  test('may contain a pole', () => {
    const cap = polygon([0, 80], [90, 80], [180, 80], [-90, 80]);
    expect(cap.contains(vectorAt(33, 90))).toBe(true);
    expect(cap.contains(vectorAt(33, -90))).toBe(false);
  });

  test('meet the same whichever is asked, and when the sphere is turned', () => {
    fc.assert(
      fc.property(convexVertices, convexVertices, anyVector, (a, b, axis) => {
        const one = new Polygon(Loop.smaller(a), []);
        const other = new Polygon(Loop.smaller(b), []);
        const meets = polygonsMeet(one, other);
        expect(polygonsMeet(other, one)).toBe(meets);
        const turned = (vertices: readonly Vector[]): Polygon =>
          new Polygon(Loop.smaller(vertices.map((v) => mirrored(v, axis))), []);
        expect(polygonsMeet(turned(a), turned(b))).toBe(meets);
        if (shapeContains(shapeOf(one), shapeOf(other))) expect(meets).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('contain themselves, and meet themselves', () => {
    fc.assert(
      fc.property(convexVertices, (vertices) => {
        const shape = shapeOf(new Polygon(Loop.smaller(vertices), []));
        expect(shapeContains(shape, shape)).toBe(true);
        expect(shapesMeet(shape, shape)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('that share an edge and nothing else do not meet', () => {
    const left = shapeOf(polygon([0, 0], [10, 0], [10, 10], [0, 10]));
    const right = shapeOf(polygon([10, 0], [20, 0], [20, 10], [10, 10]));
    expect(shapesMeet(left, right)).toBe(false);
  });

  test('lack their holes but have the rims', () => {
    const ring = new Polygon(polygon([0, 0], [10, 0], [10, 10], [0, 10]).shell, [
      polygon([2, 2], [8, 2], [8, 8], [2, 8]).shell,
    ]);
    expect(ring.side(vectorAt(5, 5))).toBe('outside');
    expect(ring.side(vectorAt(2, 5))).toBe('border');
    expect(ring.side(vectorAt(1, 5))).toBe('inside');
    expect(shapeContains(shapeOf(ring), shapeOf(polygon([3, 3], [7, 3], [7, 7], [3, 7])))).toBe(false);
    expect(shapeContains(shapeOf(ring), shapeOf(polygon([1, 1], [9, 1], [9, 9], [1, 9])))).toBe(false);
    expect(shapesMeet(shapeOf(ring), shapeOf(polygon([3, 3], [7, 3], [7, 7], [3, 7])))).toBe(false);
    expect(shapesMeet(shapeOf(ring), line([5, 5], [5, 20]))).toBe(true);
  });
});

describe('lines', () => {
  test('meet where they cross or touch', () => {
    expect(shapesMeet(line([0, -1], [0, 1]), line([-1, 0], [1, 0]))).toBe(true);
    expect(shapesMeet(line([0, 0], [0, 1]), line([-1, 0], [1, 0]))).toBe(true);
    expect(shapesMeet(line([0, 0.1], [0, 1]), line([-1, 0], [1, 0]))).toBe(false);
  });

  test('pass through points on them, not through points on the parallel', () => {
    expect(shapesMeet(line([0, 0], [10, 0]), point(5, 0))).toBe(true);
    expect(shapesMeet(line([0, 60], [10, 60]), point(5, 60))).toBe(false);
  });
});

describe('distances', () => {
  test('are those to the nearest point', () => {
    const degree = Math.PI / 180;
    expect(shapeDistance(vectorAt(5, 1), line([0, 0], [10, 0]))).toBeCloseTo(degree, 12);
    expect(shapeDistance(vectorAt(12, 0), line([0, 0], [10, 0]))).toBeCloseTo(2 * degree, 12);
    expect(shapeDistance(vectorAt(5, 5), shapeOf(polygon([0, 0], [10, 0], [10, 10], [0, 10])))).toBe(0);
    expect(angleBetween(vectorAt(0, 0), vectorAt(180, 0))).toBeCloseTo(Math.PI, 12);
  });
});

describe('circles', () => {
  test('contain what lies in them as a whole, however large they are', () => {
    const cap = (radius: number) => ({ center: vectorAt(0, 0), radius });
    expect(capContains(cap(0.1), point(5, 0))).toBe(true);
    expect(capContains(cap(0.1), point(6, 0))).toBe(false);
    expect(capContains(cap(0.1), line([-5, 0], [5, 0]))).toBe(true);
    expect(capContains(cap(3), line([175, 0], [-170, 0]))).toBe(false);
    expect(capContains(cap(10), point(180, 0))).toBe(true);
  });
});

/** The other side of the plane at right angles to `axis`. */
function mirrored(v: Vector, axis: Vector): Vector {
  return unit(plus(v, axis, -2 * dot(v, axis)));
}

describe('polygons without an inside', () => {
  test('are their border and nothing else', () => {
    const flat = new Polygon(Loop.smaller([vectorAt(0, 0), vectorAt(2, 0), vectorAt(1, 0)]), []);
    expect(flat.side(vectorAt(1, 0))).toBe('border');
    expect(flat.side(vectorAt(1, 1))).toBe('outside');
    expect(flat.side(vectorAt(80, 80))).toBe('outside');
    const still = [vectorAt(0, 0), vectorAt(0, 1e-320), vectorAt(0, -1e-320)];
    for (const vertices of [still, still.toReversed()]) {
      expect(Loop.smaller(vertices).side(vectorAt(180, 0))).toBe('outside');
    }
  });
});

describe('lists of edges', () => {
  test('are as far from a point as the nearest of them', () => {
    fc.assert(
      fc.property(fc.array(anyVector, { minLength: 2, maxLength: 8 }), anyVector, (vertices, p) => {
        for (const isRing of [false, true]) {
          const ends = isRing ? [...vertices, vertices[0]] : vertices;
          const nearest = Math.min(...ends.slice(1).map((end, i) => distanceToEdge(p, ends[i], end)));
          expect(EdgeTree.along(vertices, isRing).distance(p)).toBeCloseTo(nearest, 7);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
