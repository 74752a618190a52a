import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ancestorsOf, cellAt, cellNumber, cellRange, childrenOf, circleAround, LEVEL_MAX, type Cell } from './cells.ts';
import { cellsOfShape, distanceFromCap, joined, rangesAround, without } from './covering.ts';
import { Loop } from './loop.ts';
import { Polygon } from './polygon.ts';
import { shapeDistance, shapesMeet } from './relations.ts';
import { problemOf } from './ring_problem.ts';
import type { Shape } from './shape.ts';
import { angleBetween, vectorAt, type Vector } from './vector.ts';

const anyVector = fc
  .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -180, max: 180, noNaN: true }))
  .map(([z, longitude]) => vectorAt(longitude, (Math.asin(z) * 180) / Math.PI));

/** Points near one place, so that shapes made of them meet often. */
const nearbyVectors = (min: number, max: number) =>
  fc
    .tuple(
      fc.constantFrom<readonly [number, number]>([0, 0], [45, 45], [179, 0], [10, 89], [-90, 30]),
      fc.constantFrom(0.0001, 1, 20),
      fc.array(fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })), {
        minLength: min,
        maxLength: max,
      }),
    )
    .map(([[x, y], scale, pairs]) =>
      pairs.map(([dx, dy]) => {
        const longitude = ((x + dx * scale + 540) % 360) - 180;
        return vectorAt(longitude, Math.max(-90, Math.min(90, y + dy * scale)));
      }),
    );

const anyShape: fc.Arbitrary<Shape> = fc.oneof(
  nearbyVectors(1, 4).map((points) => ({ points, lines: [], polygons: [] })),
  nearbyVectors(2, 5).map((line) => ({ points: [], lines: [line], polygons: [] })),
  nearbyVectors(3, 6)
    .filter((vertices) => problemOf(vertices) === undefined)
    .map((vertices) => ({ points: [], lines: [], polygons: [new Polygon(Loop.smaller(vertices), [])] })),
);

function isListed(shape: Shape, ranges: readonly { readonly low: number; readonly high: number }[]): boolean {
  return cellsOfShape(shape)
    .map(cellNumber)
    .some((number) => ranges.some(({ low, high }) => number >= low && number <= high));
}

describe('cells', () => {
  test('hold their points, their parts and the numbers of these', () => {
    fc.assert(
      fc.property(anyVector, fc.integer({ min: 0, max: LEVEL_MAX }), (p: Vector, level) => {
        const cell = cellAt(p, level);
        const { center, radius } = circleAround(cell);
        expect(angleBetween(center, p)).toBeLessThanOrEqual(radius + 1e-9);
        const { low, high } = cellRange(cell);
        const leaf = cellNumber(cellAt(p, LEVEL_MAX));
        expect(leaf >= low && leaf <= high).toBe(true);
        for (const part of level < LEVEL_MAX ? childrenOf(cell) : []) {
          const inner = cellRange(part);
          expect(inner.low >= low && inner.high <= high).toBe(true);
        }
      }),
    );
  });

  test('have numbers of their own, which doubles hold', () => {
    const cells: readonly Cell[] = [cellAt(vectorAt(-180, -90), LEVEL_MAX), ...ancestorsOf(cellAt(vectorAt(3, 4), 24))];
    const numbers = cells.map(cellNumber);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) expect(Number.isSafeInteger(number)).toBe(true);
  });
});

describe('coverings', () => {
  test('of two shapes that meet have a cell inside a cell', () => {
    let meeting = 0;
    fc.assert(
      fc.property(anyShape, anyShape, (stored, asked) => {
        if (!shapesMeet(stored, asked)) return;
        meeting += 1;
        expect(
          isListed(
            stored,
            rangesAround((p) => shapeDistance(p, asked)),
          ),
        ).toBe(true);
      }),
      { numRuns: 1000 },
    );
    expect(meeting).toBeGreaterThan(30);
  });

  test('of a circle list every shape that is near enough', () => {
    fc.assert(
      fc.property(anyShape, anyVector, fc.double({ min: 0, max: 3, noNaN: true }), (stored, center, radius) => {
        if (shapeDistance(center, stored) > radius) return;
        expect(isListed(stored, rangesAround(distanceFromCap(center, radius)))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('ranges are joined, and cut out of each other', () => {
    const ranges = joined([
      { low: 5, high: 7 },
      { low: 1, high: 2 },
      { low: 3, high: 3 },
      { low: 6, high: 9 },
    ]);
    expect(ranges).toEqual([
      { low: 1, high: 3 },
      { low: 5, high: 9 },
    ]);
    expect(without(ranges, [{ low: 2, high: 6 }])).toEqual([
      { low: 1, high: 1 },
      { low: 7, high: 9 },
    ]);
  });
});
