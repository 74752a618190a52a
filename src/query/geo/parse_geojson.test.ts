import { describe, expect, test } from 'vitest';
import { encodeDocument } from '../../bson/codec.ts';
import { fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import type { RawValue } from '../../bson/value.ts';
import { parseStored } from './parse_geojson.ts';
import { parseRegion } from './region.ts';
import type { StoredGeometry } from './shape.ts';
import { vectorAt } from './vector.ts';

function valueOf(value: unknown): RawValue {
  const found = findField(encodeDocument({ g: value }), fieldName('g'));
  if (found === undefined) throw new Error('there is a value');
  return found;
}

const stored = (value: unknown): StoredGeometry => parseStored(valueOf(value));
const polygon = (...rings: readonly unknown[]): object => ({ type: 'Polygon', coordinates: rings });

const SQUARE = [
  [0, 0],
  [10, 0],
  [10, 10],
  [0, 10],
  [0, 0],
];
const INNER = [
  [2, 2],
  [4, 2],
  [4, 4],
  [2, 4],
  [2, 2],
];

describe('stored geometries', () => {
  test('are legacy pairs in any container, with more behind them', () => {
    for (const pair of [[1, 2], { x: 1, y: 2 }, [1, 2, 3], { lng: 1, lat: 2, note: 'x' }]) {
      expect(stored(pair)).toMatchObject({ isLegacy: true, flat: { x: 1, y: 2 } });
    }
    expect(stored([200, 0])).toMatchObject({ shape: undefined, flat: { x: 200, y: 0 } });
  });

  test('are GeoJSON of every type', () => {
    const count = (value: unknown): readonly number[] => {
      const { shape } = stored(value);
      return [shape?.points.length ?? 0, shape?.lines.length ?? 0, shape?.polygons.length ?? 0];
    };
    expect(count({ type: 'Point', coordinates: [1, 2, 300] })).toEqual([1, 0, 0]);
    expect(count({ type: 'MultiPoint', coordinates: [[1, 2]] })).toEqual([1, 0, 0]);
    expect(count({ type: 'LineString', coordinates: SQUARE })).toEqual([0, 1, 0]);
    expect(count({ type: 'MultiLineString', coordinates: [SQUARE, INNER] })).toEqual([0, 2, 0]);
    expect(count(polygon(SQUARE, INNER))).toEqual([0, 0, 1]);
    expect(count({ type: 'MultiPolygon', coordinates: [[SQUARE], [INNER]] })).toEqual([0, 0, 2]);
    const geometries = [{ type: 'Point', coordinates: [1, 2] }, polygon(SQUARE)];
    expect(count({ type: 'GeometryCollection', geometries })).toEqual([1, 0, 1]);
  });

  const refused: readonly (readonly [string, unknown, string])[] = [
    ['no container', 5, 'geo element must be an array or object: 5'],
    ['one number', [1], 'Point must only contain numeric elements, instead got type missing'],
    ['no type', { coordinates: [1, 2] }, 'unknown GeoJSON type'],
    [
      'a place off the earth',
      { type: 'Point', coordinates: [181, 0] },
      'Longitude/latitude is out of bounds, lng: 181',
    ],
    [
      'a line of one point',
      { type: 'LineString', coordinates: [[0, 0]] },
      'must have at least 2 vertices, instead got 1',
    ],
    ['an open ring', polygon(SQUARE.slice(0, -1)), 'Loop is not closed, first vertex does not equal last vertex'],
    ['an empty ring', polygon([]), 'Loop has no vertices'],
    [
      'a ring of two',
      polygon([
        [0, 0],
        [1, 1],
        [0, 0],
      ]),
      'must have at least 3 different vertices, 2 unique',
    ],
    [
      'a bow tie',
      polygon([
        [0, 0],
        [2, 2],
        [2, 0],
        [0, 2],
        [0, 0],
      ]),
      'Edges 0 and 2 cross. Edge locations in degrees: [0.0000000, 0.0000000]-[2.0000000, 2.0000000]',
    ],
    ['a hole outside', polygon(INNER, SQUARE), 'Secondary loops not contained by first exterior loop'],
    ['holes in holes', polygon(SQUARE, INNER, INNER), 'Polygon interior loops cannot be nested'],
    ['no rings', polygon(), 'Polygon has no loops.'],
    ['nothing in a collection', { type: 'GeometryCollection', geometries: [] }, 'must have at least 1 element'],
    [
      'a collection in a collection',
      { type: 'GeometryCollection', geometries: [{ type: 'GeometryCollection', geometries: [] }] },
      'GeometryCollections cannot be nested',
    ],
    [
      'an unknown reference system',
      { type: 'Point', coordinates: [0, 0], crs: { type: 'name', properties: { name: 'EPSG:1' } } },
      'Unknown CRS name: EPSG:1',
    ],
  ];
  test.each(refused)('refuse %s', (_, value, text) => {
    expect(() => stored(value)).toThrow(text);
  });
});

describe('polygons with strict winding', () => {
  const crs = { type: 'name', properties: { name: 'urn:x-mongodb:crs:strictwinding:EPSG:4326' } };

  test('are what lies to the left of their ring', () => {
    const large = parseRegion('$geometry', valueOf({ ...polygon(SQUARE.toReversed()), crs }));
    if (large.kind !== 'shape') throw new Error('it is a shape');
    expect(large.shape.polygons[0].contains(vectorAt(5, 5))).toBe(false);
    expect(large.shape.polygons[0].contains(vectorAt(100, -50))).toBe(true);
    expect(stored({ ...polygon(SQUARE), crs })).toMatchObject({ isStrict: true });
  });

  test('have one ring, and no other type has strict winding', () => {
    expect(() => stored({ ...polygon(SQUARE, INNER), crs })).toThrow(
      'Only one simple loop is allowed in a big polygon',
    );
    expect(() => stored({ type: 'Point', coordinates: [0, 0], crs })).toThrow('only supported by polygon');
  });
});
