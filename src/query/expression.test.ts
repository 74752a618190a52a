import { Binary, Decimal128, Double, Long } from 'bson';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { unixMs } from '../base/units.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { findField } from '../bson/elements.ts';
import { rawObject } from '../bson/value.ts';
import { BsonWriter } from '../bson/writer.ts';
import { describeValue } from './describe.ts';
import { commandScope, compileExpression, type ExpressionScope } from './expression.ts';

const NAME = new TextEncoder().encode('e');

function compile(expression: unknown, scope?: ExpressionScope): ReturnType<typeof compileExpression> {
  return compileExpression(findField(encodeDocument({ e: expression }), NAME) ?? rawObject(encodeDocument({})), scope);
}

/** The result as MongoDB's messages show it, types included. */
function shown(expression: unknown, document: object = {}): string {
  const value = compile(expression).evaluate(encodeDocument(document));
  return value === undefined ? 'missing' : describeValue(value);
}

function plain(expression: unknown, document: object = {}): unknown {
  const value = compile(expression).evaluate(encodeDocument(document));
  if (value === undefined) return 'missing';
  return decodePlain(new BsonWriter().startDocument().value('v', value).endDocument().finish())['v'];
}

function codeOf(run: () => unknown): number {
  try {
    run();
  } catch (error) {
    if (error instanceof CommandError) return error.code;
    throw error;
  }
  return 0;
}

const decimal = (text: string): Decimal128 => Decimal128.fromString(text);

describe('arithmetic', () => {
  test.each([
    [{ $add: [2_147_483_647, 1] }, '2147483648'],
    [{ $add: [1, new Double(2)] }, '3.0'],
    [{ $add: [Long.fromString('9223372036854775807'), 1] }, '9.223372036854776e+18'],
    [{ $add: [new Double(1e16), new Double(1), new Double(-1e16)] }, '0.0'],
    [{ $subtract: [new Date(5), new Date(2)] }, '3'],
    [{ $add: [new Date(10), new Double(1.9)] }, 'new Date(11)'],
    [{ $multiply: [65_536, 65_536] }, '4294967296'],
    [{ $multiply: [decimal('1.50'), 2] }, '3.00'],
    [{ $divide: [6, 3] }, '2.0'],
    [{ $divide: [decimal('1'), decimal('3')] }, '0.3333333333333333333333333333333333'],
    [{ $mod: [10, new Double(3)] }, '1'],
    [{ $mod: [new Double(-10.5), 3] }, '-1.5'],
    [{ $pow: [2, 62] }, '4611686018427387904'],
    [{ $pow: [2, -1] }, '0.5'],
    [{ $round: [new Double(2.675), 2] }, '2.67'],
    [{ $round: [1250, -2] }, '1200'],
    [{ $trunc: [decimal('-1234.565'), -2] }, '-1.2E+3'],
    [{ $round: [decimal('1.298'), 5] }, '1.29800'],
    [{ $round: [decimal('1.298'), 100] }, '1.298000000000000000000000000000000'],
    [{ $trunc: [decimal('Infinity'), 1] }, 'Infinity'],
    [{ $ln: decimal('1') }, '0'],
    [{ $ln: decimal('2.5') }, '0.9162907318741550651835272117680110'],
    [{ $ln: decimal('0.3678794411714423215955237701614609') }, '-0.9999999999999999999999999999999998'],
    [{ $log: [decimal('1'), 8] }, '0E+33'],
    [{ $log: [decimal('81'), 9] }, '2'],
    [{ $log: [decimal('170'), decimal('12.77')] }, '2.016332738676605709114981994718173'],
    [{ $log10: decimal('101') }, '2.004321373782642574275188178222938'],
    [{ $exp: decimal('-1') }, '0.3678794411714423215955237701614609'],
    [{ $pow: [5, decimal('-112')] }, '5.192296858534827628530496329220096E-79'],
    [{ $bitAnd: [] }, '-1'],
    [{ $sqrt: decimal('2') }, '1.414213562373095048801688724209698'],
    [{ $exp: decimal('1') }, '2.718281828459045235360287471352662'],
    [{ $ln: decimal('10') }, '2.302585092994045684017991454684364'],
    [{ $atan2: [decimal('1'), decimal('1')] }, '0.7853981633974483096156608458198757'],
  ])('%j is %s', (expression, expected) => {
    expect(shown(expression)).toBe(expected);
  });

  test.each([
    [{ $divide: [1, 0] }, 16608],
    [{ $mod: [1, 0] }, 16610],
    [{ $add: ['x', 1] }, 16554],
    [{ $abs: Long.fromString('-9223372036854775808') }, 28680],
    [{ $pow: [0, -1] }, 28764],
    [{ $subtract: [1] }, 16020],
    [{ $round: [1, 101] }, 51083],
    [{ $sqrt: -1 }, 28714],
  ])('%j fails with %i while it is compiled', (expression, code) => {
    expect(codeOf(() => compile(expression))).toBe(code);
  });

  test('an error that needs the document comes with the document', () => {
    const expression = compile({ $divide: [1, '$a'] });
    expect(codeOf(() => expression.evaluate(encodeDocument({ a: 0 })))).toBe(16608);
    expect(expression.constant).toBeUndefined();
  });
});

