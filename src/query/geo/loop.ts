/** A closed ring of edges on the sphere and the region to its left. */
import { invariant } from '../../base/invariant.ts';
import { ballAround, distanceToBall, type Ball } from './ball.ts';
import { EdgeTree, type NearestEdge } from './edge_tree.ts';
import {
  cross,
  dot,
  lengthOf,
  middleOf,
  minus,
  negative,
  normalOf,
  plus,
  TOUCH_RADIANS,
  turn,
  unit,
  type Vector,
} from './vector.ts';

/** Where a point is. */
export type Side = 'inside' | 'border' | 'outside';

/** Points this far from the opposite of another are reached by a detour: an arc to the very opposite has no direction. */
const NEARLY_OPPOSITE = -0.9;

/** Balls wider than this could hold half of the sphere. */
const RADIUS_MAX = 0.9;

/** What is farther than the nearest edge by this is so beyond all rounding. */
const NEAREST_BY_RADIANS = 1e-12;

/** Relative to the distance: heights over an edge smaller than this could be rounding. */
const HEIGHT_MIN = 1e-12;

export class Loop {
  /** Distinct, at least three; the last is joined to the first. */
  readonly vertices: readonly Vector[];
  /** A point of the region, off its border; on it when the region is so thin that there is none. */
  readonly interior: Vector;
  readonly edges: EdgeTree;
  /** All of the region lies in it; it is boundless unless the region is much smaller than half of the sphere. */
  readonly ball: Ball;
  /** Where everything off the border is, when there is no point inside to reckon from. */
  readonly #soleSide: Side | undefined;

  /** The region to the left of the vertices in their order. `edges` are those around them. */
  constructor(vertices: readonly Vector[], edges = EdgeTree.along(vertices, true), isSmaller = false) {
    invariant(vertices.length >= 3, 'a loop has at least three vertices');
    this.vertices = vertices;
    this.edges = edges;
    const interior = interiorPoint(vertices, this.edges, []);
    this.interior = interior ?? vertices[0];
    if (interior === undefined) this.#soleSide = isSmaller || this.area <= 2 * Math.PI ? 'outside' : 'inside';
    const { center, radius } = ballAround(vertices);
    this.ball = { center, radius: Infinity };
    // The region is in the ball, unless it is all that is outside of the ball and more.
    const isSmall = radius < RADIUS_MAX && this.side(unit(negative(center))) === 'outside';
    if (isSmall) this.ball = { center, radius };
  }

  /** The smaller of the two regions that the vertices bound, in whichever order they are. */
  static smaller(vertices: readonly Vector[], edges?: EdgeTree): Loop {
    return areaOf(vertices) > 2 * Math.PI
      ? new Loop(vertices.toReversed(), undefined, true)
      : new Loop(vertices, edges, true);
  }

  /** In steradians. */
  get area(): number {
    return areaOf(this.vertices);
  }

  vertex(i: number): Vector {
    return this.vertices[i % this.vertices.length];
  }

