/** Points in documents and queries: pairs of numbers, as an array or as a document of any two fields, and GeoJSON. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias, type ValueSpan } from '../../bson/types.ts';
import { maybeStringOf, numberOf, type RawValue } from '../../bson/value.ts';
import type { FlatPoint } from './shape.ts';
import { isOnEarth, vectorAt, type Vector } from './vector.ts';

const TYPE = fieldName('type');
const CRS = fieldName('crs');
const COORDINATES = fieldName('coordinates');
const PROPERTIES = fieldName('properties');
const NAME = fieldName('name');

/** A point that a query may start from. */
export interface QueryPoint {
  readonly flat: FlatPoint;
  /** GeoJSON, so on the sphere. */
  readonly isGeoJson: boolean;
}

export function badGeometry(text: string): CommandError {
  return new CommandError('BadValue', text);
}

/** How messages name the type of a value that may not be there. */
export function typeNameOf(value: ValueSpan | undefined): string {
  return value === undefined ? 'missing' : typeAlias(value.type);
}

function isContainer(value: ValueSpan | undefined): value is ValueSpan {
  return value?.type === BSON_TYPE.object || value?.type === BSON_TYPE.array;
}

/** Whether a document or array is a legacy pair rather than GeoJSON: an array, or a document whose first field is a number. */
export function isLegacy(value: ValueSpan): boolean {
  if (value.type === BSON_TYPE.array) return true;
  const reader = new ElementReader(value.bytes, value.start);
  return reader.next() && isNumericType(reader.type);
}

/** Two numbers; `allowsMore`: further elements are passed over, as in stored points. */
export function parsePair(value: ValueSpan | undefined, allowsMore = false): FlatPoint {
  if (!isContainer(value)) {
    throw badGeometry(`Point must be an array or object, instead got type ${typeNameOf(value)}`);
  }
  const reader = new ElementReader(value.bytes, value.start);
  const x = nextNumber(reader);
  const y = nextNumber(reader);
  if (!allowsMore && reader.next()) throw badGeometry('Point must only contain two numeric elements');
  if (!Number.isFinite(x) || !Number.isFinite(y)) throw badGeometry('Point coordinates must be finite numbers');
  return { x, y };
}

function nextNumber(reader: ElementReader): number {
  const found = reader.next() ? reader : undefined;
  if (found !== undefined && isNumericType(found.type)) return numberOf(found);
  throw badGeometry(`Point must only contain numeric elements, instead got type ${typeNameOf(found)}`);
}

/** The place of a pair on the sphere. Throws BadValue when there is none. */
export function placeOf({ x, y }: FlatPoint): Vector {
  if (!isOnEarth(x, y)) throw badGeometry(`Longitude/latitude is out of bounds, lng: ${x} lat: ${y}`);
  return vectorAt(x, y);
}

/** One position of a GeoJSON geometry: altitudes are passed over. */
export function parsePosition(value: ValueSpan): Vector {
  if (value.type !== BSON_TYPE.array) {
    throw badGeometry(`GeoJSON coordinates must be an array, instead got type ${typeNameOf(value)}`);
  }
  return placeOf(parsePair(value, true));
}

/** The point that a query is about: a pair, or a GeoJSON point. */
export function parseQueryPoint(value: ValueSpan): QueryPoint {
  if (!isContainer(value)) {
    throw badGeometry(`Point must be an array or object, instead got type ${typeNameOf(value)}`);
  }
  if (isLegacy(value)) return { flat: parsePair(value), isGeoJson: false };
  return { flat: parseGeoJsonPoint(value), isGeoJson: true };
}

/** In degrees; checked to be a place on the earth. A document without a type passes for a point. */
export function parseGeoJsonPoint(value: ValueSpan): FlatPoint {
  const type = memberOf(value, TYPE);
  if (type !== undefined && maybeStringOf(type) !== 'Point') {
    throw badGeometry(`Expected geojson geometry with type Point, but got type ${maybeStringOf(type) ?? 'unknown'}`);
  }
  parseCrs(value, false);
  const flat = parsePair(memberOf(value, COORDINATES), true);
  placeOf(flat);
  return flat;
}

export function memberOf(value: ValueSpan, name: Uint8Array): RawValue | undefined {
  return findField(value.bytes, name, value.start);
}

const SPHERE_NAMES = new Set(['urn:ogc:def:crs:OGC:1.3:CRS84', 'EPSG:4326']);
const STRICT_NAME = 'urn:x-mongodb:crs:strictwinding:EPSG:4326';

/** Whether the geometry says that its winding counts; only polygons may. Throws BadValue for other reference systems. */
export function parseCrs(value: ValueSpan, allowsStrict: boolean): boolean {
  const crs = memberOf(value, CRS);
  if (crs === undefined) return false;
  if (!isContainer(crs)) {
    throw badGeometry(`GeoJSON CRS must be an object, instead got type ${typeNameOf(crs)}`);
  }
  const type = memberOf(crs, TYPE);
  if (type === undefined || maybeStringOf(type) !== 'name') {
    throw badGeometry('GeoJSON CRS must have field "type": "name"');
  }
  const properties = memberOf(crs, PROPERTIES);
  if (!isContainer(properties)) {
    const shown = typeNameOf(properties);
    throw badGeometry(`CRS must have field "properties" which is an object, instead got type ${shown}`);
  }
  const found = memberOf(properties, NAME);
  const name = found === undefined ? undefined : maybeStringOf(found);
  if (name === undefined) {
    throw badGeometry(`In CRS, "properties.name" must be a string, instead got type ${typeNameOf(found)}`);
  }
  if (SPHERE_NAMES.has(name)) return false;
  if (name !== STRICT_NAME) throw badGeometry(`Unknown CRS name: ${name}`);
  if (!allowsStrict) throw badGeometry('Strict winding order CRS is only supported by polygon');
  return true;
}
