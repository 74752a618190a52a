/**
 * Edges as plain numbers under a tree of boxes, for asking again and again which of them are near: borders of polygons
 * have many thousands, and every document, and every cell of a covering, asks. Edges that follow each other along a
 * border are near each other as well, so the tree is over runs of them in the order they have: nothing is sorted.
 */
import { normalOf, TOUCH_RADIANS, unit, type Vector } from './vector.ts';

/** Per edge: its two ends and the normal of its great circle. */
const STRIDE = 9;

/** Per box: least and greatest x, y and z. */
const SIDES = 6;

/** How many edges lie directly under a lowest box. */
const RUN = 8;

/** Boxes are wider by this, so that neither touching nor rounding puts anything outside of them. */
const MARGIN = 2 * TOUCH_RADIANS;

/** What in an edge is nearest to a point. */
export type Nearest = 'start' | 'end' | 'between';

export interface NearestEdge {
  readonly edge: number;
  /** In radians. */
  readonly distance: number;
}

export class EdgeTree {
  readonly count: number;
  readonly #numbers: Float64Array;
  /** The children of box `i` are `2 i` and `2 i + 1`; the root is 1, and the last half are the lowest ones. */
  readonly #boxes: Float64Array;
  /** The first of the lowest boxes. */
  readonly #lowest: number;
  /** The point that is asked about, and the best answer so far: the square of a straight line, and the edge. */
  #x = 0;
  #y = 0;
  #z = 0;
  #chord = 4;
  #edge = -1;
  #leftOut = -1;

  /** The edges from each of `starts` to the end of the same place. The same point twice is an edge of no length. */
  private constructor(starts: readonly Vector[], endOf: (i: number) => Vector, count: number) {
    this.count = count;
    this.#numbers = new Float64Array(count * STRIDE);
    for (let i = 0; i < count; i++) this.#setEdge(i, starts[i], endOf(i));
    let lowest = 1;
    while (lowest * RUN < count) lowest *= 2;
    this.#lowest = lowest;
    this.#boxes = new Float64Array(lowest * 2 * SIDES);
    for (let box = lowest * 2 - 1; box >= 1; box--) {
      if (box >= lowest) this.#boundRun(box);
      else this.#boundChildren(box);
    }
  }

  /** The edges from each vertex to the next; of a ring also the one from the last to the first. */
  static along(vertices: readonly Vector[], isRing: boolean): EdgeTree {
    const { length } = vertices;
    const endOf = (i: number): Vector => vertices[i + 1 === length ? 0 : i + 1];
    return new EdgeTree(vertices, endOf, isRing ? length : length - 1);
  }

  /** Points of their own; the nearer the order keeps near ones to each other, the better. */
  static ofPoints(points: readonly Vector[]): EdgeTree {
    return new EdgeTree(points, (i) => points[i], points.length);
  }

  /** The angle from a point to the nearest point of any edge. */
  distance(p: Vector): number {
    return this.nearest(p).distance;
  }

