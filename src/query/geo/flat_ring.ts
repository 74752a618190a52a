/**
 * A polygon of the plane, asked again and again whether points are in it. Runs of edges that follow each other lie in
 * boxes, and these in larger ones: of a run beside the point only the two ends count.
 */
import type { FlatBox, FlatPoint } from './shape.ts';

/** How many edges lie directly in a lowest box. */
const RUN = 8;

/** Per box: least and greatest x, least and greatest y. */
const SIDES = 4;

/** Relative to the coordinates: where a point this near to a box is seen from its edges, rounding decides. */
const MARGIN = 1e-12;

export class FlatRing {
  /** Edge `i` leads to vertex `i` from the one before, the first from the last. */
  readonly #xs: Float64Array;
  readonly #ys: Float64Array;
  /** The children of box `i` are `2 i` and `2 i + 1`; the root is 1, and the last half are the lowest ones. */
  readonly #boxes: Float64Array;
  /** The first of the lowest boxes. */
  readonly #lowest: number;
  /** The least rectangle around it. */
  readonly bounds: FlatBox;
  readonly #margin: number;

  constructor(vertices: readonly FlatPoint[]) {
    this.#xs = Float64Array.from(vertices, (vertex) => vertex.x);
    this.#ys = Float64Array.from(vertices, (vertex) => vertex.y);
    let lowest = 1;
    while (lowest * RUN < vertices.length) lowest *= 2;
    this.#lowest = lowest;
    this.#boxes = new Float64Array(lowest * 2 * SIDES);
    for (let box = lowest * 2 - 1; box >= 1; box--) {
      if (box >= lowest) this.#boundRun(box);
      else this.#boundChildren(box);
    }
    const [left, right, low, high] = this.#boxes.subarray(SIDES, SIDES * 2);
    this.bounds = { low: { x: left, y: low }, high: { x: right, y: high } };
    this.#margin = (Math.abs(left) + Math.abs(right)) * MARGIN;
  }

  /** Counts the edges to the right of the point; those that cross themselves make parts that are outside. */
  contains(p: FlatPoint): boolean {
    return this.#hasOnEdge(1, p) || this.#isBeforeOdd(1, p);
  }

  #boundRun(box: number): void {
    const boxes = this.#boxes;
    const at = box * SIDES;
    boxes.set([Infinity, -Infinity, Infinity, -Infinity], at);
    for (let edge = this.#firstOf(box); edge < this.#endOf(box); edge++) {
      for (const vertex of [edge, this.#before(edge)]) {
        boxes[at] = Math.min(boxes[at], this.#xs[vertex]);
        boxes[at + 1] = Math.max(boxes[at + 1], this.#xs[vertex]);
        boxes[at + 2] = Math.min(boxes[at + 2], this.#ys[vertex]);
        boxes[at + 3] = Math.max(boxes[at + 3], this.#ys[vertex]);
      }
    }
  }

  #boundChildren(box: number): void {
    const boxes = this.#boxes;
    const at = box * SIDES;
    for (let side = 0; side < SIDES; side++) {
      const one = boxes[at * 2 + side];
      const other = boxes[at * 2 + SIDES + side];
      boxes[at + side] = side % 2 === 0 ? Math.min(one, other) : Math.max(one, other);
    }
  }

  /** The first edge under a box. */
  #firstOf(box: number): number {
    let leftmost = box;
    while (leftmost < this.#lowest) leftmost *= 2;
    return Math.min((leftmost - this.#lowest) * RUN, this.#xs.length);
  }

  /** The edge after the last one under a box. */
  #endOf(box: number): number {
    let rightmost = box;
    while (rightmost < this.#lowest) rightmost = rightmost * 2 + 1;
    return Math.min((rightmost - this.#lowest + 1) * RUN, this.#xs.length);
  }

  #before(vertex: number): number {
    return vertex === 0 ? this.#xs.length - 1 : vertex - 1;
  }

  #hasOnEdge(box: number, p: FlatPoint): boolean {
    const boxes = this.#boxes;
    const at = box * SIDES;
    if (p.x < boxes[at] || p.x > boxes[at + 1] || p.y < boxes[at + 2] || p.y > boxes[at + 3]) return false;
    if (box < this.#lowest) return this.#hasOnEdge(box * 2, p) || this.#hasOnEdge(box * 2 + 1, p);
    for (let edge = this.#firstOf(box); edge < this.#endOf(box); edge++) if (this.#isOnEdge(edge, p)) return true;
    return false;
  }

  /** Whether the point is an end of the edge, or on an edge along one of the axes. */
  #isOnEdge(edge: number, p: FlatPoint): boolean {
    const before = this.#before(edge);
    const ax = this.#xs[before];
    const ay = this.#ys[before];
    const bx = this.#xs[edge];
    const by = this.#ys[edge];
    if ((p.x === ax && p.y === ay) || (p.x === bx && p.y === by)) return true;
    if (ay === by && p.y === ay) return p.x >= Math.min(ax, bx) && p.x <= Math.max(ax, bx);
    if (ax === bx && p.x === ax) return p.y > Math.min(ay, by) && p.y <= Math.max(ay, by);
    return false;
  }

  /** Whether the point is before, to the left of, an odd number of the edges under the box. */
  #isBeforeOdd(box: number, p: FlatPoint): boolean {
    const boxes = this.#boxes;
    const at = box * SIDES;
    if (p.y < boxes[at + 2] || p.y > boxes[at + 3] || p.x > boxes[at + 1] + this.#margin) return false;
    if (p.x < boxes[at] - this.#margin) {
      // Before all of them: the run passes the point's height an odd number of times if its ends are on both sides.
      const start = this.#ys[this.#before(this.#firstOf(box))];
      const end = this.#ys[this.#endOf(box) - 1];
      return start < p.y !== end < p.y;
    }
    if (box < this.#lowest) return this.#isBeforeOdd(box * 2, p) !== this.#isBeforeOdd(box * 2 + 1, p);
    let isOdd = false;
    for (let edge = this.#firstOf(box); edge < this.#endOf(box); edge++) {
      if (this.#isBefore(edge, p)) isOdd = !isOdd;
    }
    return isOdd;
  }

  #isBefore(edge: number, p: FlatPoint): boolean {
    const before = this.#before(edge);
    const ax = this.#xs[before];
    const ay = this.#ys[before];
    const bx = this.#xs[edge];
    const by = this.#ys[edge];
    const isBetween = p.y > Math.min(ay, by) && p.y <= Math.max(ay, by);
    return isBetween && (ax === bx ? p.x <= ax : p.x <= ((p.y - ay) * (bx - ax)) / (by - ay) + ax);
  }
}
