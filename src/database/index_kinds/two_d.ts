/**
 * 2d indexes: pairs of coordinates in a bounded square of the plane, listed by the small squares they lie in
 * (query/geo/geohash.ts). A field may hold several pairs. Documents without any are left out.
 */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf, RAW_NULL, rawInt64, type RawValue } from '../../bson/value.ts';
import { describeDocument, describeDouble } from '../../query/describe.ts';
import { boundsOf } from '../../query/geo/flat.ts';
import { HASH_BITS_MAX, hashOf, rangesOfBox, type HashGrid } from '../../query/geo/geohash.ts';
import type { Region } from '../../query/geo/region.ts';
import type { FlatBox, FlatPoint } from '../../query/geo/shape.ts';
import { rawArrayOf } from '../../query/update/array_value.ts';
import type { IndexField } from '../index/index_key.ts';
import { elementsAlong } from './elements_along.ts';
import type { IndexKind, IndexSpec } from './index_kind.ts';
import { combinationsOf, RowsKeyGenerator, type KeyRows } from './key_rows.ts';
import { intervalOfCells } from './two_d_sphere.ts';

export const FLAT_PLUGIN = '2d';

/** Source: the manual, "Create a 2d Index". */
const BITS_DEFAULT = 26;
const BITS_MAX = 32;
const EDGE_DEFAULT = 180;

export const flatKind: IndexKind = {
  name: FLAT_PLUGIN,
  options: new Set(['bits', 'min', 'max', 'bucketSize']),
  check: (draft) => draft,
  checkBuild(spec) {
    const [first, ...others] = spec.fields;
    if (others.some((field) => field.plugin === FLAT_PLUGIN) && first.plugin === FLAT_PLUGIN) {
      throw new CommandError(16_800, "can't have 2 geo fields");
    }
    if (first.plugin !== FLAT_PLUGIN) throw new CommandError(16_801, '2d has to be first in index');
    checkGrid(spec);
  },
  generator(spec) {
    const grid = gridOf(spec);
    return new RowsKeyGenerator(spec.fields, (document) => rowsOf(document, spec.fields, grid));
  },
  bounds(field, predicate, spec) {
    if (field.plugin === undefined || predicate.kind !== 'other' || predicate.operator !== '$geoWithin') {
      return undefined;
    }
    const box = predicate.region === undefined ? undefined : boxAround(predicate.region);
    if (box === undefined) return undefined;
    return { intervals: rangesOfBox(gridOf(spec), box).map(intervalOfCells), tightness: 'fetch' };
  },
};

/** The square that a spec names, with no more bits than numbers have room for. */
export function gridOf(spec: IndexSpec): HashGrid {
  const bits = Math.trunc(optionOf(spec, 'bits', BITS_DEFAULT));
  return {
    min: optionOf(spec, 'min', -EDGE_DEFAULT),
    max: optionOf(spec, 'max', EDGE_DEFAULT),
    bits: Math.max(1, Math.min(bits, HASH_BITS_MAX)),
  };
}

/** Throws where points that are asked about lie outside. */
export function checkOnGrid(grid: HashGrid, { x, y }: FlatPoint): void {
  if (isOnGrid(grid, x, y)) return;
  const cause = `{ 0: ${describeDouble(x)}, 1: ${describeDouble(y)} }`;
  throw new CommandError(16_433, `point not in interval of [ ${grid.min}, ${grid.max} ] :: caused by :: ${cause}`);
}

function isOnGrid({ min, max }: HashGrid, x: number, y: number): boolean {
  return x >= min && x <= max && y >= min && y <= max;
}

function optionOf(spec: IndexSpec, name: string, fallback: number): number {
  const value = findField(spec.document, fieldName(name));
  return value !== undefined && isNumericType(value.type) ? numberOf(value) : fallback;
}

