/** What holds between shapes on the sphere: containing, meeting, how far apart. Borders belong to a shape. */
import { ballsMeet } from './ball.ts';
import { EdgeTree } from './edge_tree.ts';
import type { Loop } from './loop.ts';
import type { Polygon } from './polygon.ts';
import type { Line, Shape } from './shape.ts';
import {
  angleBetween,
  distanceToEdge,
  edgesCross,
  edgesTouch,
  farthestOnEdge,
  middleOf,
  TOUCH_RADIANS,
  type Vector,
} from './vector.ts';

/** A circle on the sphere with all that is in it; `radius` in radians. */
export interface Cap {
  readonly center: Vector;
  readonly radius: number;
}

/** Whether each part of `inner` lies in one of the polygons of `outer`. */
export function shapeContains(outer: Shape, inner: Shape): boolean {
  const { polygons } = outer;
  return (
    inner.points.every((point) => polygons.some((polygon) => polygon.contains(point))) &&
    inner.lines.every((line) => polygons.some((polygon) => containsLine(polygon, line))) &&
    inner.polygons.every((one) => polygons.some((polygon) => containsPolygon(polygon, one)))
  );
}

/** Whether the shape lies wholly in the circle. */
export function capContains(cap: Cap, shape: Shape): boolean {
  const { center, radius } = cap;
  if (radius >= Math.PI) return true;
  const isNear = (a: Vector, b: Vector): boolean => farthestOnEdge(center, a, b) <= radius + TOUCH_RADIANS;
  return (
    shape.points.every((point) => angleBetween(center, point) <= radius + TOUCH_RADIANS) &&
    shape.lines.every((line) => everyEdge(line, isNear)) &&
    shape.polygons.every((polygon) => everyEdgeOfLoop(polygon.shell, isNear) && farthestIsIn(polygon, center, radius))
  );
}

/** The farthest point of a polygon may be inside it: then it is the point opposite to the centre. */
function farthestIsIn(polygon: Polygon, center: Vector, radius: number): boolean {
  if (radius >= Math.PI) return true;
  return polygon.side({ x: -center.x, y: -center.y, z: -center.z }) !== 'inside';
}

/** Whether the shapes have a point in common. Polygons that only touch each other do not count. */
export function shapesMeet(a: Shape, b: Shape): boolean {
  return (
    a.points.some((point) => meetsPoint(b, point)) ||
    b.points.some((point) => meetsPoint(a, point)) ||
    a.lines.some((line) => meetsLine(b, line)) ||
    b.lines.some((line) => a.polygons.some((polygon) => polygonMeetsLine(polygon, line))) ||
    a.polygons.some((one) => b.polygons.some((other) => polygonsMeet(one, other)))
  );
}

function meetsPoint(shape: Shape, p: Vector): boolean {
  return (
    shape.points.some((point) => angleBetween(point, p) <= TOUCH_RADIANS) ||
    shape.lines.some((line) => distanceToLine(p, line) <= TOUCH_RADIANS) ||
    shape.polygons.some((polygon) => polygon.contains(p))
  );
}

function meetsLine(shape: Shape, line: Line): boolean {
  return (
    shape.lines.some((other) => linesMeet(line, other)) ||
    shape.polygons.some((polygon) => polygonMeetsLine(polygon, line))
  );
}

/** The angle from a point to the nearest point of the shape. */
export function shapeDistance(p: Vector, shape: Shape): number {
  let nearest = Infinity;
  for (const point of shape.points) nearest = Math.min(nearest, angleBetween(p, point));
  for (const line of shape.lines) nearest = Math.min(nearest, distanceToLine(p, line));
  return Math.min(nearest, polygonsDistance(p, shape.polygons));
}

/** The angle from a point to the nearest point of any of the polygons; Infinity when there are none. */
export function polygonsDistance(p: Vector, polygons: readonly Polygon[]): number {
  let nearest = Infinity;
  for (const polygon of polygons) {
    if (polygon.distanceMin(p) < nearest) nearest = Math.min(nearest, polygon.distance(p));
  }
  return nearest;
}

