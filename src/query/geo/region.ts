/**
 * Geospatial conditions: the regions that queries name, and whether geometries of documents lie in them or meet them.
 *
 * A document's geometry is parsed when it is looked at (`parse_geojson.ts`) into a *shape*: points, lines and polygons of
 * unit vectors, whose edges are great circles (`vector.ts`, `loop.ts`, `polygon.ts`). What holds between shapes is in
 * `relations.ts`. Legacy pairs are also points of a plane, for regions of the plane (`flat.ts`). Points within 6 mm of a
 * border lie on it, and borders belong to what they bound; polygons that only touch do not meet.
 *
 * Borders have thousands of edges: they lie in trees of boxes (`edge_tree.ts`, `flat_ring.ts`), loops in balls (`ball.ts`).
 *
 * For indexes, shapes and regions are covered by *cells* (`cells.ts`, `covering.ts`), pairs lie in squares (`geohash.ts`):
 * numbers near each other for places near each other. Indexes find candidates; the conditions here decide.
 */
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';
import { describeElement, describeValue } from '../describe.ts';
import { boxOf, flatContains, type FlatRegion } from './flat.ts';
import { FlatRing } from './flat_ring.ts';
import { parseGeoJson } from './parse_geojson.ts';
import { badGeometry, isLegacy, parsePair, parseQueryPoint, placeOf } from './parse_point.ts';
import { capContains, shapeContains, shapesMeet, type Cap } from './relations.ts';
import { pointShape, type FlatPoint, type Shape, type StoredGeometry } from './shape.ts';

export type Region =
  | FlatRegion
  /** `flatCenter` and the radius in radians are as they were given. */
  | { readonly kind: 'cap'; readonly cap: Cap; readonly flatCenter: FlatPoint }
  | { readonly kind: 'shape'; readonly shape: Shape }
  /** A legacy pair given as a geometry. */
  | { readonly kind: 'point'; readonly point: FlatPoint };

/**
 * One member of the document behind `$geoWithin` or `$geoIntersects`: `$box`, `$geometry` and so on. Throws BadValue.
 */
export function parseRegion(name: string, value: ValueSpan): Region {
  const isContainer = value.type === BSON_TYPE.object || value.type === BSON_TYPE.array;
  const parse = isContainer ? PARSERS.get(name) : undefined;
  if (parse === undefined) throw badGeometry(`unknown geo specifier: ${describeElement(name, value)}`);
  return parse(value);
}

const PARSERS: ReadonlyMap<string, (value: ValueSpan) => Region> = new Map([
  ['$box', parseBox],
  ['$center', parseCircle],
  ['$centerSphere', parseCap],
  ['$geometry', parseGeometry],
  ['$polygon', parseFlatPolygon],
]);

/** The reader, if it stands on something: the next item of a list that may be too short. */
function next(reader: ElementReader): ElementReader | undefined {
  return reader.next() ? reader : undefined;
}

function parseBox(value: ValueSpan): Region {
  const reader = new ElementReader(value.bytes, value.start);
  const corner = parsePair(next(reader));
  return boxOf(corner, parsePair(next(reader)));
}

function parseFlatPolygon(value: ValueSpan): Region {
  const vertices: FlatPoint[] = [];
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) vertices.push(parsePair(reader));
  if (vertices.length < 3) {
    throw badGeometry(`Polygon must have at least 3 points, instead got ${vertices.length} vertices`);
  }
  return { kind: 'flatPolygon', ring: new FlatRing(vertices) };
}

function parseCircle(value: ValueSpan): Region {
  const reader = new ElementReader(value.bytes, value.start);
  const center = parsePair(next(reader));
  return { kind: 'circle', center, radius: parseRadius(reader) };
}

function parseCap(value: ValueSpan): Region {
  const reader = new ElementReader(value.bytes, value.start);
  const flatCenter = parsePair(next(reader));
  const center = placeOf(flatCenter);
  return { kind: 'cap', cap: { center, radius: parseRadius(reader) }, flatCenter };
}

function parseRadius(reader: ElementReader): number {
  const value = next(reader)?.value();
  const radius = value !== undefined && isNumericType(value.type) ? numberOf(value) : Number.NaN;
  if (!(radius >= 0)) {
    const shown = value === undefined ? 'EOO' : describeValue(value);
    throw badGeometry(`Radius must be a non-negative number: ${shown}`);
  }
  if (reader.next()) throw badGeometry('Only 2 fields allowed for circular region, but more were provided');
  return radius;
}

function parseGeometry(value: ValueSpan): Region {
  if (isLegacy(value)) return { kind: 'point', point: parseQueryPoint(value).flat };
  const { shape } = parseGeoJson(value);
  return shape === undefined ? { kind: 'point', point: { x: 0, y: 0 } } : { kind: 'shape', shape };
}

/** Whether anything can lie in the region: it has an inside. */
export function hasInside(region: Region): boolean {
  return region.kind === 'shape' ? region.shape.polygons.length > 0 : region.kind !== 'point';
}

/** The region on the sphere; undefined for shapes that exist in the plane alone. */
export function onSphere(region: Region): Region | undefined {
  switch (region.kind) {
    case 'shape':
    case 'cap':
      return region;
    case 'point':
      return { kind: 'shape', shape: pointShape(placeOf(region.point)) };
    default:
      return undefined;
  }
}

/** `$geoWithin`. */
export function isWithin(region: Region, geometry: StoredGeometry): boolean {
  const { flat, isStrict, shape } = geometry;
  if (isStrict) return false;
  switch (region.kind) {
    case 'shape':
      return shape !== undefined && shapeContains(region.shape, shape);
    case 'cap':
      return shape !== undefined && capContains(region.cap, shape);
    case 'point':
      return false;
    default:
      return flat !== undefined && flatContains(region, flat);
  }
}

/** `$geoIntersects`. Nothing meets a circle: MongoDB takes one there and finds nothing. */
export function meets(region: Region, geometry: StoredGeometry): boolean {
  if (region.kind !== 'shape' || geometry.isStrict) return false;
  return geometry.shape !== undefined && shapesMeet(region.shape, geometry.shape);
}