function checkGrid(spec: IndexSpec): void {
  const bits = Math.trunc(optionOf(spec, 'bits', BITS_DEFAULT));
  if (!(bits >= 1 && bits <= BITS_MAX)) {
    const text = `bits for hash must be > 0 and <= 32, but ${bits} bits were specified`;
    throw new CommandError('InvalidOptions', text);
  }
  const { min, max } = gridOf(spec);
  if (min < max) return;
  throw new CommandError(
    'InvalidOptions',
    `region for hash must be valid and have positive area, but [${min}, ${max}] was specified`,
  );
}

/** A rectangle in degrees around what a query asks for; undefined when none of one piece is. */
function boxAround(region: Region): FlatBox | undefined {
  switch (region.kind) {
    case 'box':
    case 'circle':
    case 'flatPolygon':
      return boundsOf(region);
    case 'cap':
      return boxAroundCap(region.flatCenter, region.cap.radius);
    default:
      return undefined;
  }
}

function boxAroundCap({ x, y }: FlatPoint, radius: number): FlatBox | undefined {
  const tall = (radius * 180) / Math.PI + 1e-7;
  const low = y - tall;
  const high = y + tall;
  if (low <= -90 || high >= 90) return undefined;
  // The widest parallel that the circle reaches is the one nearest to a pole.
  const sine = Math.sin(radius) / Math.cos((Math.max(Math.abs(low), Math.abs(high)) * Math.PI) / 180);
  if (!(sine < 1)) return undefined;
  const wide = (Math.asin(sine) * 180) / Math.PI + 1e-7;
  if (x - wide < -180 || x + wide > 180) return undefined;
  return { low: { x: x - wide, y: low }, high: { x: x + wide, y: high } };
}

function rowsOf(document: Uint8Array, fields: readonly IndexField[], grid: HashGrid): KeyRows | undefined {
  const [first, ...others] = fields;
  const found = elementsAlong(document, first.segments);
  const places = found.values.flatMap((value) => placesIn(value, document, grid));
  if (places.length === 0) return undefined;
  const rest = others.map((field) => [wholeValue(document, field)]);
  return { rows: combinationsOf([places, ...rest]), metArray: found.metArray || places.length > 1 };
}

/** A pair, or a list or document of pairs; what is neither array nor document is passed over. */
function placesIn(value: RawValue, document: Uint8Array, grid: HashGrid): RawValue[] {
  if (!isContainer(value) || isEmptyDocument(value.bytes, value.start)) return [];
  const reader = new ElementReader(value.bytes, value.start);
  reader.next();
  if (isNumericType(reader.type)) return [placeOf(value, document, grid)];
  const places: RawValue[] = [];
  do {
    if (!isContainer(reader)) {
      throw new CommandError(16_804, 'location object expected, location array not in correct format');
    }
    if (!isEmptyDocument(reader.bytes, reader.start)) places.push(placeOf(reader.value(), document, grid));
  } while (reader.next());
  return places;
}

function isContainer(value: { readonly type: number }): boolean {
  return value.type === BSON_TYPE.array || value.type === BSON_TYPE.object;
}

function placeOf(pair: RawValue, document: Uint8Array, grid: HashGrid): RawValue {
  const cause = ` :: caused by :: ${describeDocument(document)}`;
  const reader = new ElementReader(pair.bytes, pair.start);
  reader.next();
  const x = isNumericType(reader.type) ? numberOf(reader) : undefined;
  if (!reader.next()) throw new CommandError(13_068, `geo field only has 1 element${cause}`);
  const y = isNumericType(reader.type) ? numberOf(reader) : undefined;
  if (x === undefined || y === undefined) {
    throw new CommandError(13_026, `geo values must be 'legacy coordinate pairs' for 2d indexes${cause}`);
  }
  if (!isOnGrid(grid, x, y)) {
    throw new CommandError(13_027, `point not in interval of [ ${grid.min}, ${grid.max} ]${cause}`);
  }
  return rawInt64(BigInt(hashOf(grid, { x, y })));
}

/** The other fields are kept as they are, several values as one array: they only save looking at documents. */
function wholeValue(document: Uint8Array, field: IndexField): RawValue {
  const { values } = elementsAlong(document, field.segments);
  const [only] = values;
  if (only === undefined) return RAW_NULL;
  return values.length === 1 ? only : rawArrayOf(values);
}