  /** The edge that is nearest to a point, but for one; -1 when there is none. */
  nearest({ x, y, z }: Vector, leftOut = -1): NearestEdge {
    this.#x = x;
    this.#y = y;
    this.#z = z;
    this.#leftOut = leftOut;
    // No straight line is longer than 2.
    this.#chord = 4;
    this.#edge = -1;
    if (this.count > 0) this.#seek(1);
    return { edge: this.#edge, distance: 2 * Math.asin(Math.sqrt(this.#chord) / 2) };
  }

  /** Which part of an edge is nearest to a point. */
  nearestPart(edge: number, { x, y, z }: Vector): Nearest {
    const numbers = this.#numbers;
    const at = edge * STRIDE;
    if (isAbreast(numbers, at, x, y, z)) return 'between';
    return chordTo(numbers, at, x, y, z) <= chordTo(numbers, at + 3, x, y, z) ? 'start' : 'end';
  }

  /** A vector of unit length towards the left of the edge, at right angles to both ends. */
  leftOf(edge: number): Vector {
    const numbers = this.#numbers;
    const at = edge * STRIDE + 6;
    return { x: numbers[at], y: numbers[at + 1], z: numbers[at + 2] };
  }

  /** Whether an edge but those from `first` up to `last` comes as near to the point as that angle. */
  hasOtherWithin(p: Vector, radians: number, first: number, last: number): boolean {
    const chord = (2 * Math.sin(Math.min(radians, Math.PI) / 2)) ** 2;
    return this.#visit(
      (box) => this.#chordToBox(box, p.x, p.y, p.z) <= chord,
      (edge) => {
        if (edge === first || edge === last) return false;
        return squaredChord(this.#numbers, edge * STRIDE, p.x, p.y, p.z) <= chord;
      },
    );
  }

  /** Shows the edges that may cross the arc between two points, and maybe more. */
  visitAlong(from: Vector, to: Vector, visit: (edge: number) => void): void {
    const normal = normalOf(from, to);
    const arc = new Float64Array(SIDES);
    startBox(arc, 0);
    addArc(arc, 0, from.x, from.y, from.z, to.x, to.y, to.z);
    const boxes = this.#boxes;
    this.#visit(
      (box) => overlaps(boxes, box * SIDES, arc, 0) && isCutBy(boxes, box * SIDES, normal),
      (edge) => {
        visit(edge);
        return false;
      },
    );
  }

  /** Whether `test` holds for an edge of this and one of the other tree; asked only of those that come near each other. */
  someNear(other: EdgeTree, test: (edge: number, otherEdge: number) => boolean): boolean {
    return this.count > 0 && other.count > 0 && this.#joins(1, other, 1, test);
  }

  /** Like {@link someNear}, among the edges of this tree: each pair once, the lower number first. */
  somePairNear(test: (edge: number, laterEdge: number) => boolean): boolean {
    return this.count > 0 && this.#joinsItself(1, test);
  }

