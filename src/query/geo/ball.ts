/** Balls around borders: what tells at once that a point is far from a region. */
import { lengthOf, minus, plus, TOUCH_RADIANS, type Vector } from './vector.ts';

/** The radius is a straight line. */
export interface Ball {
  readonly center: Vector;
  readonly radius: number;
}

/** Around all edges from each vertex to the next, and from the last to the first. */
export function ballAround(vertices: readonly Vector[]): Ball {
  let sum: Vector = { x: 0, y: 0, z: 0 };
  for (const vertex of vertices) sum = plus(sum, vertex);
  const center = { x: sum.x / vertices.length, y: sum.y / vertices.length, z: sum.z / vertices.length };
  let radius = 0;
  let length = 0;
  let last = vertices[vertices.length - 1];
  for (const vertex of vertices) {
    radius = Math.max(radius, lengthOf(minus(vertex, center)));
    length = Math.max(length, lengthOf(minus(vertex, last)));
    last = vertex;
  }
  // An edge bulges out of the straight line by less than a quarter of the square of that line's length.
  return { center, radius: radius + length ** 2 / 4 + MARGIN };
}

/** Beyond touching and rounding. */
const MARGIN = 4 * TOUCH_RADIANS;

/** How far out of the ball a point is, 0 inside. */
export function distanceToBall(p: Vector, { center, radius }: Ball): number {
  return Math.max(0, lengthOf(minus(p, center)) - radius);
}

export function ballsMeet(a: Ball, b: Ball): boolean {
  return lengthOf(minus(a.center, b.center)) <= a.radius + b.radius;
}
