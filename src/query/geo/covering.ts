/**
 * Coverings: a few cells that a region lies in, those by which an index lists a geometry and those in which a query
 * looks for it. If a geometry and a region have a point in common, a cell of the one covering lies in a cell of the
 * other, or is it. A covering may be too large, never too small: whatever is found is looked at itself.
 */
import { ancestorsOf, cellAt, cellNumber, cellRange, childrenOf, circleAround, FACES, LEVEL_MAX } from './cells.ts';
import type { Cell, CellRange } from './cells.ts';
import { EdgeTree } from './edge_tree.ts';
import type { Region } from './region.ts';
import { polygonsDistance } from './relations.ts';
import type { Shape } from './shape.ts';
import { angleBetween, TOUCH_RADIANS, type Vector } from './vector.ts';

/** The angle from a point to a region, 0 inside of it. */
export type DistanceFrom = (p: Vector) => number;

/** Points at the very border of a cell, and what only touches a region, still count. */
const SLACK_RADIANS = 4 * TOUCH_RADIANS;

/** Of one geometry: so many keys it has at most. Source: the coverings of MongoDB have up to 20. */
const CELLS_OF_SHAPE_MAX = 20;

/** Of a region that is looked through: the more, the fewer documents are looked at in vain. */
const CELLS_OF_REGION_MAX = 64;

/** The cells by which an index lists a geometry. */
export function cellsOfShape(shape: Shape): readonly Cell[] {
  const { lines, points, polygons } = shape;
  if (lines.length === 0 && polygons.length === 0 && points.length <= CELLS_OF_SHAPE_MAX) {
    const cells = points.map((point) => cellAt(point, LEVEL_MAX));
    return cells.filter((cell, i) => cells.findIndex((one) => isSameCell(one, cell)) === i);
  }
  return coveringOf(distanceFromShape(shape), CELLS_OF_SHAPE_MAX);
}

function isSameCell(a: Cell, b: Cell): boolean {
  return a.face === b.face && a.i === b.i && a.j === b.j && a.level === b.level;
}

/** The ranges of numbers of cells to look through for what has a point in common with a region of the sphere. */
export function rangesAround(distanceFrom: DistanceFrom): CellRange[] {
  const cells = coveringOf(distanceFrom, CELLS_OF_REGION_MAX);
  const ranges = cells.map(cellRange);
  const larger = new Set(cells.flatMap((cell) => ancestorsOf(cell).map(cellNumber)));
  for (const number of larger) ranges.push({ low: number, high: number });
  return joined(ranges);
}

/** How far points are from a region of the sphere; undefined for those of the plane. */
export function distanceFromRegion(region: Region): DistanceFrom | undefined {
  switch (region.kind) {
    case 'shape':
      return distanceFromShape(region.shape);
    case 'cap':
      return distanceFromCap(region.cap.center, region.cap.radius);
    default:
      return undefined;
  }
}

/** Like {@link shapeDistance}, for asking often. */
export function distanceFromShape({ lines, points, polygons }: Shape): DistanceFrom {
  const trees = lines.map((line) => EdgeTree.along(line, false));
  if (points.length > 0) trees.push(EdgeTree.ofPoints(inCellOrder(points)));
  return (p) => {
    let nearest = Infinity;
    for (const tree of trees) nearest = Math.min(nearest, tree.distance(p));
    return Math.min(nearest, polygonsDistance(p, polygons));
  };
}

function inCellOrder(points: readonly Vector[]): Vector[] {
  const numbered = points.map((point) => ({ point, number: cellNumber(cellAt(point, LEVEL_MAX)) }));
  return numbered.sort((a, b) => a.number - b.number).map(({ point }) => point);
}

export function distanceFromCap(center: Vector, radius: number): DistanceFrom {
  return (p) => Math.max(0, angleBetween(p, center) - radius);
}

/** Takes the largest cell apart as long as there is room for its parts. */
function coveringOf(distanceFrom: DistanceFrom, cellsMax: number): Cell[] {
  const isNear = (cell: Cell): boolean => {
    const { center, radius } = circleAround(cell);
    return distanceFrom(center) <= radius + SLACK_RADIANS;
  };
  const done: Cell[] = [];
  // Cells come in by level, so the first is always the largest.
  const open = FACES.filter(isNear);
  for (let cell = open.shift(); cell !== undefined; cell = open.shift()) {
    if (cell.level === LEVEL_MAX) {
      done.push(cell);
      continue;
    }
    // There may be none: the circle around a cell is larger than the cell.
    const parts = childrenOf(cell).filter(isNear);
    const hasRoom = done.length + open.length + parts.length <= cellsMax;
    if (parts.length <= 1 || hasRoom) open.push(...parts);
    else done.push(cell);
  }
  return done;
}

/** Sorted, with what overlaps or touches joined. */
export function joined(ranges: readonly CellRange[]): CellRange[] {
  const sorted = ranges.toSorted((a, b) => a.low - b.low);
  const result: CellRange[] = [];
  for (const range of sorted) {
    const last = result.at(-1);
    if (last === undefined || range.low > last.high + 1) result.push(range);
    else result[result.length - 1] = { low: last.low, high: Math.max(last.high, range.high) };
  }
  return result;
}

/** What lies in `ranges` and not in `others`; both as {@link joined} leaves them. */
export function without(ranges: readonly CellRange[], others: readonly CellRange[]): CellRange[] {
  const result: CellRange[] = [];
  for (const range of ranges) {
    let { low } = range;
    for (const other of others) {
      if (other.high < low) continue;
      if (other.low > range.high) break;
      if (other.low > low) result.push({ low, high: other.low - 1 });
      low = other.high + 1;
    }
    if (low <= range.high) result.push({ low, high: range.high });
  }
  return result;
}
