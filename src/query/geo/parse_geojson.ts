/** GeoJSON geometries, checked as MongoDB checks them. Every function throws BadValue for a bad geometry. */
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { maybeStringOf, type RawValue } from '../../bson/value.ts';
import { describeValue } from '../describe.ts';
import { EdgeTree } from './edge_tree.ts';
import { Loop } from './loop.ts';
import {
  badGeometry,
  isLegacy,
  memberOf,
  parseCrs,
  parseGeoJsonPoint,
  parsePair,
  parsePosition,
  placeOf,
  typeNameOf,
} from './parse_point.ts';
import { Polygon } from './polygon.ts';
import { polygonsMeet, samplesOf } from './relations.ts';
import { problemOf } from './ring_problem.ts';
import { pointShape, type Line, type Shape, type StoredGeometry } from './shape.ts';
import { isOnEarth, isSame, vectorAt, type Vector } from './vector.ts';

const TYPE = fieldName('type');
const COORDINATES = fieldName('coordinates');
const GEOMETRIES = fieldName('geometries');

/** What a field of a document holds: a legacy pair or GeoJSON. */
export function parseStored(value: ValueSpan): StoredGeometry {
  if (value.type !== BSON_TYPE.object && value.type !== BSON_TYPE.array) {
    throw badGeometry(`geo element must be an array or object: ${describeValue(value)}`);
  }
  if (!isLegacy(value)) return parseGeoJson(value);
  const flat = parsePair(value, true);
  const shape = isOnEarth(flat.x, flat.y) ? pointShape(vectorAt(flat.x, flat.y)) : undefined;
  return { shape, flat, isLegacy: true, isStrict: false };
}

export function parseGeoJson(value: ValueSpan): StoredGeometry {
  const type = memberOf(value, TYPE);
  const name = type === undefined ? undefined : maybeStringOf(type);
  if (name === 'Point') {
    const flat = parseGeoJsonPoint(value);
    return { shape: pointShape(placeOf(flat)), flat, isLegacy: false, isStrict: false };
  }
  if (name === 'Polygon' && parseCrs(value, true)) {
    return { ...onSphere(polygonShape([strictPolygon(memberOf(value, COORDINATES))])), isStrict: true };
  }
  if (name === 'GeometryCollection') return onSphere(parseCollection(value));
  const shape = parseSimple(name, value);
  if (shape === undefined) throw badGeometry(`unknown GeoJSON type: ${describeValue(value)}`);
  return onSphere(shape);
}

function onSphere(shape: Shape): StoredGeometry {
  return { shape, flat: undefined, isLegacy: false, isStrict: false };
}

function polygonShape(polygons: readonly Polygon[]): Shape {
  return { points: [], lines: [], polygons };
}

/** Any geometry but a collection; undefined when the type is none. */
function parseSimple(type: string | undefined, value: ValueSpan): Shape | undefined {
  switch (type) {
    case 'Point':
      return pointShape(placeOf(parseGeoJsonPoint(value)));
    case 'LineString':
      parseCrs(value, false);
      return { points: [], lines: [parseLine(memberOf(value, COORDINATES))], polygons: [] };
    case 'Polygon':
      if (parseCrs(value, true)) throw badGeometry("can't index geometry with strict winding order");
      return polygonShape([parsePolygon(memberOf(value, COORDINATES))]);
    case 'MultiPoint':
      parseCrs(value, false);
      return { points: parseMany(type, parsePositions(memberOf(value, COORDINATES))), lines: [], polygons: [] };
    case 'MultiLineString':
      parseCrs(value, false);
      return { points: [], lines: parseMany(type, membersOf(type, value).map(parseLine)), polygons: [] };
    case 'MultiPolygon':
      parseCrs(value, false);
      return polygonShape(parseMany(type, membersOf(type, value).map(parsePolygon)));
    default:
      return undefined;
  }
}

function membersOf(type: string, value: ValueSpan): RawValue[] {
  const coordinates = memberOf(value, COORDINATES);
  if (coordinates?.type !== BSON_TYPE.array) {
    throw badGeometry(`${type} coordinates must be an array, instead got type ${typeNameOf(coordinates)}`);
  }
  return itemsOf(coordinates);
}

function parseMany<T>(type: string, items: readonly T[]): readonly T[] {
  if (items.length === 0) throw badGeometry(`${type} coordinates must have at least 1 element`);
  return items;
}

function parseCollection(value: ValueSpan): Shape {
  const geometries = memberOf(value, GEOMETRIES);
  if (geometries?.type !== BSON_TYPE.array) {
    const shown = typeNameOf(geometries);
    throw badGeometry(`GeometryCollection geometries must be an array, instead got type ${shown}`);
  }
  const shapes = itemsOf(geometries).map(parseMember);
  if (shapes.length === 0) throw badGeometry('GeometryCollection geometries must have at least 1 element');
  return {
    points: shapes.flatMap((shape) => shape.points),
    lines: shapes.flatMap((shape) => shape.lines),
    polygons: shapes.flatMap((shape) => shape.polygons),
  };
}

function parseMember(value: RawValue, i: number): Shape {
  const shown = describeValue(value);
  if (value.type !== BSON_TYPE.object) {
    const type = typeNameOf(value);
    throw badGeometry(`Element ${i} of "geometries" must be an object, instead got type ${type}: ${shown}`);
  }
  const type = memberOf(value, TYPE);
  const name = type === undefined ? undefined : maybeStringOf(type);
  if (name === 'GeometryCollection') throw badGeometry(`GeometryCollections cannot be nested: ${shown}`);
  const shape = parseSimple(name, value);
  if (shape === undefined) throw badGeometry(`Unknown GeoJSON type: ${shown}`);
  return shape;
}

