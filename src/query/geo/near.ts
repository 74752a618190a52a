/** `$near`, `$nearSphere` and the stage `$geoNear`: a point, how far from it, and how distances are measured. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { numberOf, type RawValue } from '../../bson/value.ts';
import { describeDocument, describeElement, describeValue } from '../describe.ts';
import { flatDistance } from './flat.ts';
import { badGeometry, parseQueryPoint, type QueryPoint } from './parse_point.ts';
import { shapeDistance } from './relations.ts';
import type { FlatPoint, StoredGeometry } from './shape.ts';
import { EARTH_RADIUS_METRES, isOnEarth, vectorAt, type Vector } from './vector.ts';

/** How distances are told: along the sphere in metres or radians, or in the plane in the units of the coordinates. */
export type DistanceUnit = 'metres' | 'radians' | 'flat';

export interface NearQuery {
  /** Undefined: the field that has the collection's one geospatial index. */
  readonly path: string | undefined;
  readonly point: FlatPoint;
  /** The same on the sphere; undefined when distances are flat. */
  readonly center: Vector | undefined;
  readonly unit: DistanceUnit;
  /** Both in the unit. */
  readonly minDistance: number;
  readonly maxDistance: number;
}

/** Stands for no greatest distance. Source: the texts of MongoDB's errors show it. */
const FARTHEST = Number.MAX_VALUE;

const NEAR_NAMES: ReadonlySet<string> = new Set(['$near', '$nearSphere', '$geoNear']);

export function isNearName(name: string): boolean {
  return NEAR_NAMES.has(name);
}

/**
 * The operators on `path`, of which the first is a near operator, with what stands beside it: legacy points have their
 * bounds there, GeoJSON has them inside.
 */
export function parseNear(path: string, operators: RawValue): NearQuery {
  const legacy = parseLegacy(operators);
  const { point, isSphere, min, max } = legacy ?? parseModern(operators);
  return nearQuery(path, point, isSphere, { min, max });
}

/** `isSphere`: a legacy point is taken for one on the sphere; GeoJSON is there anyway. */
export function nearQuery(
  path: string | undefined,
  { flat, isGeoJson }: QueryPoint,
  isSphere: boolean,
  { min, max }: { readonly min: number; readonly max: number },
): NearQuery {
  if (isSphere && !isOnEarth(flat.x, flat.y)) {
    throw badGeometry('Legacy point is out of bounds for spherical query');
  }
  return {
    path,
    point: flat,
    center: isSphere || isGeoJson ? vectorAt(flat.x, flat.y) : undefined,
    unit: isGeoJson ? 'metres' : isSphere ? 'radians' : 'flat',
    minDistance: min,
    maxDistance: max,
  };
}

interface Parsed {
  readonly point: QueryPoint;
  readonly isSphere: boolean;
  readonly min: number;
  readonly max: number;
}

/** Undefined when the near operator holds no point itself. */
function parseLegacy(operators: RawValue): Parsed | undefined {
  let point: QueryPoint | undefined;
  let isSphere = false;
  let min = 0;
  let max = FARTHEST;
  const reader = new ElementReader(operators.bytes, operators.start);
  while (reader.next()) {
    const name = reader.name();
    if (isNearName(name)) {
      if (reader.type !== BSON_TYPE.object && reader.type !== BSON_TYPE.array) return undefined;
      const found = pointOf(reader);
      if (found === undefined) continue;
      point = found.point;
      isSphere = name === '$nearSphere';
      if (found.max !== undefined) max = found.max;
      if (!(max >= 0)) throw new CommandError(18_522, 'max distance must be non-negative');
    } else if (name === '$minDistance') min = legacyDistance(reader, name, 16_893);
    else if (name === '$maxDistance') max = legacyDistance(reader, name, 16_895);
    else if (name !== '$uniqueDocs') {
      throw new CommandError(34_413, `invalid argument in geo near query: ${name}`);
    }
  }
  return point === undefined ? undefined : { point, isSphere, min, max };
}