function distanceToLine(p: Vector, line: Line): number {
  let nearest = Infinity;
  for (let i = 1; i < line.length; i++) nearest = Math.min(nearest, distanceToEdge(p, line[i - 1], line[i]));
  return nearest;
}

function linesMeet(a: Line, b: Line): boolean {
  return EdgeTree.along(a, false).someNear(EdgeTree.along(b, false), (i, j) =>
    edgesTouch(a[i], a[i + 1], b[j], b[j + 1]),
  );
}

function polygonMeetsLine(polygon: Polygon, line: Line): boolean {
  if (line.some((vertex) => polygon.contains(vertex))) return true;
  const edges = EdgeTree.along(line, false);
  return polygon.loops.some((loop) =>
    edges.someNear(loop.edges, (i, j) => edgesTouch(line[i], line[i + 1], loop.vertices[j], loop.vertex(j + 1))),
  );
}

function containsLine(polygon: Polygon, line: Line): boolean {
  if (!line.every((vertex) => polygon.contains(vertex))) return false;
  if (!everyEdge(line, (a, b) => polygon.contains(middleOf(a, b)))) return false;
  const edges = EdgeTree.along(line, false);
  return !polygon.loops.some((loop) =>
    edges.someNear(loop.edges, (i, j) => edgesCross(line[i], line[i + 1], loop.vertices[j], loop.vertex(j + 1))),
  );
}

/** No border is crossed, and samples of each side of both borders lie where they must. */
function containsPolygon(outer: Polygon, inner: Polygon): boolean {
  return (
    !bordersCross(outer, inner) &&
    everyEdgeOfLoop(inner.shell, (a, b) => outer.contains(a) && outer.contains(middleOf(a, b))) &&
    outer.contains(inner.interior) &&
    outer.loops.every((loop) => samplesOf(loop, inner).every((vertex) => inner.side(vertex) !== 'inside')) &&
    outer.holes.every((hole) => inner.side(hole.interior) !== 'inside')
  );
}

/** Whether the insides of two polygons have a point in common. */
export function polygonsMeet(a: Polygon, b: Polygon): boolean {
  if (!ballsMeet(a.shell.ball, b.shell.ball)) return false;
  return (
    bordersCross(a, b) ||
    a.side(b.interior) === 'inside' ||
    b.side(a.interior) === 'inside' ||
    entersWith(a, b) ||
    entersWith(b, a)
  );
}

/** Of borders that do not cross. */
function entersWith(a: Polygon, b: Polygon): boolean {
  return b.loops.some((loop) => {
    const samples = samplesOf(loop, a);
    return samples.some(
      (sample, i) =>
        a.side(sample) === 'inside' || a.side(middleOf(sample, samples[(i + 1) % samples.length])) === 'inside',
    );
  });
}

/** Enough vertices of a loop to know on which sides of a polygon it is: one, if it does not touch the borders. */
export function samplesOf(loop: Loop, polygon: Polygon): readonly Vector[] {
  return polygon.loops.some((border) => loopsRelate(loop, border, edgesTouch)) ? loop.vertices : [loop.vertices[0]];
}

function bordersCross(a: Polygon, b: Polygon): boolean {
  return a.loops.some((one) => b.loops.some((other) => loopsRelate(one, other, edgesCross)));
}

type EdgeRelation = typeof edgesCross;

function loopsRelate(one: Loop, other: Loop, relate: EdgeRelation): boolean {
  return one.edges.someNear(other.edges, (i, j) =>
    relate(one.vertices[i], one.vertex(i + 1), other.vertices[j], other.vertex(j + 1)),
  );
}

function everyEdge(line: Line, test: (a: Vector, b: Vector) => boolean): boolean {
  for (let i = 1; i < line.length; i++) if (!test(line[i - 1], line[i])) return false;
  return true;
}

function everyEdgeOfLoop(loop: Loop, test: (a: Vector, b: Vector) => boolean): boolean {
  for (let i = 0; i < loop.vertices.length; i++) if (!test(loop.vertices[i], loop.vertex(i + 1))) return false;
  return true;
}
