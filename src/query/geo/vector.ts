/**
 * Points and edges on the unit sphere. An edge is the shorter great-circle arc between two points, so nothing here is
 * ever projected into a plane: a line along a parallel bulges towards its pole, as it does on the earth.
 */

/** A point of the unit sphere; `z` points to the north pole, `x` to longitude 0 on the equator. */
export interface Vector {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** Of the earth. Source: the manual, "Convert Distance to Radians". */
export const EARTH_RADIUS_METRES = 6378.1 * 1000;

/**
 * Distances up to this many radians count as touching. It is about six millimetres on the earth, the size of the cells
 * by which MongoDB decides whether a point lies on a border.
 */
export const TOUCH_RADIANS = 1e-9;

/** Whether the numbers can be a longitude and a latitude in degrees. */
export function isOnEarth(longitude: number, latitude: number): boolean {
  return Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90;
}

/** The point at a longitude and a latitude in degrees. */
export function vectorAt(longitude: number, latitude: number): Vector {
  const phi = (latitude * Math.PI) / 180;
  const theta = (longitude * Math.PI) / 180;
  const cosine = Math.cos(phi);
  return { x: Math.cos(theta) * cosine, y: Math.sin(theta) * cosine, z: Math.sin(phi) };
}

/** In degrees. */
export function latitudeOf(v: Vector): number {
  return (Math.atan2(v.z, Math.hypot(v.x, v.y)) * 180) / Math.PI;
}

/** In degrees. */
export function longitudeOf(v: Vector): number {
  return (Math.atan2(v.y, v.x) * 180) / Math.PI;
}

export function dot(a: Vector, b: Vector): number {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}

export function cross(a: Vector, b: Vector): Vector {
  return { x: a.y * b.z - a.z * b.y, y: a.z * b.x - a.x * b.z, z: a.x * b.y - a.y * b.x };
}

export function minus(a: Vector, b: Vector): Vector {
  return { x: a.x - b.x, y: a.y - b.y, z: a.z - b.z };
}

/** `a + b * factor`. */
export function plus(a: Vector, b: Vector, factor = 1): Vector {
  return { x: a.x + b.x * factor, y: a.y + b.y * factor, z: a.z + b.z * factor };
}

export function negative(a: Vector): Vector {
  return { x: -a.x, y: -a.y, z: -a.z };
}

export function lengthOf(a: Vector): number {
  return Math.sqrt(dot(a, a));
}

/** The vector's direction as a point of the sphere. */
export function unit(a: Vector): Vector {
  const length = lengthOf(a);
  return { x: a.x / length, y: a.y / length, z: a.z / length };
}

export function isSame(a: Vector, b: Vector): boolean {
  return a.x === b.x && a.y === b.y && a.z === b.z;
}

/** The angle between two points in radians, exact also for tiny ones. */
export function angleBetween(a: Vector, b: Vector): number {
  return Math.atan2(lengthOf(cross(a, b)), dot(a, b));
}

/** A vector at right angles to both, also where they are nearly the same or opposite. Not of unit length. */
export function normalOf(a: Vector, b: Vector): Vector {
  // (a + b) x (b - a) is 2 a x b without the cancellation that near points suffer.
  const normal = cross(plus(a, b), minus(b, a));
  return lengthOf(normal) > 0 ? normal : anyNormal(a);
}

function anyNormal(a: Vector): Vector {
  return Math.abs(a.z) < 0.9 ? cross(a, { x: 0, y: 0, z: 1 }) : cross(a, { x: 1, y: 0, z: 0 });
}

/**
 * Positive when `c` lies to the left of the great circle from `a` to `b`, negative to the right. Worked out from
 * differences, so its error shrinks with the triangle.
 */
export function turn(a: Vector, b: Vector, c: Vector): number {
  return dot(cross(minus(b, a), minus(c, a)), a);
}

/** Whether the angle from `a` to `p` and on to `b` stays on the arc: `p` is projected onto the arc's great circle. */
function isAbreast(p: Vector, a: Vector, b: Vector, normal: Vector): boolean {
  // On the far side of the sphere the circle is there too; rounding could take it for the near one.
  if (dot(p, a) < 0 && dot(p, b) < 0) return false;
  return dot(cross(normal, a), p) >= 0 && dot(cross(b, normal), p) >= 0;
}

/** The angle from a point to the nearest point of an edge, in radians. */
export function distanceToEdge(p: Vector, a: Vector, b: Vector): number {
  const normal = normalOf(a, b);
  if (!isSame(a, b) && isAbreast(p, a, b, normal)) {
    const sine = Math.abs(dot(p, normal)) / lengthOf(normal);
    return Math.asin(Math.min(1, sine));
  }
  return Math.min(angleBetween(p, a), angleBetween(p, b));
}

/** The angle from a point to the point of an edge that is farthest from it. */
export function farthestOnEdge(p: Vector, a: Vector, b: Vector): number {
  return Math.PI - distanceToEdge(negative(p), a, b);
}

/** Smaller turns than this cannot be told from none: the points themselves are only that exact. */
const TURN_MIN = 1e-15;

/** Whether two edges cross at a point inside both; edges that only touch, or run along each other, do not. */
export function edgesCross(a: Vector, b: Vector, c: Vector, d: Vector): boolean {
  const abc = turn(a, b, c);
  const abd = turn(a, b, d);
  if (abc > 0 === abd > 0) return false;
  const cda = turn(c, d, a);
  const cdb = turn(c, d, b);
  // The signs alternate around the crossing; those of the far crossing of the two circles come out the other way.
  if (cda > 0 === cdb > 0 || abc > 0 !== cdb > 0) return false;
  const ab = angleScale(a, b);
  const cd = angleScale(c, d);
  return (
    Math.min(Math.abs(abc), Math.abs(abd)) > TURN_MIN * ab && Math.min(Math.abs(cda), Math.abs(cdb)) > TURN_MIN * cd
  );
}

function angleScale(a: Vector, b: Vector): number {
  return lengthOf(minus(a, b));
}

/** Whether two edges have a point in common, within {@link TOUCH_RADIANS}. */
export function edgesTouch(a: Vector, b: Vector, c: Vector, d: Vector): boolean {
  return (
    edgesCross(a, b, c, d) ||
    distanceToEdge(a, c, d) <= TOUCH_RADIANS ||
    distanceToEdge(b, c, d) <= TOUCH_RADIANS ||
    distanceToEdge(c, a, b) <= TOUCH_RADIANS ||
    distanceToEdge(d, a, b) <= TOUCH_RADIANS
  );
}

/** The middle of an edge. */
export function middleOf(a: Vector, b: Vector): Vector {
  return unit(plus(a, b));
}
