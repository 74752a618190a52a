/**
 * 2dsphere indexes: geometries on the sphere, listed by the cells that cover them (query/geo/covering.ts). A document
 * without any of the geometries is left out, so such an index answers nothing but questions about them.
 *
 * The levels that a spec may name are kept and shown, and change nothing: coverings here choose their own.
 */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField, isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf, RAW_NULL, RAW_UNDEFINED, rawInt32, rawInt64, type RawValue } from '../../bson/value.ts';
import { describeDocument, describeElement } from '../../query/describe.ts';
import { cellNumber, type CellRange } from '../../query/geo/cells.ts';
import { cellsOfShape, distanceFromRegion, rangesAround } from '../../query/geo/covering.ts';
import { parseStored } from '../../query/geo/parse_geojson.ts';
import type { IndexField } from '../index/index_key.ts';
import { interval, type Interval } from '../planner/interval.ts';
import { elementsAlong } from './elements_along.ts';
import type { IndexDraft, IndexKind, IndexSpec } from './index_kind.ts';
import { combinationsOf, RowsKeyGenerator, type KeyRows } from './key_rows.ts';
import { listedBounds } from './collated_bounds.ts';

export const SPHERE_PLUGIN = '2dsphere';

const VERSION = '2dsphereIndexVersion';
const COARSEST = 'coarsestIndexedLevel';
const FINEST = 'finestIndexedLevel';

/** Source: the manual, "2dsphere Indexes": version 3 since MongoDB 3.2. */
const VERSION_NOW = 3;
const LEVEL_MAX = 30;
const COARSEST_DEFAULT = 0;
const FINEST_DEFAULT = 23;

export const sphereKind: IndexKind = {
  name: SPHERE_PLUGIN,
  options: new Set([VERSION, COARSEST, FINEST]),
  check: checkDraft,
  checkBuild(spec) {
    const other = spec.fields.find((field) => field.plugin !== undefined && field.plugin !== SPHERE_PLUGIN);
    if (other !== undefined) {
      const shown = describeDocument(spec.key);
      throw new CommandError(16_823, `Cannot use 2dsphere index with other special index types: ${shown}`);
    }
    checkLevels(spec);
  },
  generator(spec) {
    const leavesOut = optionOf(spec, VERSION, VERSION_NOW) >= 2;
    return new RowsKeyGenerator(spec.fields, (document) => rowsOf(document, spec.fields, leavesOut), spec.equality);
  },
  bounds(field, predicate, spec) {
    if (field.plugin === undefined) return listedBounds(predicate, spec, { leavesOutMissing: false });
    const region = predicate.kind === 'other' ? predicate.region : undefined;
    const distance = region === undefined ? undefined : distanceFromRegion(region);
    if (distance === undefined) return undefined;
    return { intervals: rangesAround(distance).map(intervalOfCells), tightness: 'fetch' };
  },
};

/** The interval that a range of numbers of cells or squares is in the keys. */
export function intervalOfCells({ low, high }: CellRange): Interval {
  return interval(rawInt64(BigInt(low)), rawInt64(BigInt(high)), { start: true, end: true });
}

function checkDraft(draft: IndexDraft): IndexDraft {
  const version = draft.options.get(VERSION);
  const options = new Map<string, RawValue>();
  for (const [name, value] of draft.options) if (!sphereKind.options.has(name)) options.set(name, value);
  options.set(VERSION, version === undefined ? rawInt32(VERSION_NOW) : rawInt32(checkedVersion(version)));
  for (const name of [COARSEST, FINEST]) {
    const value = draft.options.get(name);
    if (value !== undefined) options.set(name, value);
  }
  return { ...draft, options };
}

function checkedVersion(value: RawValue): number {
  const shown = `{ ${VERSION} : ${describeElement(VERSION, value)} }, only versions: [1,2,3] are supported`;
  if (!isNumericType(value.type)) {
    throw new CommandError('CannotCreateIndex', `Invalid type for geo index version ${shown}`);
  }
  const version = numberOf(value);
  if (version === 1 || version === 2 || version === 3) return version;
  throw new CommandError('CannotCreateIndex', `unsupported geo index version ${shown}`);
}

function optionOf(spec: IndexSpec, name: string, fallback: number): number {
  const value = findField(spec.document, fieldName(name));
  return value !== undefined && isNumericType(value.type) ? Math.trunc(numberOf(value)) : fallback;
}

function checkLevels(spec: IndexSpec): void {
  const coarsest = optionOf(spec, COARSEST, COARSEST_DEFAULT);
  const finest = optionOf(spec, FINEST, FINEST_DEFAULT);
  if (coarsest < 0) throw new CommandError(16_747, 'coarsestIndexedLevel must be >= 0');
  if (finest > LEVEL_MAX) throw new CommandError(16_748, 'finestIndexedLevel must be <= 30');
  if (finest < coarsest) throw new CommandError(16_749, 'finestIndexedLevel must be >= coarsestIndexedLevel');
}

function rowsOf(document: Uint8Array, fields: readonly IndexField[], leavesOut: boolean): KeyRows | undefined {
  let hasGeometry = false;
  let metArray = false;
  const parts = fields.map((field) => {
    const found = elementsAlong(document, field.segments);
    metArray ||= found.metArray;
    if (field.plugin === undefined) {
      const values = found.values.flatMap(literalsOf);
      metArray ||= found.values.some((value) => value.type === BSON_TYPE.array);
      return values.length === 0 ? [RAW_NULL] : values;
    }
    const geometries = isNothing(found.values) ? [] : found.values;
    hasGeometry ||= geometries.length > 0;
    const numbers = geometries.flatMap((value) => cellNumbersOf(document, value));
    return numbers.length === 0 ? [RAW_NULL] : numbers;
  });
  return leavesOut && !hasGeometry ? undefined : { rows: combinationsOf(parts), metArray };
}

/** A field that holds null or nothing counts as absent. */
function isNothing(values: readonly RawValue[]): boolean {
  const [only] = values;
  if (only === undefined) return true;
  if (values.length > 1) return false;
  if (only.type === BSON_TYPE.null || only.type === BSON_TYPE.undefined) return true;
  return (only.type === BSON_TYPE.object || only.type === BSON_TYPE.array) && isEmptyDocument(only.bytes, only.start);
}

function literalsOf(value: RawValue): RawValue[] {
  if (value.type !== BSON_TYPE.array) return [value];
  const items: RawValue[] = [];
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) items.push(reader.value());
  return items.length === 0 ? [RAW_UNDEFINED] : items;
}

function cellNumbersOf(document: Uint8Array, value: RawValue): RawValue[] {
  try {
    const { isStrict, shape } = parseStored(value);
    if (isStrict) throw new CommandError('BadValue', "can't index geometry with strict winding order");
    if (shape === undefined) {
      const { flat } = parseStored(value);
      throw new CommandError('BadValue', `longitude/latitude is out of bounds, lng: ${flat?.x} lat: ${flat?.y}`);
    }
    return cellsOfShape(shape).map((cell) => rawInt64(BigInt(cellNumber(cell))));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const text = `Can't extract geo keys: ${describeDocument(document)}  ${error.message}`;
    throw new CommandError(16_755, text, {}, { cause: error });
  }
}
