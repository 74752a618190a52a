import { describe, expect, test } from 'vitest';
import { boundsOf, boxOf, flatContains, type FlatRegion } from './flat.ts';

const p = (x: number, y: number) => ({ x, y });
const circle: FlatRegion = { kind: 'circle', center: p(51.9999, 0), radius: 0.0001 };
const triangle: FlatRegion = { kind: 'flatPolygon', vertices: [p(0, 0), p(10, 0), p(5, 10)] };

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
    const bowTie: FlatRegion = { kind: 'flatPolygon', vertices: [p(0, 0), p(10, 10), p(10, 0), p(0, 10)] };
    expect(flatContains(bowTie, p(1, 5))).toBe(true);
    expect(flatContains(bowTie, p(5, 1))).toBe(false);
  });

  test('lie in their bounds', () => {
    expect(boundsOf(triangle)).toEqual({ low: p(0, 0), high: p(10, 10) });
    expect(boundsOf(circle).high.x).toBeGreaterThanOrEqual(52);
  });
});
