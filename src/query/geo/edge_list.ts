/**
 * Edges laid out as plain numbers, for asking again and again how far points are from the nearest of them: borders of
 * polygons have thousands of edges, and every document, and every cell of a covering, asks.
 */
import { normalOf, unit, type Vector } from './vector.ts';

/** Per edge: its two ends and the normal of its great circle. */
const STRIDE = 9;

export class EdgeList {
  readonly #numbers: Float64Array;

  /** The edges from each vertex to the next; of a ring also the one from the last to the first. */
  constructor(vertices: readonly Vector[], isRing: boolean) {
    const count = isRing ? vertices.length : vertices.length - 1;
    const numbers = new Float64Array(count * STRIDE);
    for (let i = 0; i < count; i++) {
      const a = vertices[i];
      const b = vertices[(i + 1) % vertices.length];
      const normal = unit(normalOf(a, b));
      numbers.set([a.x, a.y, a.z, b.x, b.y, b.z, normal.x, normal.y, normal.z], i * STRIDE);
    }
    this.#numbers = numbers;
  }

  /** The angle from a point to the nearest point of any edge. */
  distance({ x, y, z }: Vector): number {
    const numbers = this.#numbers;
    let nearest = 4;
    for (let i = 0; i < numbers.length; i += STRIDE) {
      const chord = squaredChord(numbers, i, x, y, z);
      if (chord < nearest) nearest = chord;
    }
    return 2 * Math.asin(Math.sqrt(nearest) / 2);
  }
}

/** The square of the straight line from a point to the nearest point of the edge at `i`. */
// oxlint-disable-next-line max-params -- runs for every edge: no object for its parameters
function squaredChord(numbers: Float64Array, i: number, x: number, y: number, z: number): number {
  const ax = numbers[i];
  const ay = numbers[i + 1];
  const az = numbers[i + 2];
  const bx = numbers[i + 3];
  const by = numbers[i + 4];
  const bz = numbers[i + 5];
  const nx = numbers[i + 6];
  const ny = numbers[i + 7];
  const nz = numbers[i + 8];
  const isOnNearSide = x * ax + y * ay + z * az >= 0 || x * bx + y * by + z * bz >= 0;
  // The point lies abreast of the edge: to the inner side of both ends.
  if (
    isOnNearSide &&
    (ny * az - nz * ay) * x + (nz * ax - nx * az) * y + (nx * ay - ny * ax) * z >= 0 &&
    (by * nz - bz * ny) * x + (bz * nx - bx * nz) * y + (bx * ny - by * nx) * z >= 0
  ) {
    const sine = x * nx + y * ny + z * nz;
    const square = Math.min(1, sine * sine);
    return (2 * square) / (1 + Math.sqrt(1 - square));
  }
  const toA = (x - ax) ** 2 + (y - ay) ** 2 + (z - az) ** 2;
  const toB = (x - bx) ** 2 + (y - by) ** 2 + (z - bz) ** 2;
  return Math.min(4, toA, toB);
}
