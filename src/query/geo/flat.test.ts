import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundsOf, boxOf, flatContains, type FlatRegion } from './flat.ts';
import { FlatRing } from './flat_ring.ts';
import type { FlatPoint } from './shape.ts';

const p = (x: number, y: number) => ({ x, y });
const circle: FlatRegion = { kind: 'circle', center: p(51.9999, 0), radius: 0.0001 };
const triangle: FlatRegion = { kind: 'flatPolygon', ring: new FlatRing([p(0, 0), p(10, 0), p(5, 10)]) };

describe('flat regions', () => {
  test('have their borders', () => {
    const box = boxOf(p(10, 0), p(0, 10));
    for (const corner of [p(0, 0), p(10, 10), p(0, 5)]) expect(flatContains(box, corner)).toBe(true);
    expect(flatContains(box, p(10.001, 5))).toBe(false);
    for (const border of [p(0, 0), p(5, 0), p(5, 10)]) expect(flatContains(triangle, border)).toBe(true);
    expect(flatContains(triangle, p(10, 5))).toBe(false);
  });

  test('of a circle reach as far as the radius along an axis, whatever rounding says', () => {
    expect(52 - 51.9999 > 0.0001).toBe(true);
    expect(flatContains(circle, p(52, 0))).toBe(true);
    expect(flatContains(circle, p(52.0001, 0))).toBe(false);
  });

  test('of a polygon that crosses itself are the odd parts', () => {
    const bowTie: FlatRegion = { kind: 'flatPolygon', ring: new FlatRing([p(0, 0), p(10, 10), p(10, 0), p(0, 10)]) };
    expect(flatContains(bowTie, p(1, 5))).toBe(true);
    expect(flatContains(bowTie, p(5, 1))).toBe(false);
  });

  test('lie in their bounds', () => {
    expect(boundsOf(triangle)).toEqual({ low: p(0, 0), high: p(10, 10) });
    expect(boundsOf(circle).high.x).toBeGreaterThanOrEqual(52);
  });
});

describe('polygons of the plane', () => {
  test('contain the points that an odd number of their edges is to the right of, and some of their border', () => {
    // Few places, so that points are often level with vertices, and on edges.
    const coordinate = fc.oneof(fc.integer({ min: -4, max: 4 }), fc.double({ min: -4, max: 4, noNaN: true }));
    const anyPoint = fc.record({ x: coordinate, y: coordinate });
    fc.assert(
      fc.property(
        fc.array(anyPoint, { minLength: 3, maxLength: 100, size: 'max' }),
        fc.array(anyPoint, { minLength: 20, maxLength: 20 }),
        (vertices, points) => {
          const ring = new FlatRing(vertices);
          const places = [...points, ...vertices];
          expect(places.filter((place) => ring.contains(place) !== isSurrounded(vertices, place))).toEqual([]);
        },
      ),
      { seed: 20_261, numRuns: 200 },
    );
  });

  test('may have thousands of vertices', () => {
    const vertices = Array.from({ length: 3000 }, (_, i) => {
      const angle = (i / 3000) * 2 * Math.PI;
      const radius = i % 2 === 0 ? 1 : 2;
      return p(radius * Math.cos(angle), radius * Math.sin(angle));
    });
    const ring = new FlatRing(vertices);
    for (let i = 0; i < 400; i++) {
      const point = p(Math.cos(i) * (i / 180), Math.sin(i) * (i / 180));
      expect(ring.contains(point)).toBe(isSurrounded(vertices, point));
    }
  });
});

/** As MongoDB decides it, edge by edge. */
function isSurrounded(vertices: readonly FlatPoint[], { x, y }: FlatPoint): boolean {
  let isInside = false;
  for (const [i, b] of vertices.entries()) {
    const a = vertices[(i + vertices.length - 1) % vertices.length];
    const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)];
    const [low, high] = [Math.min(a.y, b.y), Math.max(a.y, b.y)];
    if ((x === a.x && y === a.y) || (x === b.x && y === b.y)) return true;
    if (a.y === b.y && y === a.y && x >= left && x <= right) return true;
    if (a.y !== b.y && a.x === b.x && x === a.x && y > low && y <= high) return true;
    if (y <= low || y > high) continue;
    if (x <= (a.x === b.x ? a.x : ((y - a.y) * (b.x - a.x)) / (b.y - a.y) + a.x)) isInside = !isInside;
  }
  return isInside;
}