  side(p: Vector): Side {
    if (this.distanceMin(p) > 0) return 'outside';
    const nearest = this.edges.nearest(p);
    if (nearest.distance <= TOUCH_RADIANS) return 'border';
    if (this.#soleSide !== undefined) return this.#soleSide;
    return (this.#isLeftOfNearest(p, nearest) ?? this.#surrounds(p)) ? 'inside' : 'outside';
  }

  /** An angle that no point of the region or its border is nearer by. As fast for many edges as for few. */
  distanceMin(p: Vector): number {
    return distanceToBall(p, this.ball);
  }

  /** The angle from a point to the nearest point of the border. */
  distance(p: Vector): number {
    return this.edges.distance(p);
  }

  /**
   * No edge lies between a point and what is nearest to it of the border, so that the point is inside if it is to the
   * left of that: of an edge, or of the two edges that meet at a vertex. Undefined when nothing is clearly the nearest:
   * several edges may touch there.
   */
  #isLeftOfNearest(p: Vector, { edge, distance }: NearestEdge): boolean | undefined {
    const { edges } = this;
    const part = edges.nearestPart(edge, p);
    const { length } = this.vertices;
    const neighbour = part === 'between' ? edge : (part === 'start' ? edge + length - 1 : edge + 1) % length;
    if (edges.hasOtherWithin(p, distance + NEAREST_BY_RADIANS, edge, neighbour)) return undefined;
    const end = this.vertex(part === 'end' ? edge + 1 : edge);
    const left = part === 'between' ? edges.leftOf(edge) : plus(edges.leftOf(edge), edges.leftOf(neighbour));
    // The way from the vertex rather than the point: what is at right angles to both edges there cancels.
    const height = dot(minus(p, end), left);
    return Math.abs(height) > distance * HEIGHT_MIN ? height > 0 : undefined;
  }

  /** Counts the edges between the point and one that is known to be inside. */
  #surrounds(p: Vector): boolean {
    const from = this.interior;
    if (dot(from, p) > NEARLY_OPPOSITE) return this.#crossings(from, p) % 2 === 0;
    const detour = unit(cross(from, Math.abs(from.z) < 0.9 ? { x: 0.1, y: 0.2, z: 1 } : { x: 1, y: 0.2, z: 0.1 }));
    return (this.#crossings(from, detour) + this.#crossings(detour, p)) % 2 === 0;
  }

  /** A vertex exactly on the arc belongs to one side of it by rule, so that it is not counted twice. */
  #crossings(from: Vector, to: Vector): number {
    let count = 0;
    // Which side of the way a vertex is on, as `turn` has it: that is worked out with the vertex last.
    const normal = cross(from, minus(to, from));
    const isLeftOf = (v: Vector): boolean =>
      (v.x - from.x) * normal.x + (v.y - from.y) * normal.y + (v.z - from.z) * normal.z >= 0;
    this.edges.visitAlong(from, to, (edge) => {
      const start = this.vertices[edge];
      const end = this.vertex(edge + 1);
      const startIsLeft = isLeftOf(start);
      if (isLeftOf(end) === startIsLeft) return;
      const fromIsLeft = turn(start, end, from) >= 0;
      const toIsLeft = turn(start, end, to) >= 0;
      if (fromIsLeft !== toIsLeft && startIsLeft === toIsLeft) count++;
    });
    return count;
  }
}

/** Rooms narrower than this do not count as an inside: all of them is border. */
const ROOM_MIN_RADIANS = 4 * TOUCH_RADIANS;

/** How many edges are tried before a ring of many is taken for one without an inside. */
const EDGES_TRIED_MAX = 64;

/**
 * A point to the left of an edge of a ring, so near to it that no other edge, of the ring or of `others`, lies between.
 * The longest edges are tried first. Undefined when there is nothing but border anywhere.
 */
export function interiorPoint(
  vertices: readonly Vector[],
  edges: EdgeTree,
  others: readonly EdgeTree[],
): Vector | undefined {
  const lengths = Float64Array.from(vertices, (vertex, i) =>
    lengthOf(minus(vertices[(i + 1) % vertices.length], vertex)),
  );
  for (let tried = 0; tried < Math.min(EDGES_TRIED_MAX, vertices.length); tried++) {
    const edge = longestOf(lengths);
    lengths[edge] = -1;
    const a = vertices[edge];
    const b = vertices[(edge + 1) % vertices.length];
    const middle = middleOf(a, b);
    let room = Math.min(Math.PI / 2, edges.nearest(middle, edge).distance);
    for (const other of others) room = Math.min(room, other.distance(middle));
    if (room < ROOM_MIN_RADIANS) continue;
    return unit(plus(middle, unit(normalOf(a, b)), Math.tan(Math.min(room / 2, 1))));
  }
  return undefined;
}

function longestOf(lengths: Float64Array): number {
  let longest = 0;
  for (let i = 1; i < lengths.length; i++) if (lengths[i] > lengths[longest]) longest = i;
  return longest;
}

/** The area to the left of a ring in steradians, by the angles at its vertices (the theorem of Gauss and Bonnet). */
export function areaOf(vertices: readonly Vector[]): number {
  let turned = 0;
  const count = vertices.length;
  for (let i = 0; i < count; i++) {
    turned += turnAt(vertices[i], vertices[(i + 1) % count], vertices[(i + 2) % count]);
  }
  return 2 * Math.PI - turned;
}

/** By how much the way from `a` to `c` turns left at `b`, in radians. */
function turnAt(a: Vector, b: Vector, c: Vector): number {
  const before = normalOf(a, b);
  const after = normalOf(b, c);
  const angle = Math.atan2(lengthOf(cross(before, after)), dot(before, after));
  return turn(a, b, c) >= 0 ? angle : -angle;
}