describe('values that are missing', () => {
  test.each([
    [{ $cmp: ['$a', null] }, '-1'],
    [{ $ifNull: ['$a', '$b'] }, 'missing'],
    [['$a'], '[ null ]'],
    [{ x: '$a' }, '{}'],
    [{ $type: '$a' }, '"missing"'],
    [{ $first: [[]] }, 'missing'],
    [{ $cond: [true, '$$REMOVE', 1] }, 'missing'],
  ])('%j is %s', (expression, expected) => {
    expect(shown(expression)).toBe(expected);
  });
});

describe('variables', () => {
  test('inner ones hide outer ones and see only what is outside', () => {
    expect(plain({ $let: { vars: { x: 1 }, in: { $let: { vars: { x: 2, y: '$$x' }, in: ['$$x', '$$y'] } } } })).toEqual(
      [2, 1],
    );
  });

  test('nested maps do not disturb each other', () => {
    const inner = { $map: { input: ['$$this', 5], in: { $multiply: ['$$this', 2] } } };
    expect(plain({ $map: { input: [1, 2], in: inner } })).toEqual([
      [2, 10],
      [4, 10],
    ]);
  });

  test('CURRENT moves the meaning of plain paths', () => {
    expect(plain({ $let: { vars: { CURRENT: '$a' }, in: ['$b', '$$ROOT.b'] } }, { a: { b: 1 }, b: 2 })).toEqual([1, 2]);
  });

  test('a command gives the time and variables of its own', () => {
    const variables = encodeDocument({ limit: { $add: [2, 3] } });
    const scope = commandScope({ now: unixMs(1000), variables });
    expect(compile({ $add: ['$$NOW', '$$limit'] }, scope).constant).toBeDefined();
    expect(codeOf(() => compile('$$other', scope))).toBe(17276);
  });
});

describe('texts', () => {
  test.each([
    [{ $substrBytes: ['aéb', 1, 2] }, 'é'],
    [{ $indexOfCP: ['é€😀x', 'x'] }, 3],
    [{ $toUpper: 'aé' }, 'Aé'],
    [{ $trim: { input: ' \u00A0a ' } }, 'a'],
    [{ $replaceAll: { input: 'a.b.c', find: '.', replacement: '-' } }, 'a-b-c'],
    [{ $split: ['-a--b-', '-'] }, ['', 'a', '', 'b', '']],
    [{ $toString: new Double(1_234_567.891) }, '1.23457e+06'],
    [{ $regexFind: { input: 'é😀bar', regex: 'ba(r)' } }, { match: 'bar', idx: 2, captures: ['r'] }],
  ])('%j is %j', (expression, expected) => {
    expect(plain(expression)).toEqual(expected);
  });
});

describe('dates', () => {
  const date = new Date('2020-03-08T07:00:00Z');

  test.each([
    [{ $hour: { date, timezone: 'America/New_York' } }, '3'],
    [{ $isoWeekYear: new Date('2016-01-01T00:00:00Z') }, '2015'],
    [
      { $dateToString: { date, timezone: '+0530', format: '%Y-%m-%d %H:%M %z %Z %%' } },
      '"2020-03-08 12:30 +0530 330 %"',
    ],
    [{ $dateFromParts: { year: 2020, month: 14, day: 0 } }, `new Date(${Date.UTC(2020, 13, 0)})`],
    [
      {
        $dateAdd: { startDate: new Date('2022-03-12T12:00:00Z'), unit: 'day', amount: 1, timezone: 'America/New_York' },
      },
      `new Date(${Date.UTC(2022, 2, 13, 11)})`,
    ],
    [{ $dateTrunc: { date, unit: 'month', binSize: 5 } }, `new Date(${Date.UTC(2020, 0, 1)})`],
    [{ $dateFromString: { dateString: 'July 6, 2017' } }, `new Date(${Date.UTC(2017, 6, 6)})`],
    [{ $dateFromString: { dateString: '2017-27-4', format: '%G-%V-%u' } }, `new Date(${Date.UTC(2017, 6, 6)})`],
  ])('%j is %s', (expression, expected) => {
    expect(shown(expression)).toBe(expected);
  });

  test('a text that is no date can be caught, a wrong time zone cannot', () => {
    expect(plain({ $dateFromString: { dateString: '2017-02-29', onError: 'bad' } })).toBe('bad');
    const wrong = { $dateFromString: { dateString: '2017-02-28', timezone: 'Nowhere', onError: 'bad' } };
    expect(codeOf(() => compile(wrong))).toBe(40485);
  });
});