/** A point, or two coordinates and the greatest distance in one list. */
function pointOf(value: ValueSpan): { readonly point: QueryPoint; readonly max: number | undefined } | undefined {
  try {
    return { point: parseQueryPoint(value), max: undefined };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
  }
  const numbers: number[] = [];
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    if (!isNumericType(reader.type)) return undefined;
    numbers.push(numberOf(reader));
  }
  const [x, y, max] = numbers;
  if (numbers.length !== 3) return undefined;
  return { point: { flat: { x, y }, isGeoJson: false }, max };
}

/** The code for a wrong type; the next one is for a negative number. */
function legacyDistance(value: ValueSpan, name: string, code: number): number {
  if (!isNumericType(value.type)) throw new CommandError(code, `${name} must be a number`);
  const distance = numberOf(value);
  if (!(distance >= 0)) throw new CommandError(code + 1, `${name} must be non-negative`);
  return distance;
}

function parseModern(operators: RawValue): Parsed {
  const outer = new ElementReader(operators.bytes, operators.start);
  outer.next();
  const operand = outer.value();
  if (outer.next()) {
    const extra = describeElement(outer.name(), outer);
    throw badGeometry(
      `geo near accepts just one argument when querying for a GeoJSON point. Extra field found: ${extra}`,
    );
  }
  if (operand.type !== BSON_TYPE.object && operand.type !== BSON_TYPE.array) {
    throw badGeometry(`near must be first in: ${describeDocument(operators.bytes, operators.start)}`);
  }
  let point: QueryPoint | undefined;
  let min = 0;
  let max = FARTHEST;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === '$geometry') point = modernPoint(reader) ?? point;
    else if (name === '$minDistance') min = modernDistance(reader, name);
    else if (name === '$maxDistance') max = modernDistance(reader, name);
    else throw badGeometry(`invalid argument in geo near query: ${name}`);
  }
  if (point === undefined) throw badGeometry('$geometry is required for geo near query');
  return { point, isSphere: false, min, max };
}

function modernPoint(value: ValueSpan): QueryPoint | undefined {
  if (value.type !== BSON_TYPE.object && value.type !== BSON_TYPE.array) return undefined;
  const shown = describeValue(value);
  let point: QueryPoint;
  try {
    point = parseQueryPoint(value);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw badGeometry(`invalid point in geo near query $geometry argument: ${shown}  ${error.message}`);
  }
  if (!point.isGeoJson) throw badGeometry(`$near requires geojson point, given ${shown}`);
  return point;
}

function modernDistance(value: ValueSpan, name: string): number {
  if (!isNumericType(value.type)) throw badGeometry(`${name} must be a number`);
  const distance = numberOf(value);
  if (!(distance >= 0 && Number.isFinite(distance))) throw badGeometry(`${name} must be non-negative`);
  return distance;
}

/** How far a geometry is from the point, in the query's unit; undefined when that cannot be said. */
export function distanceTo(near: NearQuery, geometry: StoredGeometry): number | undefined {
  if (near.center === undefined) {
    return geometry.flat === undefined ? undefined : flatDistance(near.point, geometry.flat);
  }
  if (geometry.shape === undefined || geometry.isStrict) return undefined;
  const radians = shapeDistance(near.center, geometry.shape);
  return near.unit === 'metres' ? radians * EARTH_RADIUS_METRES : radians;
}

/** A distance in the query's unit as an angle. Only for distances along the sphere. */
export function radiansOf(near: NearQuery, distance: number): number {
  return near.unit === 'metres' ? distance / EARTH_RADIUS_METRES : distance;
}

/** As errors about a query show it. */
export function describeNear({ path, unit, maxDistance }: NearQuery): string {
  const max = maxDistance === FARTHEST ? '1.79769e+308' : String(Number(maxDistance.toPrecision(6)));
  return `field=${path} maxdist=${max} isNearSphere=${unit === 'radians' ? 1 : 0}`;
}
