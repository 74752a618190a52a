/**
 * Cells: the sphere cut into six faces of a cube, each face into quarters, those into quarters again, 24 times over. A
 * cell has a number such that the numbers of the cells inside it lie together around its own, so that cells become
 * ranges of an ordered index. The smallest are about 60 cm wide.
 *
 * A number is the face (3 bits), two bits for each level, a 1 that marks the end, and zeros: 52 bits in all, which a
 * double holds exactly.
 */
import { angleBetween, unit, type Vector } from './vector.ts';

export const LEVEL_MAX = 24;

/** Half the width of a smallest cell's range, and the marker of a cell of that level. */
const LEAF_MARK = 1;

export interface Cell {
  readonly face: number;
  /** 0 for a whole face. */
  readonly level: number;
  /** Its place on the face in units of its own width. */
  readonly i: number;
  readonly j: number;
}

/** The first and last number of the cells inside a cell, itself among them. */
export interface CellRange {
  readonly low: number;
  readonly high: number;
}

export const FACES: readonly Cell[] = [0, 1, 2, 3, 4, 5].map((face) => ({ face, level: 0, i: 0, j: 0 }));

/** The width of the numbers below a cell of that level, halved: its marker bit. */
function markOf(level: number): number {
  return LEAF_MARK * 4 ** (LEVEL_MAX - level);
}

export function cellNumber({ face, level, i, j }: Cell): number {
  let path = face;
  for (let bit = 2 ** (level - 1); bit >= 1; bit /= 2) {
    path = path * 4 + (Math.floor(i / bit) % 2) * 2 + (Math.floor(j / bit) % 2);
  }
  const mark = markOf(level);
  return path * mark * 2 + mark;
}

export function cellRange(cell: Cell): CellRange {
  const number = cellNumber(cell);
  const mark = markOf(cell.level);
  return { low: number - mark + 1, high: number + mark - 1 };
}

/** The cells that a cell lies in, the largest first, without itself. */
export function ancestorsOf({ face, level, i, j }: Cell): Cell[] {
  const ancestors: Cell[] = [];
  for (let up = 0; up < level; up++) {
    const width = 2 ** (level - up);
    ancestors.push({ face, level: up, i: Math.floor(i / width), j: Math.floor(j / width) });
  }
  return ancestors;
}

export function childrenOf({ face, level, i, j }: Cell): readonly Cell[] {
  const down = level + 1;
  return [
    { face, level: down, i: i * 2, j: j * 2 },
    { face, level: down, i: i * 2, j: j * 2 + 1 },
    { face, level: down, i: i * 2 + 1, j: j * 2 },
    { face, level: down, i: i * 2 + 1, j: j * 2 + 1 },
  ];
}

/** The cell of a level that a point lies in. */
export function cellAt({ x, y, z }: Vector, level: number): Cell {
  const width = Math.max(Math.abs(x), Math.abs(y), Math.abs(z));
  const axis = Math.abs(x) === width ? 0 : Math.abs(y) === width ? 1 : 2;
  const main = [x, y, z][axis];
  const face = main > 0 ? axis : axis + 3;
  const [u, v] = [
    [y, z],
    [x, z],
    [x, y],
  ][axis];
  return { face, level, i: step(u / width, level), j: step(v / width, level) };
}

/** Cuts [-1, 1] so that all cells of a level are about as wide on the sphere. */
function step(u: number, level: number): number {
  const count = 2 ** level;
  const place = ((Math.atan(u) * 4) / Math.PI + 1) / 2;
  return Math.max(0, Math.min(count - 1, Math.floor(place * count)));
}

/** The point of a cell at a fraction of its two sides. */
function pointOf({ face, level, i, j }: Cell, side: number, up: number): Vector {
  const count = 2 ** level;
  const u = Math.tan((((i + side) / count) * 2 - 1) * (Math.PI / 4));
  const v = Math.tan((((j + up) / count) * 2 - 1) * (Math.PI / 4));
  const main = face < 3 ? 1 : -1;
  const axis = face % 3;
  if (axis === 0) return unit({ x: main, y: u, z: v });
  return unit(axis === 1 ? { x: u, y: main, z: v } : { x: u, y: v, z: main });
}

/** A circle around a cell; `radius` in radians. */
export interface CellCircle {
  readonly center: Vector;
  readonly radius: number;
}

/** Sides of cells are great circles, so that a corner is the point farthest from the middle. */
export function circleAround(cell: Cell): CellCircle {
  const center = pointOf(cell, 0.5, 0.5);
  const corners = [pointOf(cell, 0, 0), pointOf(cell, 0, 1), pointOf(cell, 1, 0), pointOf(cell, 1, 1)];
  return { center, radius: Math.max(...corners.map((corner) => angleBetween(center, corner))) };
}
