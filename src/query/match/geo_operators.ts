/** `$geoWithin`, `$geoIntersects`, `$near` and `$nearSphere`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RawValue } from '../../bson/value.ts';
import { describeDocument, describeElement } from '../describe.ts';
import { parseNear, type NearQuery } from '../geo/near.ts';
import { parseStored } from '../geo/parse_geojson.ts';
import { badGeometry } from '../geo/parse_point.ts';
import { hasInside, isWithin, meets, onSphere, parseRegion, type Region } from '../geo/region.ts';
import type { StoredGeometry } from '../geo/shape.ts';
import type { DocumentMetadata } from '../metadata.ts';
import type { FieldOperator, FilterParser } from './field_operator.ts';
import type { Predicate } from './predicate.ts';
import { always, type ValueTest } from './value_test.ts';

export const geoWithinOperator: FieldOperator = {
  name: '$geoWithin',
  takesAll: true,
  parse: (path, operators) => parseWithin(path, operators),
};

/** The old name of `$geoWithin`. */
export const withinOperator: FieldOperator = {
  name: '$within',
  takesAll: true,
  parse: (path, operators) => parseWithin(path, operators),
};

export const geoIntersectsOperator: FieldOperator = {
  name: '$geoIntersects',
  takesAll: true,
  parse(path, operators) {
    const region = soleRegion(operators);
    const sphere = onSphere(region);
    if (sphere === undefined) {
      const shown = describeDocument(operators.bytes, operators.start);
      throw badGeometry(`$geoIntersect not supported with provided geometry: ${shown}`);
    }
    return geoPredicate('$geoIntersects', path, operators, {
      region: sphere,
      test: (geometry) => meets(sphere, geometry),
    });
  },
};

export const nearOperator: FieldOperator = { name: '$near', takesAll: true, parse: parseNearOperator };
export const nearSphereOperator: FieldOperator = { name: '$nearSphere', takesAll: true, parse: parseNearOperator };
/** The oldest name of `$near`. */
export const geoNearOperator: FieldOperator = { name: '$geoNear', takesAll: true, parse: parseNearOperator };

function parseWithin(path: string, operators: RawValue): Predicate {
  const region = soleRegion(operators);
  if (!hasInside(region)) {
    const shown = describeDocument(operators.bytes, operators.start);
    throw badGeometry(`$within not supported with provided geometry: ${shown}`);
  }
  return geoPredicate('$geoWithin', path, operators, { region, test: (geometry) => isWithin(region, geometry) });
}

/** Every document that has a distance matches: how far is for the index to say. */
function parseNearOperator(path: string, operators: RawValue, { scope }: FilterParser): Predicate {
  const reader = new ElementReader(operators.bytes, operators.start);
  reader.next();
  const operator = reader.name();
  const isFirst = operator === '$near' || operator === '$nearSphere' || operator === '$geoNear';
  if (!isFirst || (reader.type !== BSON_TYPE.object && reader.type !== BSON_TYPE.array)) {
    throw badGeometry(`near must be first in: ${describeDocument(operators.bytes, operators.start)}`);
  }
  const { metadata } = scope;
  metadata.provide('geoNearDistance', 'geoNearPoint');
  return nearPredicate(parseNear(path, operators), metadata, operators);
}

/** The condition, whose path is that of the query when it has one. */
export function nearPredicate(query: NearQuery, metadata: DocumentMetadata, operand: RawValue): Predicate {
  return {
    kind: 'other',
    operator: '$near',
    path: query.path ?? '',
    test: always,
    expandArrays: false,
    near: { query, metadata },
    operand,
  };
}

/** The region in the operator's document; of several the last counts. */
function soleRegion(operators: RawValue): Region {
  const outer = new ElementReader(operators.bytes, operators.start);
  outer.next();
  const name = outer.name();
  if (!['$geoWithin', '$within', '$geoIntersects'].includes(name)) {
    const shown = describeDocument(operators.bytes, operators.start);
    throw badGeometry(`invalid geo query predicate: ${shown}`);
  }
  const operand = outer.value();
  if (outer.next()) throw badGeometry(`can't parse extra field: ${describeElement(outer.name(), outer)}`);
  if (operand.type !== BSON_TYPE.object) throw badGeometry('geometry must be an object');
  let region: Region | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    if (reader.name() === '$uniqueDocs') continue;
    region = parseRegion(reader.name(), reader);
  }
  if (region === undefined) throw badGeometry("geo query doesn't have any geometry");
  return region;
}

function geoPredicate(
  operator: '$geoWithin' | '$geoIntersects',
  path: string,
  operand: RawValue,
  geo: { readonly region: Region; readonly test: (geometry: StoredGeometry) => boolean },
): Predicate {
  return {
    kind: 'other',
    operator,
    path,
    test: geometryTest(geo.test),
    expandArrays: true,
    operand,
    region: geo.region,
  };
}

/** A test of values that are geometries; others do not pass. */
function geometryTest(test: (geometry: StoredGeometry) => boolean): ValueTest {
  return (bytes, type, start, end) => {
    if (type !== BSON_TYPE.object && type !== BSON_TYPE.array) return false;
    const geometry = storedGeometry(new RawValue(type, bytes, start, end));
    return geometry !== undefined && test(geometry);
  };
}

/** Undefined when the value is no geometry. */
export function storedGeometry(value: RawValue): StoredGeometry | undefined {
  try {
    return parseStored(value);
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}