function parsePositions(value: ValueSpan | undefined): Vector[] {
  if (value?.type !== BSON_TYPE.array) {
    throw badGeometry(`GeoJSON coordinates must be an array of coordinates, instead got type ${typeNameOf(value)}`);
  }
  const positions: Vector[] = [];
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) positions.push(parsePosition(reader));
  return positions;
}

function parseLine(value: ValueSpan | undefined): Line {
  const vertices = withoutRepeats(parsePositions(value));
  if (vertices.length >= 2) return vertices;
  const shown = value === undefined ? '' : describeValue(value);
  throw badGeometry(
    `GeoJSON LineString must have at least 2 vertices, instead got ${vertices.length} vertices: ${shown}`,
  );
}

function withoutRepeats(vertices: readonly Vector[]): Vector[] {
  return vertices.filter((vertex, i) => i === 0 || !isSame(vertex, vertices[i - 1]));
}

function parsePolygon(value: ValueSpan | undefined): Polygon {
  if (value?.type !== BSON_TYPE.array) {
    throw badGeometry(`Polygon coordinates must be an array, instead got type ${typeNameOf(value)}`);
  }
  const rings = itemsOf(value);
  const loops = rings.map((ring) => {
    const { vertices, edges } = parseRing(ring, () => describeValue(ring));
    return Loop.smaller(vertices, edges);
  });
  const [shell, ...holes] = loops;
  if (shell === undefined) throw badGeometry('Polygon has no loops.');
  const whole = new Polygon(shell, []);
  if (holes.length === 0) return whole;
  for (const [i, hole] of holes.entries()) checkHole(whole, hole, { ring: rings[i + 1], shell: rings[0] });
  checkApart(holes, value);
  return new Polygon(shell, holes);
}

function checkHole(whole: Polygon, hole: Loop, shown: { readonly ring: RawValue; readonly shell: RawValue }): void {
  const isInside = hole.vertices.every((vertex) => whole.contains(vertex)) && whole.contains(hole.interior);
  const isWhole = hole.vertices.every((vertex) => whole.side(vertex) === 'border');
  const samples = samplesOf(whole.shell, new Polygon(hole, []));
  if (isInside && !isWhole && !samples.some((vertex) => hole.side(vertex) === 'inside')) return;
  throw badGeometry(
    'Secondary loops not contained by first exterior loop - secondary loops must be holes: ' +
      `${describeValue(shown.ring)} first loop: ${describeValue(shown.shell)}`,
  );
}

/** Holes must neither cross nor lie in each other. */
function checkApart(holes: readonly Loop[], value: ValueSpan): void {
  const regions = holes.map((hole) => new Polygon(hole, []));
  const lowOf = ({ shell: { ball } }: Polygon): number => ball.center.x - ball.radius;
  regions.sort((a, b) => lowOf(a) - lowOf(b));
  let open: Polygon[] = [];
  for (const region of regions) {
    const low = lowOf(region);
    open = open.filter(({ shell: { ball } }) => ball.center.x + ball.radius >= low);
    if (open.some((other) => polygonsMeet(region, other))) {
      throw badGeometry(`Polygon interior loops cannot be nested: ${describeValue(value)}`);
    }
    open.push(region);
  }
}

interface Ring {
  readonly vertices: readonly Vector[];
  readonly edges: EdgeTree;
}

/** The distinct vertices of a closed ring that does not cross itself. */
function parseRing(value: ValueSpan, show: () => string): Ring {
  const positions = parsePositions(value);
  const [first] = positions;
  if (first === undefined) throw badGeometry(`Loop has no vertices: ${show()}`);
  if (!isSame(first, positions[positions.length - 1])) {
    throw badGeometry(`Loop is not closed, first vertex does not equal last vertex: ${show()}`);
  }
  const vertices = withoutRepeats(positions).slice(0, -1);
  if (vertices.length < 3) {
    throw badGeometry(
      `Loop must have at least 3 different vertices, ${vertices.length} unique vertices were provided: ${show()}`,
    );
  }
  const edges = EdgeTree.along(vertices, true);
  const problem = problemOf(vertices, edges);
  if (problem !== undefined) throw badGeometry(`Loop is not valid: ${show()} ${problem}`);
  return { vertices, edges };
}

/** A polygon of one ring that means what lies to the left of it, however large. */
function strictPolygon(value: ValueSpan | undefined): Polygon {
  if (value?.type !== BSON_TYPE.array) {
    throw badGeometry(`Coordinates of polygon must be an array, instead got type ${typeNameOf(value)}`);
  }
  const rings = itemsOf(value);
  const [ring] = rings;
  const show = (): string => describeValue(value);
  if (ring === undefined || rings.length !== 1) {
    throw badGeometry(
      `Only one simple loop is allowed in a big polygon, instead provided ${rings.length} loops: ${show()}`,
    );
  }
  const { vertices, edges } = parseRing(ring, show);
  return new Polygon(new Loop(vertices, edges), []);
}

function itemsOf(array: ValueSpan): RawValue[] {
  const items: RawValue[] = [];
  const reader = new ElementReader(array.bytes, array.start);
  while (reader.next()) items.push(reader.value());
  return items;
}
