import { Binary, BSONRegExp, Decimal128, Double, Long, MaxKey, MinKey, ObjectId, Timestamp } from 'bson';
import { expect, test } from 'vitest';
import { encodeDocument } from '../bson/codec.ts';
import { describeDocument, describeDouble } from './describe.ts';

test('values are shown as MongoDB shows them', () => {
  const document = {
    a: 1,
    b: new Double(1),
    c: Long.fromNumber(5),
    d: Decimal128.fromString('1.50'),
    e: 'x',
    f: [1, { g: [] }],
    h: {},
    i: null,
    j: true,
    k: new Date(1),
    l: new ObjectId('5f0000000000000000000002'),
    m: new Timestamp({ t: 1, i: 2 }),
    n: new Binary(Uint8Array.of(1, 255), 0),
    o: new BSONRegExp('x', 'i'),
    p: new MinKey(),
    q: new MaxKey(),
  };
  expect(describeDocument(encodeDocument(document))).toBe(
    '{ a: 1, b: 1.0, c: 5, d: 1.50, e: "x", f: [ 1, { g: [] } ], h: {}, i: null, j: true, k: new Date(1), ' +
      "l: ObjectId('5f0000000000000000000002'), m: Timestamp(1, 2), n: BinData(0, 01FF), o: /x/i, p: MinKey, q: MaxKey }",
  );
});

test.each([
  [1, '1.0'],
  [-0, '-0.0'],
  [2.5, '2.5'],
  [0.1, '0.1'],
  [1e20, '1e+20'],
  [1e-7, '1e-07'],
  [123456789012345680, '1.234567890123457e+17'],
])('the double %d is shown as %s', (value, text) => {
  expect(describeDouble(value)).toBe(text);
});