describe('arrays and documents', () => {
  test.each([
    [{ $sortArray: { input: [3, 1, 2], sortBy: -1 } }, [3, 2, 1]],
    [{ $slice: [[1, 2, 3, 4], -3, 2] }, [2, 3]],
    [
      { $zip: { inputs: [[1, 2], ['a']], useLongestLength: true, defaults: [0, 'z'] } },
      [
        [1, 'a'],
        [2, 'z'],
      ],
    ],
    [{ $setDifference: [[1, 2, 2, 3], [new Double(2)]] }, [1, 3]],
    [
      {
        $arrayToObject: [
          [
            ['a', 1],
            ['b', 2],
          ],
        ],
      },
      { a: 1, b: 2 },
    ],
    [{ $mergeObjects: [{ a: 1, b: 1 }, null, { b: 2 }] }, { a: 1, b: 2 }],
    [{ $setField: { field: 'x.y', input: { a: 1 }, value: 2 } }, { a: 1, 'x.y': 2 }],
    [{ $reduce: { input: [1, 2, 3], initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, 6],
    [{ $maxN: { n: 2, input: [1, null, 5, 3] } }, [5, 3]],
  ])('%j is %j', (expression, expected) => {
    expect(plain(expression)).toEqual(expected);
  });
});

describe('mistakes of field names, variables and units', () => {
  test.each([
    ['$$', 9],
    ['$$1x', 9],
    ['$$a-b', 9],
    ['$$ROOT.', 40_353],
    [{ $setField: { field: '$a', input: {}, value: 1 } }, 4_161_108],
    [{ $setField: { field: { $concat: ['a', 'b'] }, input: {}, value: 1 } }, 4_161_106],
    [{ $unsetField: { field: { a: 1 }, input: {} } }, 4_161_106],
    [{ $unsetField: { field: 5, input: {} } }, 4_161_107],
    [{ $arrayToObject: [[{ k: 'a', v: 1 }, 5]] }, 40_391],
    [{ $arrayToObject: [[5, { k: 'a', v: 1 }]] }, 40_398],
    [{ $dateDiff: { startDate: new Date(0), endDate: new Date(0), unit: 'decade' } }, 5_439_014],
    [{ $dateTrunc: { date: new Date(0), unit: 'week', startOfWeek: 'noday' } }, 5_439_016],
    [{ $dateAdd: { startDate: new Date(0), unit: 5, amount: 1 } }, 5_166_404],
    [{ $dateAdd: { startDate: new Date(0), unit: 'epoch', amount: 1 } }, 9],
  ])('%j', (expression, code) => {
    expect(codeOf(() => compile(expression))).toBe(code);
  });

  test('nobody has roles', () => {
    expect(shown('$$USER_ROLES')).toBe('[]');
  });
});

describe('conversions', () => {
  test.each([
    [{ $toDecimal: new Double(2.9) }, '2.90000000000000'],
    [{ $toLong: decimal('9223372036854775807.9') }, '9223372036854775807'],
    [{ $convert: { input: '0x1A', to: 'int', onError: 'bad' } }, '"bad"'],
    [{ $convert: { input: null, to: 'int', onNull: 'none' } }, '"none"'],
    [{ $convert: { input: 'aGVsbG8=', to: 'binData', format: 'base64' } }, 'BinData(0, 68656C6C6F)'],
    [{ $toString: new Binary(Uint8Array.of(1, 2, 3)) }, '"AQID"'],
    [{ $toHashedIndexKey: 'string to hash' }, '763543691661428748'],
    [{ $toHashedIndexKey: '$missing' }, '2338878944348059895'],
  ])('%j is %s', (expression, expected) => {
    expect(shown(expression)).toBe(expected);
  });

  test.each([
    [{ $convert: { input: 5, to: 'integer', onError: 'E' } }, 2],
    [{ $convert: { input: 'a', to: { type: 'binData', subtype: 127 }, format: 'utf8', onError: 'E' } }, 4_341_107],
    [{ $convert: { input: 'a', to: { type: 'binData', subtype: new Double(1.5) }, format: 'utf8' } }, 4_341_106],
    [{ $convert: { input: 5, to: 'long', byteOrder: 'big' } }, 9],
    [{ $toString: new Date(253_402_300_800_000) }, 18_537],
  ])('the mistake in %j cannot be caught', (expression, code) => {
    expect(codeOf(() => compile(expression))).toBe(code);
  });

  test.each([
    { $toDecimal: '1E-6177' },
    { $convert: { input: 5, to: 'missing' } },
    { $convert: { input: 5, to: 0 } },
    { $convert: { input: 5, to: 'binData' } },
    {
      $convert: { input: '867dee52-c331-484e-92d1-c56479b8e67e', to: { type: 'binData', subtype: 4 }, format: 'auto' },
    },
  ])('%j fails to convert', (expression) => {
    expect(codeOf(() => compile(expression))).toBe(241);
  });
});
