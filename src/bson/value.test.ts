import { Decimal128 } from 'bson';
import { describe, expect, test } from 'vitest';
import {
  decimalSample,
  doubleSample,
  int32Sample,
  int64Sample,
  rawFromPackage,
} from '../../tests/support/arbitrary_bson.ts';
import {
  copyValue,
  dateOf,
  int64PartOf,
  integerOf,
  isTruthy,
  isWholeNumber,
  maybeStringOf,
  numberOf,
  RAW_NULL,
  RAW_UNDEFINED,
  rawBool,
  rawDate,
  rawDouble,
  rawInt32,
  rawInt64,
  rawString,
} from './value.ts';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

describe('constants', () => {
  test('have the bytes the package bson writes', () => {
    const pairs = [
      [rawInt32(-7), rawFromPackage(-7)],
      [rawDouble(0.5), rawFromPackage(0.5)],
      [rawString('grüße'), rawFromPackage('grüße')],
      [rawDate(-5), rawFromPackage(new Date(-5))],
      [rawInt64(INT64_MIN), int64Sample(INT64_MIN).raw],
      [rawBool(true), rawFromPackage(true)],
    ];
    for (const [ours, theirs] of pairs) {
      expect(ours.type).toBe(theirs.type);
      expect(ours.bytes).toEqual(copyValue(theirs).bytes);
    }
  });
});

describe('numbers', () => {
  test.each([
    [int32Sample(-5), -5],
    [int64Sample(2n ** 53n + 1n), 2 ** 53],
    [doubleSample(0.1), 0.1],
    [decimalSample('0.1'), 0.1],
    [decimalSample('-1E+400'), -Infinity],
    [decimalSample('NaN'), Number.NaN],
    [decimalSample('123456789012345678901234567890'), 1.2345678901234568e29],
  ])('are read as the nearest double: %#', (sample, expected) => {
    expect(numberOf(sample.raw)).toBe(expected);
  });

  test.each([
    [int32Sample(-5), -5n],
    [doubleSample(-1.9), -1n],
    [doubleSample(1e300), INT64_MAX],
    [doubleSample(Number.NaN), 0n],
    [doubleSample(-Infinity), INT64_MIN],
    [decimalSample('9007199254740993.7'), 9007199254740993n],
    [decimalSample('-9223372036854775808'), INT64_MIN],
    [decimalSample('9223372036854775808'), INT64_MAX],
    [decimalSample('-Infinity'), INT64_MIN],
    [decimalSample('1E-6176'), 0n],
    [decimalSample('1E+6000'), INT64_MAX],
    [decimalSample('0E+6000'), 0n],
    [decimalSample('NaN'), 0n],
  ])('are cut off to an int64 and held within its range: %#', (sample, expected) => {
    expect(integerOf(sample.raw)).toBe(expected);
  });

  test('are whole or not', () => {
    const whole = [
      int32Sample(1),
      int64Sample(INT64_MAX),
      doubleSample(2),
      decimalSample('2.0'),
      decimalSample('1E+3'),
    ];
    const others = [doubleSample(2.5), doubleSample(Infinity), decimalSample('2.5'), decimalSample('NaN')];
    expect(whole.every((sample) => isWholeNumber(sample.raw))).toBe(true);
    expect(others.some((sample) => isWholeNumber(sample.raw))).toBe(false);
    expect(isWholeNumber(rawString('2'))).toBe(false);
  });

  test('are cut off to 64 bits exactly, near the ends as well', () => {
    const decimal = (text: string): bigint | undefined => int64PartOf(decimalSample(text).raw);
    expect(decimal('9223372036854775807')).toBe(2n ** 63n - 1n);
    expect(decimal('9223372036854775807.5')).toBe(2n ** 63n - 1n);
    expect(decimal('9223372036854775808')).toBeUndefined();
    expect(decimal('-9223372036854775808.5')).toBe(-(2n ** 63n));
    expect(decimal('-9223372036854775809')).toBeUndefined();
    expect(decimal('0E+30')).toBe(0n);
    expect(decimal('-1E-6176')).toBe(0n);
    expect(decimal('NaN')).toBeUndefined();
    expect(int64PartOf(rawDouble(2 ** 63))).toBeUndefined();
    expect(int64PartOf(rawDouble(-2.5))).toBe(-2n);
  });

  test('of other types are none', () => {
    expect(numberOf(rawString('1'))).toBeNaN();
    expect(integerOf(rawString('1'))).toBeUndefined();
  });
});

test('false, zero, null and undefined are not true, everything else is', () => {
  const zeros = [int32Sample(0), int64Sample(0n), doubleSample(-0), decimalSample('0.00')].map(({ raw }) => raw);
  expect([...zeros, rawBool(false), RAW_NULL, RAW_UNDEFINED].some(isTruthy)).toBe(false);
  const others = [rawBool(true), rawString(''), doubleSample(Number.NaN).raw, decimalSample('1E-6176').raw];
  expect(others.every(isTruthy)).toBe(true);
});

test('texts and dates are read', () => {
  expect(maybeStringOf(rawString('a\0b'))).toBe('a\0b');
  expect(maybeStringOf(rawInt32(1))).toBeUndefined();
  expect(dateOf(rawDate(-1))).toBe(-1);
});

test('decimals with more digits than allowed count as zero', () => {
  const bytes = new Uint8Array(16).fill(0xff);
  bytes[15] = 0x30;
  bytes[14] = 0x41;
  expect(new Decimal128(bytes).toString()).toBe('0');
  expect(numberOf({ type: 19, bytes, start: 0, end: 16 })).toBe(0);
});
