/** A closed ring of edges on the sphere and the region to its left. */
import { invariant } from '../../base/invariant.ts';
import { EdgeList } from './edge_list.ts';
import {
  angleBetween,
  cross,
  distanceToEdge,
  dot,
  edgesCross,
  isSame,
  latitudeOf,
  lengthOf,
  minus,
  longitudeOf,
  middleOf,
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

export class Loop {
  /** Distinct, at least three; the last is joined to the first. */
  readonly vertices: readonly Vector[];
  /** A point of the region, off its border; on it when the region is so thin that there is none. */
  readonly interior: Vector;
  readonly #edges: EdgeList;
  /** Where everything off the border is, when there is no point inside to reckon from. */
  readonly #soleSide: Side | undefined;

  /** The region to the left of the vertices in their order; `isSmaller`: it is known to be the smaller one. */
  constructor(vertices: readonly Vector[], isSmaller = false) {
    invariant(vertices.length >= 3, 'a loop has at least three vertices');
    this.vertices = vertices;
    this.#edges = new EdgeList(vertices, true);
    const interior = interiorPoint(vertices, [vertices]);
    this.interior = interior ?? vertices[0];
    if (interior === undefined) this.#soleSide = isSmaller || this.area <= 2 * Math.PI ? 'outside' : 'inside';
  }

  /** The smaller of the two regions that the vertices bound, in whichever order they are. */
  static smaller(vertices: readonly Vector[]): Loop {
    return new Loop(areaOf(vertices) > 2 * Math.PI ? vertices.toReversed() : vertices, true);
  }

  /** In steradians. */
  get area(): number {
    return areaOf(this.vertices);
  }

  vertex(i: number): Vector {
    return this.vertices[i % this.vertices.length];
  }

  side(p: Vector): Side {
    if (this.distance(p) <= TOUCH_RADIANS) return 'border';
    if (this.#soleSide !== undefined) return this.#soleSide;
    return this.#surrounds(p) ? 'inside' : 'outside';
  }

  /** The angle from a point to the nearest point of the border. */
  distance(p: Vector): number {
    return this.#edges.distance(p);
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
    let last = this.vertices[this.vertices.length - 1];
    let lastIsLeft = isLeftOf(last);
    for (const next of this.vertices) {
      const isLeft = isLeftOf(next);
      if (isLeft !== lastIsLeft) {
        const fromIsLeft = turn(last, next, from) >= 0;
        const toIsLeft = turn(last, next, to) >= 0;
        if (fromIsLeft !== toIsLeft && lastIsLeft === toIsLeft) count++;
      }
      last = next;
      lastIsLeft = isLeft;
    }
    return count;
  }
}

/** Rooms narrower than this do not count as an inside: all of them is border. */
const ROOM_MIN_RADIANS = 4 * TOUCH_RADIANS;

/** How many edges are tried before a ring of many is taken for one without an inside. */
const EDGES_TRIED_MAX = 64;

/**
 * A point to the left of an edge of `vertices`, so near to it that no edge of `rings` (of which `vertices` is one) lies
 * between. The longest edges are tried first. Undefined when there is nothing but border anywhere.
 */
export function interiorPoint(vertices: readonly Vector[], rings: readonly (readonly Vector[])[]): Vector | undefined {
  const lengths = vertices.map((vertex, i) => angleBetween(vertex, vertices[(i + 1) % vertices.length]));
  const byLength = vertices.map((_, i) => i).sort((i, j) => lengths[j] - lengths[i]);
  for (const edge of byLength.slice(0, EDGES_TRIED_MAX)) {
    const a = vertices[edge];
    const b = vertices[(edge + 1) % vertices.length];
    const middle = middleOf(a, b);
    const room = roomAround(middle, rings, (ring, i) => ring === vertices && i === edge);
    if (room < ROOM_MIN_RADIANS) continue;
    return unit(plus(middle, unit(normalOf(a, b)), Math.tan(Math.min(room / 2, 1))));
  }
  return undefined;
}

/** The distance to the nearest edge, but for one. */
function roomAround(
  p: Vector,
  rings: readonly (readonly Vector[])[],
  isOwn: (ring: readonly Vector[], i: number) => boolean,
): number {
  let room = Math.PI / 2;
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i++) {
      if (!isOwn(ring, i)) room = Math.min(room, distanceToEdge(p, ring[i], ring[(i + 1) % ring.length]));
    }
  }
  return room;
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

/** Why the vertices bound no region: two of them are the same, or two edges cross. Undefined when they do. */
export function problemOf(vertices: readonly Vector[]): string | undefined {
  return duplicateOf(vertices) ?? crossingOf(vertices);
}

function duplicateOf(vertices: readonly Vector[]): string | undefined {
  const seen = new Map<string, number>();
  for (const [i, v] of vertices.entries()) {
    const text = `${v.x},${v.y},${v.z}`;
    const other = seen.get(text);
    if (other !== undefined) return `Duplicate vertices: ${other} and ${i}`;
    seen.set(text, i);
  }
  return undefined;
}

function crossingOf(vertices: readonly Vector[]): string | undefined {
  const count = vertices.length;
  let found: readonly [number, number] | undefined;
  visitNearEdges([vertices], ({ index: i }, { index: j }) => {
    if (i === j || (i + 1) % count === j || (j + 1) % count === i) return false;
    if (!edgesCross(vertices[i], vertices[(i + 1) % count], vertices[j], vertices[(j + 1) % count])) return false;
    found = [Math.min(i, j), Math.max(i, j)];
    return true;
  });
  if (found === undefined) return undefined;
  const [i, j] = found;
  const shown = (v: Vector): string => `[${latitudeOf(v).toFixed(7)}, ${longitudeOf(v).toFixed(7)}]`;
  const first = `${shown(vertices[i])}-${shown(vertices[(i + 1) % count])}`;
  const second = `${shown(vertices[j])}-${shown(vertices[(j + 1) % count])}`;
  return `Edges ${i} and ${j} cross. Edge locations in degrees: ${first} and ${second}`;
}

/** An edge of one of several rings. */
export interface RingEdge {
  readonly ring: number;
  /** Of the vertex it starts at. */
  readonly index: number;
  /** The least and greatest coordinates of its points along two axes. */
  readonly low: number;
  readonly high: number;
  readonly low2: number;
  readonly high2: number;
}

/**
 * Shows pairs of edges that may have a point in common, each pair once, until `visit` returns true. Edges are swept
 * along one axis, so that long borders are not compared edge by edge.
 */
export function visitNearEdges(
  rings: readonly (readonly Vector[])[],
  visit: (a: RingEdge, b: RingEdge) => boolean,
): boolean {
  const [axis, second] = axesByWidth(rings);
  const edges: RingEdge[] = [];
  for (const [ring, vertices] of rings.entries()) {
    for (const [index, a] of vertices.entries()) {
      const b = vertices[(index + 1) % vertices.length];
      // An arc bulges out of the box of its ends by less than half the square of its length.
      const bulge = isSame(a, b) ? 0 : Math.min(1, angleBetween(a, b) ** 2 / 2) + TOUCH_RADIANS;
      edges.push({
        ring,
        index,
        low: Math.min(a[axis], b[axis]) - bulge,
        high: Math.max(a[axis], b[axis]) + bulge,
        low2: Math.min(a[second], b[second]) - bulge,
        high2: Math.max(a[second], b[second]) + bulge,
      });
    }
  }
  edges.sort((a, b) => a.low - b.low);
  let open: RingEdge[] = [];
  for (const edge of edges) {
    open = open.filter((other) => other.high >= edge.low);
    for (const other of open) {
      if (other.high2 >= edge.low2 && other.low2 <= edge.high2 && visit(other, edge)) return true;
    }
    open.push(edge);
  }
  return false;
}

type Axis = 'x' | 'y' | 'z';

/** The one along which the rings extend most comes first. */
function axesByWidth(rings: readonly (readonly Vector[])[]): readonly Axis[] {
  const axes: readonly Axis[] = ['x', 'y', 'z'];
  const widths = new Map(axes.map((axis) => [axis, widthAlong(axis, rings)]));
  return axes.toSorted((a, b) => (widths.get(b) ?? 0) - (widths.get(a) ?? 0));
}

function widthAlong(axis: Axis, rings: readonly (readonly Vector[])[]): number {
  let low = 1;
  let high = -1;
  for (const ring of rings) {
    for (const v of ring) {
      low = Math.min(low, v[axis]);
      high = Math.max(high, v[axis]);
    }
  }
  return high - low;
}
