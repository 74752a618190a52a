import { Binary, Code, deserialize, Double, Long, ObjectId, serialize, UUID } from 'bson';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { documentSamples } from '../../tests/support/arbitrary_bson.ts';
import { decodeDocument, decodePlain, encodeDocument } from './codec.ts';
import { BSON_TYPE } from './types.ts';

/** Types that the package `bson` writes back as they were. */
function survivesThePackage(type: number): boolean {
  return type !== BSON_TYPE.undefined && type !== BSON_TYPE.dbPointer;
}

describe('decoding', () => {
  test('and encoding again gives the same bytes', () => {
    const named = documentSamples.map(({ fields }) =>
      fields.filter(({ sample }) => survivesThePackage(sample.raw.type)),
    );
    fc.assert(
      fc.property(named, (fields) => {
        const leaves = fields.filter(({ sample }) => sample.model.kind !== 'list');
        const object: Record<string, unknown> = {};
        for (const [i, { sample }] of leaves.entries()) {
          const { type, bytes, start, end } = sample.raw;
          const single = Buffer.concat([Uint8Array.of(type, 118, 0), bytes.subarray(start, end), Uint8Array.of(0)]);
          const size = Buffer.alloc(4);
          size.writeInt32LE(single.length + 4);
          const document = new Uint8Array(Buffer.concat([size, single]));
          expect(encodeDocument(decodeDocument(document))).toEqual(document);
          object[`f${i}`] = decodeDocument(document).v;
        }
        const nested = encodeDocument({ a: [object], b: { c: object } });
        expect(encodeDocument(decodeDocument(nested))).toEqual(nested);
      }),
      { numRuns: 3000 },
    );
  });

  test('gives what the package bson gives', () => {
    const document = {
      a: 1,
      b: 'text',
      c: 1.5,
      d: [true, null, { e: new Date(5) }],
      f: new ObjectId('0123456789abcdef01234567'),
      g: Long.fromNumber(7),
      h: new Code('f', { x: 1 }),
      i: new Binary(Uint8Array.of(1, 2), 0),
      j: new UUID('0123456789abcdef0123456789abcdef'),
      k: new Binary(Uint8Array.of(1, 2), 2),
      l: /^a/i,
    };
    const bytes = serialize(document);
    const expected = deserialize(bytes, {
      useBigInt64: true,
      bsonRegExp: true,
      allowObjectSmallerThanBufferSize: true,
    });
    expect(decodeDocument(new Uint8Array(bytes))).toEqual(expected);
  });

  test('keeps the types of numbers apart', () => {
    const decoded = decodeDocument(encodeDocument({ int: 1, double: new Double(1), long: 1n, fraction: 0.5 }));
    expect(decoded).toEqual({ int: 1, double: new Double(1), long: 1n, fraction: 0.5 });
  });

  test('to plain values makes numbers of doubles and safe int64s', () => {
    const bytes = encodeDocument({ double: new Double(1), long: 1n, list: [new Double(2)], big: 2n ** 60n });
    expect(decodePlain(bytes)).toEqual({ double: 1, long: 1, list: [2], big: 2n ** 60n });
  });

  test('takes a name like __proto__ for a name', () => {
    const bytes = new Uint8Array(serialize(new Map([['__proto__', 1]])));
    expect(Object.entries(decodeDocument(bytes))).toEqual([['__proto__', 1]]);
  });
});

test('encoding leaves undefined fields out, and gives bytes of its own', () => {
  const first = encodeDocument({ a: 1, b: undefined });
  const copy = first.slice();
  encodeDocument({ c: 'something else' });
  expect(first).toEqual(copy);
  expect(first.constructor).toBe(Uint8Array);
  expect(decodeDocument(first)).toEqual({ a: 1 });
});
