/**
 * Numbers for points of a bounded square of the plane, by cutting it into quarters again and again, and the ranges of
 * such numbers for rectangles. What flat indexes are ordered by.
 */
import type { CellRange } from './cells.ts';
import { joined } from './covering.ts';
import type { FlatBox, FlatPoint } from './shape.ts';

/** More bits than these for each coordinate do not fit a number; candidates are looked at themselves anyway. */
export const HASH_BITS_MAX = 26;

/** How many squares a rectangle is covered by, about. */
const SQUARES_MAX = 32;

export interface HashGrid {
  /** Of both coordinates, both inclusive. */
  readonly min: number;
  readonly max: number;
  /** Per coordinate. */
  readonly bits: number;
}

/** The number of the square that the point lies in; points outside of the grid count to its rim. */
export function hashOf(grid: HashGrid, { x, y }: FlatPoint): number {
  let i = stepOf(grid, x);
  let j = stepOf(grid, y);
  let hash = 0;
  for (let place = 1; place < 4 ** grid.bits; place *= 4) {
    hash += place * ((i % 2) * 2 + (j % 2));
    i = Math.floor(i / 2);
    j = Math.floor(j / 2);
  }
  return hash;
}

function stepOf({ min, max, bits }: HashGrid, value: number): number {
  const count = 2 ** bits;
  return Math.max(0, Math.min(count - 1, Math.floor(((value - min) / (max - min)) * count)));
}

interface Square {
  readonly level: number;
  readonly i: number;
  readonly j: number;
  readonly hash: number;
}

/** The numbers of the squares that a rectangle lies in. */
export function rangesOfBox(grid: HashGrid, box: FlatBox): CellRange[] {
  const low = { i: stepOf(grid, box.low.x), j: stepOf(grid, box.low.y) };
  const high = { i: stepOf(grid, box.high.x), j: stepOf(grid, box.high.y) };
  const isNear = ({ level, i, j }: Square): boolean => {
    const width = 2 ** (grid.bits - level);
    return i * width <= high.i && (i + 1) * width > low.i && j * width <= high.j && (j + 1) * width > low.j;
  };
  const done: CellRange[] = [];
  const open: Square[] = [{ level: 0, i: 0, j: 0, hash: 0 }];
  for (let square = open.shift(); square !== undefined; square = open.shift()) {
    const parts = square.level < grid.bits ? quartersOf(square).filter(isNear) : [];
    const hasRoom = done.length + open.length + parts.length <= SQUARES_MAX;
    if (parts.length === 1 || (parts.length > 0 && hasRoom)) open.push(...parts);
    else {
      const size = 4 ** (grid.bits - square.level);
      done.push({ low: square.hash * size, high: (square.hash + 1) * size - 1 });
    }
  }
  return joined(done);
}

function quartersOf({ level, i, j, hash }: Square): readonly Square[] {
  return [0, 1, 2, 3].map((part) => ({
    level: level + 1,
    i: i * 2 + (part >> 1),
    j: j * 2 + (part & 1),
    hash: hash * 4 + part,
  }));
}