  #setEdge(i: number, a: Vector, b: Vector): void {
    const numbers = this.#numbers;
    const at = i * STRIDE;
    numbers[at] = a.x;
    numbers[at + 1] = a.y;
    numbers[at + 2] = a.z;
    numbers[at + 3] = b.x;
    numbers[at + 4] = b.y;
    numbers[at + 5] = b.z;
    // Nothing is abreast of an edge of no length: comparisons with NaN are false.
    const normal = a === b ? NO_NORMAL : unit(normalOf(a, b));
    numbers[at + 6] = normal.x;
    numbers[at + 7] = normal.y;
    numbers[at + 8] = normal.z;
  }

  #boundRun(box: number): void {
    const numbers = this.#numbers;
    const first = (box - this.#lowest) * RUN;
    startBox(this.#boxes, box * SIDES);
    for (let edge = first; edge < Math.min(first + RUN, this.count); edge++) {
      const at = edge * STRIDE;
      addArc(
        this.#boxes,
        box * SIDES,
        numbers[at],
        numbers[at + 1],
        numbers[at + 2],
        numbers[at + 3],
        numbers[at + 4],
        numbers[at + 5],
      );
    }
  }

  #boundChildren(box: number): void {
    const boxes = this.#boxes;
    const at = box * SIDES;
    for (let side = 0; side < SIDES; side++) {
      const one = boxes[at * 2 + side];
      const other = boxes[at * 2 + SIDES + side];
      boxes[at + side] = side < 3 ? Math.min(one, other) : Math.max(one, other);
    }
  }

  #seek(box: number): void {
    const x = this.#x;
    const y = this.#y;
    const z = this.#z;
    if (box >= this.#lowest) {
      const first = (box - this.#lowest) * RUN;
      const end = Math.min(first + RUN, this.count);
      for (let edge = first; edge < end; edge++) {
        if (edge === this.#leftOut) continue;
        const chord = squaredChord(this.#numbers, edge * STRIDE, x, y, z);
        if (chord >= this.#chord && this.#edge >= 0) continue;
        this.#chord = chord;
        this.#edge = edge;
      }
      return;
    }
    const left = this.#chordToBox(box * 2, x, y, z);
    const right = this.#chordToBox(box * 2 + 1, x, y, z);
    const nearer = left <= right ? box * 2 : box * 2 + 1;
    if (Math.min(left, right) <= this.#chord) this.#seek(nearer);
    if (Math.max(left, right) <= this.#chord) this.#seek(nearer ^ 1);
  }

  /** The square of the straight line from a point to a box. */
  #chordToBox(box: number, x: number, y: number, z: number): number {
    const boxes = this.#boxes;
    const at = box * SIDES;
    const dx = Math.max(boxes[at] - x, 0, x - boxes[at + 3]);
    const dy = Math.max(boxes[at + 1] - y, 0, y - boxes[at + 4]);
    const dz = Math.max(boxes[at + 2] - z, 0, z - boxes[at + 5]);
    return dx * dx + dy * dy + dz * dz;
  }

  /** Shows the edges in the boxes that pass, until `visit` returns true. */
  #visit(passes: (box: number) => boolean, visit: (edge: number) => boolean, box = 1): boolean {
    if (!passes(box)) return false;
    if (box < this.#lowest) return this.#visit(passes, visit, box * 2) || this.#visit(passes, visit, box * 2 + 1);
    const first = (box - this.#lowest) * RUN;
    const end = Math.min(first + RUN, this.count);
    for (let edge = first; edge < end; edge++) if (visit(edge)) return true;
    return false;
  }

  // oxlint-disable-next-line max-params -- two nodes, each of its tree
  #joins(box: number, other: EdgeTree, otherBox: number, test: (a: number, b: number) => boolean): boolean {
    if (!overlaps(this.#boxes, box * SIDES, other.#boxes, otherBox * SIDES)) return false;
    const isLowest = box >= this.#lowest;
    const otherIsLowest = otherBox >= other.#lowest;
    if (isLowest && otherIsLowest) return this.#pairs(box, other, otherBox, test);
    if (otherIsLowest || (!isLowest && this.#sizeOf(box) >= other.#sizeOf(otherBox))) {
      return this.#joins(box * 2, other, otherBox, test) || this.#joins(box * 2 + 1, other, otherBox, test);
    }
    return this.#joins(box, other, otherBox * 2, test) || this.#joins(box, other, otherBox * 2 + 1, test);
  }

  /** How many edges of a full tree of that height there are under a box. */
  #sizeOf(box: number): number {
    return this.#lowest / 2 ** (31 - Math.clz32(box));
  }

  // oxlint-disable-next-line max-params -- as above
  #pairs(box: number, other: EdgeTree, otherBox: number, test: (a: number, b: number) => boolean): boolean {
    const first = (box - this.#lowest) * RUN;
    const end = Math.min(first + RUN, this.count);
    const otherFirst = (otherBox - other.#lowest) * RUN;
    const otherEnd = Math.min(otherFirst + RUN, other.count);
    for (let a = first; a < end; a++) {
      for (let b = otherFirst; b < otherEnd; b++) if (test(a, b)) return true;
    }
    return false;
  }

  #joinsItself(box: number, test: (a: number, b: number) => boolean): boolean {
    if (box < this.#lowest) {
      return (
        this.#joinsItself(box * 2, test) ||
        this.#joinsItself(box * 2 + 1, test) ||
        this.#joins(box * 2, this, box * 2 + 1, test)
      );
    }
    const first = (box - this.#lowest) * RUN;
    const end = Math.min(first + RUN, this.count);
    for (let a = first; a < end; a++) {
      for (let b = a + 1; b < end; b++) if (test(a, b)) return true;
    }
    return false;
  }
}

const NO_NORMAL: Vector = { x: Number.NaN, y: Number.NaN, z: Number.NaN };

/** A box with nothing in it: every point is beyond it, and no box overlaps it. */
function startBox(boxes: Float64Array, at: number): void {
  boxes.fill(Infinity, at, at + 3);
  boxes.fill(-Infinity, at + 3, at + 6);
}

// oxlint-disable-next-line max-params -- runs for every edge: no object for its parameters
function addArc(
  boxes: Float64Array,
  at: number,
  ax: number,
  ay: number,
  az: number,
  bx: number,
  by: number,
  bz: number,
): void {
  // An arc bulges out of the straight line by less than a quarter of the square of that line's length.
  const bulge = ((ax - bx) ** 2 + (ay - by) ** 2 + (az - bz) ** 2) / 4 + MARGIN;
  boxes[at] = Math.min(boxes[at], Math.min(ax, bx) - bulge);
  boxes[at + 1] = Math.min(boxes[at + 1], Math.min(ay, by) - bulge);
  boxes[at + 2] = Math.min(boxes[at + 2], Math.min(az, bz) - bulge);
  boxes[at + 3] = Math.max(boxes[at + 3], Math.max(ax, bx) + bulge);
  boxes[at + 4] = Math.max(boxes[at + 4], Math.max(ay, by) + bulge);
  boxes[at + 5] = Math.max(boxes[at + 5], Math.max(az, bz) + bulge);
}

function overlaps(boxes: Float64Array, at: number, others: Float64Array, otherAt: number): boolean {
  return (
    boxes[at] <= others[otherAt + 3] &&
    boxes[at + 3] >= others[otherAt] &&
    boxes[at + 1] <= others[otherAt + 4] &&
    boxes[at + 4] >= others[otherAt + 1] &&
    boxes[at + 2] <= others[otherAt + 5] &&
    boxes[at + 5] >= others[otherAt + 2]
  );
}

/** Whether corners of the box lie on both sides of the plane through the middle of the sphere. */
function isCutBy(boxes: Float64Array, at: number, { x, y, z }: Vector): boolean {
  const middle =
    (boxes[at] + boxes[at + 3]) * x + (boxes[at + 1] + boxes[at + 4]) * y + (boxes[at + 2] + boxes[at + 5]) * z;
  const reach =
    (boxes[at + 3] - boxes[at]) * Math.abs(x) +
    (boxes[at + 4] - boxes[at + 1]) * Math.abs(y) +
    (boxes[at + 5] - boxes[at + 2]) * Math.abs(z);
  return Math.abs(middle) <= reach;
}

/** Whether the point lies to the inner side of both ends of the edge at `i`. */
// oxlint-disable-next-line max-params -- runs for every edge
function isAbreast(numbers: Float64Array, i: number, x: number, y: number, z: number): boolean {
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
  return (
    isOnNearSide &&
    (ny * az - nz * ay) * x + (nz * ax - nx * az) * y + (nx * ay - ny * ax) * z >= 0 &&
    (by * nz - bz * ny) * x + (bz * nx - bx * nz) * y + (bx * ny - by * nx) * z >= 0
  );
}

/** The square of the straight line from a point to the end at `i`. */
// oxlint-disable-next-line max-params -- runs for every edge
function chordTo(numbers: Float64Array, i: number, x: number, y: number, z: number): number {
  return (x - numbers[i]) ** 2 + (y - numbers[i + 1]) ** 2 + (z - numbers[i + 2]) ** 2;
}

/** The square of the straight line from a point to the nearest point of the edge at `i`. */
// oxlint-disable-next-line max-params -- runs for every edge
function squaredChord(numbers: Float64Array, i: number, x: number, y: number, z: number): number {
  if (isAbreast(numbers, i, x, y, z)) {
    const sine = x * numbers[i + 6] + y * numbers[i + 7] + z * numbers[i + 8];
    const square = Math.min(1, sine * sine);
    return (2 * square) / (1 + Math.sqrt(1 - square));
  }
  return Math.min(4, chordTo(numbers, i, x, y, z), chordTo(numbers, i + 3, x, y, z));
}
