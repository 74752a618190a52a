/** What keeps the vertices of a ring from bounding a region. */
import { EdgeTree } from './edge_tree.ts';
import { edgesCross, isSame, latitudeOf, longitudeOf, type Vector } from './vector.ts';

/**
 * Why the vertices bound no region: two of them are the same, or two edges cross. Undefined when they do. `edges` are
 * those between them, around the ring.
 */
export function problemOf(vertices: readonly Vector[], edges = EdgeTree.along(vertices, true)): string | undefined {
  return duplicateOf(vertices) ?? crossingOf(vertices, edges);
}

function duplicateOf(vertices: readonly Vector[]): string | undefined {
  // A table of places with room to spare: a vertex stands at the first free one from where its coordinates point to.
  let size = 8;
  while (size < vertices.length * 2) size *= 2;
  const places = new Int32Array(size).fill(-1);
  for (let i = 0; i < vertices.length; i++) {
    const vertex = vertices[i];
    let place = hashOf(vertex) & (size - 1);
    for (let other = places[place]; other >= 0; other = places[place]) {
      if (isSame(vertices[other], vertex)) return `Duplicate vertices: ${other} and ${i}`;
      place = (place + 1) & (size - 1);
    }
    places[place] = i;
  }
  return undefined;
}

const COORDINATES = new Float64Array(3);
const WORDS = new Uint32Array(COORDINATES.buffer);

function hashOf({ x, y, z }: Vector): number {
  // The sum has one zero only, as comparisons have.
  COORDINATES[0] = x + 0;
  COORDINATES[1] = y + 0;
  COORDINATES[2] = z + 0;
  let hash = 0;
  for (let i = 0; i < 6; i++) {
    hash = Math.imul(hash ^ WORDS[i], 0x9e37_79b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function crossingOf(vertices: readonly Vector[], edges: EdgeTree): string | undefined {
  const count = vertices.length;
  let found: readonly [number, number] | undefined;
  edges.somePairNear((i, j) => {
    if ((i + 1) % count === j || (j + 1) % count === i) return false;
    if (!edgesCross(vertices[i], vertices[(i + 1) % count], vertices[j], vertices[(j + 1) % count])) return false;
    found = [i, j];
    return true;
  });
  if (found === undefined) return undefined;
  const [i, j] = found;
  const shown = (v: Vector): string => `[${latitudeOf(v).toFixed(7)}, ${longitudeOf(v).toFixed(7)}]`;
  const first = `${shown(vertices[i])}-${shown(vertices[(i + 1) % count])}`;
  const second = `${shown(vertices[j])}-${shown(vertices[(j + 1) % count])}`;
  return `Edges ${i} and ${j} cross. Edge locations in degrees: ${first} and ${second}`;
}
