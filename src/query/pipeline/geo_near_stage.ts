/** `$geoNear`: documents by their distance from a point, which an index tells, with the distance added to them. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { isTruthy, maybeStringOf, numberOf, rawDouble, rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { compileExpression, type ExpressionScope } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { badGeometry, parseQueryPoint } from '../geo/parse_point.ts';
import { nearQuery, type NearQuery } from '../geo/near.ts';
import { nearPredicate } from '../match/geo_operators.ts';
import { parseFilter } from '../match/parse.ts';
import { conjunction } from '../match/predicate.ts';
import { filterOf } from '../matcher.ts';
import { MapSource } from './map_source.ts';
import { matchStageOf } from './match_stage.ts';
import { withValueAt } from './set_at_path.ts';
import type { Stage, StageKind } from './stage.ts';

export const geoNearStage: StageKind = {
  name: '$geoNear',
  position: 'first',
  notIn: new Set(['facet']),
  parse(operand, { scope }) {
    if (operand.type !== BSON_TYPE.object) {
      throw new CommandError(10_065, 'invalid parameter: expected an object ($geoNear)');
    }
    const settings = parseSettings(operand, scope);
    const { metadata } = scope;
    metadata.provide('geoNearDistance', 'geoNearPoint');
    metadata.keep('geoNearDistance');
    if (settings.includeLocs !== undefined) metadata.keep('geoNearPoint');
    const near = nearPredicate(settings.near, metadata, shownOperand(operand));
    const { query } = settings;
    const filter = query === undefined ? near : conjunction([near, parseFilter(query, scope)]);
    return { ...matchStageOf(filterOf(filter), scope), next: addingStage(settings, scope) };
  },
};

/** The condition that the stage stands for, as explain shows it. */
function shownOperand(operand: RawValue): RawValue {
  const writer = new BsonWriter().startDocument();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'near') writer.value('$near', reader);
    else if (name === 'minDistance' || name === 'maxDistance') writer.value(`$${name}`, reader);
  }
  return rawObject(writer.endDocument().finish());
}

interface Settings {
  readonly near: NearQuery;
  readonly query: Uint8Array | undefined;
  readonly distanceField: readonly Uint8Array[];
  readonly includeLocs: readonly Uint8Array[] | undefined;
  readonly multiplier: number;
}

function addingStage({ distanceField, includeLocs, multiplier }: Settings, { metadata, work }: ExpressionScope): Stage {
  const add = (document: Uint8Array): Uint8Array => {
    const distance = metadata.get(document, 'geoNearDistance');
    const place = metadata.get(document, 'geoNearPoint');
    let added = document;
    if (distance !== undefined) {
      added = withValueAt(added, distanceField, rawDouble(numberOf(distance) * multiplier));
    }
    if (includeLocs !== undefined) added = withValueAt(added, includeLocs, place);
    metadata.carry(document, added);
    return added;
  };
  return { kind: 'other', open: (source) => new MapSource(source, add, work) };
}

/** Options that MongoDB once had. */
const GONE: ReadonlyMap<string, readonly [code: number, text: string]> = new Map([
  ['limit', [50_858, "$geoNear no longer supports the 'limit' parameter. Use a $limit stage instead."]],
  ['num', [50_857, "$geoNear no longer supports the 'num' parameter. Use a $limit stage instead."]],
  ['start', [50_856, "$geoNear no longer supports the 'start' argument."]],
  [
    'collation',
    [
      40_227,
      "$geoNear does not accept the 'collation' parameter. Instead, specify a collation for the entire aggregation command.",
    ],
  ],
]);

const KNOWN: ReadonlySet<string> = new Set([
  'near',
  'distanceField',
  'spherical',
  'minDistance',
  'maxDistance',
  'query',
  'distanceMultiplier',
  'includeLocs',
  'key',
  'uniqueDocs',
]);

function parseSettings(operand: RawValue, scope: ExpressionScope): Settings {
  const options = new Map<string, RawValue>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    const gone = GONE.get(name);
    if (gone !== undefined) throw new CommandError(gone[0], gone[1]);
    if (!KNOWN.has(name)) throw badGeometry(`Unknown argument to $geoNear: ${name}`);
    options.set(name, reader.value());
  }
  const point = pointOption(options.get('near'), scope);
  const distanceField = pathOption(options.get('distanceField'));
  if (distanceField === undefined) {
    throw new CommandError(16_606, "$geoNear requires a 'distanceField' option as a String");
  }
  const includeLocs = pathOption(options.get('includeLocs'));
  if (options.has('includeLocs') && includeLocs === undefined) {
    throw new CommandError(16_607, "$geoNear requires that 'includeLocs' option is a String");
  }
  const spherical = options.get('spherical');
  const isSphere = spherical !== undefined && isTruthy(spherical);
  const min = distanceOption('minDistance', computed(options.get('minDistance'), 7_555_701, scope)) ?? 0;
  const max = distanceOption('maxDistance', computed(options.get('maxDistance'), 7_555_702, scope)) ?? Number.MAX_VALUE;
  const multiplier = distanceOption('distanceMultiplier', options.get('distanceMultiplier')) ?? 1;
  const query = queryOption(options.get('query'));
  const near = nearQuery(keyOption(options.get('key')), parseQueryPoint(point), isSphere, { min, max });
  return { near, query, distanceField, includeLocs, multiplier };
}

function pathOption(value: RawValue | undefined): readonly Uint8Array[] | undefined {
  const path = value === undefined ? undefined : maybeStringOf(value);
  return path === undefined ? undefined : fieldPathComponents(path).map(fieldName);
}

/** The value of an expression that is the same for all documents; throws `code` for another. */
function computed(value: RawValue | undefined, code: number, scope: ExpressionScope): RawValue | undefined {
  if (value === undefined || isNumericType(value.type)) return value;
  const { constant } = compileExpression(value, scope);
  if (constant === undefined) throw new CommandError(code, 'an argument of $geoNear must evaluate to a constant');
  return constant;
}

/** A place as it is written, or an expression that gives one. */
function pointOption(value: RawValue | undefined, scope: ExpressionScope): RawValue {
  const isVariable = value !== undefined && maybeStringOf(value)?.startsWith('$$') === true;
  if (value !== undefined && isVariable) {
    const point = computed(value, 5_860_402, scope);
    if (point?.type === BSON_TYPE.object || point?.type === BSON_TYPE.array) return point;
    throw new CommandError(5_860_401, '$geoNear requires near argument to be a document or array');
  }
  if (value?.type === BSON_TYPE.object || value?.type === BSON_TYPE.array) return value;
  throw new CommandError(16_605, "$geoNear requires a 'near' option as an Array");
}

function distanceOption(name: string, value: RawValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!isNumericType(value.type)) throw new CommandError('TypeMismatch', `${name} must be a number`);
  const distance = numberOf(value);
  if (!(distance >= 0)) throw badGeometry(`${name} must be nonnegative`);
  return distance;
}

function queryOption(value: RawValue | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  if (value.type !== BSON_TYPE.object) throw new CommandError('TypeMismatch', 'query must be an object');
  return value.bytes.slice(value.start, value.end);
}

/** Undefined: the one that has a geospatial index. */
function keyOption(value: RawValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  const key = maybeStringOf(value);
  if (key === undefined) {
    throw new CommandError(
      'TypeMismatch',
      `$geoNear parameter 'key' must be of type string but found type: ${value.type}`,
    );
  }
  if (key === '') throw badGeometry("$geoNear parameter 'key' cannot be the empty string");
  fieldPathComponents(key);
  return key;
}
