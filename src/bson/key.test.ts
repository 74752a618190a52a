import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareModels,
  decimalSample,
  doubleSample,
  int32Sample,
  int64Sample,
  nearNumberPairs,
  numberSamples,
  valueSamples,
  type Sample,
} from '../../tests/support/arbitrary_bson.ts';
import { compareBytes } from './bytes.ts';
import { compareValues } from './compare.ts';
import { KeyWriter } from './key.ts';
import { BSON_TYPE, canonicalType } from './types.ts';
import { rawString } from './value.ts';

const RUNS = { numRuns: 20_000 };

function keyOf(sample: Sample, descending = false): Uint8Array {
  return new KeyWriter().append(sample.raw, descending).finish();
}

/** -1, 0 or 1, and never -0. */
function signOf(order: number): number {
  return Math.sign(order) + 0;
}

function hexOf(sample: Sample): string {
  return Buffer.from(keyOf(sample)).toString('hex');
}

describe('keys and comparison', () => {
  test('numbers of all types compare by their exact value', () => {
    fc.assert(
      fc.property(numberSamples, numberSamples, (a, b) => {
        expect(signOf(compareValues(a.raw, b.raw))).toBe(signOf(compareModels(a.model, b.model)));
      }),
      RUNS,
    );
  });

  test('keys of numbers are in the order of the numbers, and equal for equal ones', () => {
    fc.assert(
      fc.property(numberSamples, numberSamples, (a, b) => {
        expect(signOf(compareBytes(keyOf(a), keyOf(b)))).toBe(signOf(compareModels(a.model, b.model)));
      }),
      RUNS,
    );
  });

  test('numbers next to each other compare and give keys by their exact value', () => {
    fc.assert(
      fc.property(nearNumberPairs, ([a, b]) => {
        const order = signOf(compareModels(a.model, b.model));
        expect(signOf(compareValues(a.raw, b.raw))).toBe(order);
        expect(signOf(compareBytes(keyOf(a), keyOf(b)))).toBe(order);
      }),
      RUNS,
    );
  });

  test('values of all types compare as the reference does', () => {
    fc.assert(
      fc.property(valueSamples, valueSamples, (a, b) => {
        expect(signOf(compareValues(a.raw, b.raw))).toBe(signOf(compareModels(a.model, b.model)));
      }),
      RUNS,
    );
  });

  test('keys of all types are in the order of the values, descending ones in the opposite order', () => {
    fc.assert(
      fc.property(valueSamples, valueSamples, (a, b) => {
        const order = signOf(compareModels(a.model, b.model));
        expect(signOf(compareBytes(keyOf(a), keyOf(b)))).toBe(order);
        expect(signOf(compareBytes(keyOf(a, true), keyOf(b, true)))).toBe(signOf(-order));
      }),
      RUNS,
    );
  });

  test('compound keys are in the order of the first component that differs, each in its direction', () => {
    const pair = fc.tuple(valueSamples, valueSamples);
    const directions = fc.tuple(fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(pair, pair, fc.boolean(), directions, (a, b, sameFirst, [firstDown, secondDown]) => {
        const left = sameFirst ? [b[0], a[1]] : a;
        const first = compareModels(left[0].model, b[0].model) * (firstDown ? -1 : 1);
        const second = compareModels(left[1].model, b[1].model) * (secondDown ? -1 : 1);
        const writer = new KeyWriter();
        const leftKey = writer.reset().append(left[0].raw, firstDown).append(left[1].raw, secondDown).finish();
        const rightKey = writer.reset().append(b[0].raw, firstDown).append(b[1].raw, secondDown).finish();
        expect(signOf(compareBytes(leftKey, rightKey))).toBe(signOf(first || second));
      }),
      RUNS,
    );
  });

  test('no key is the beginning of a different key, so that anything may follow', () => {
    fc.assert(
      fc.property(valueSamples, valueSamples, (a, b) => {
        const left = keyOf(a);
        const right = keyOf(b);
        const common = Math.min(left.length, right.length);
        const isPrefix = compareBytes(left.subarray(0, common), right.subarray(0, common)) === 0;
        expect(isPrefix).toBe(compareModels(a.model, b.model) === 0);
      }),
      RUNS,
    );
  });

  test('bounds of a type lie around its values and between its neighbours, in both directions', () => {
    const types = fc.constantFrom(...Object.values(BSON_TYPE));
    fc.assert(
      fc.property(valueSamples, types, fc.boolean(), (sample, type, descending) => {
        const key = keyOf(sample, descending);
        const direction = descending ? -1 : 1;
        const below = new KeyWriter().appendBelowType(type, descending).finish();
        const above = new KeyWriter().appendAboveType(type, descending).finish();
        const rank = canonicalType(sample.raw.type) - canonicalType(type);
        expect(signOf(compareBytes(key, below) * direction)).toBe(rank >= 0 ? 1 : -1);
        expect(signOf(compareBytes(key, above) * direction)).toBe(rank > 0 ? 1 : -1);
      }),
      RUNS,
    );
  });
});

describe('keys of numbers', () => {
  test.each([
    ['one', [int32Sample(1), int64Sample(1n), doubleSample(1), decimalSample('1'), decimalSample('1.00')]],
    ['zero', [int32Sample(0), int64Sample(0n), doubleSample(0), doubleSample(-0), decimalSample('-0E+3')]],
    ['a half', [doubleSample(0.5), decimalSample('0.5'), decimalSample('5000E-4')]],
    ['two and a half below zero', [doubleSample(-2.5), decimalSample('-2.50')]],
    ['NaN', [doubleSample(Number.NaN), decimalSample('NaN')]],
    ['infinity', [doubleSample(Infinity), decimalSample('Infinity')]],
    ['the lowest int64', [int64Sample(-(2n ** 63n)), doubleSample(-(2 ** 63)), decimalSample('-9223372036854775808')]],
    ['2^53 + 1', [int64Sample(2n ** 53n + 1n), decimalSample('9007199254740993')]],
  ])('equal numbers of different types have equal keys: %s', (_, samples) => {
    expect(new Set(samples.map(hexOf)).size).toBe(1);
  });

  test('0.1 the double is just above 0.1 the decimal', () => {
    expect(compareBytes(keyOf(decimalSample('0.1')), keyOf(doubleSample(0.1)))).toBeLessThan(0);
  });

  test('small whole numbers take two bytes', () => {
    expect(keyOf(int32Sample(5))).toHaveLength(2);
    expect(keyOf(doubleSample(-127))).toHaveLength(2);
  });
});

test('text with NUL inside keeps its order', () => {
  const texts = ['', '\0', '\0\0', '\0a', '\x01', 'a', 'a\0', 'a\0b', 'a\x01', 'ab'];
  const keys = texts.map((text) => new KeyWriter().append(rawString(text)).finish());
  expect(keys.toSorted(compareBytes)).toEqual(keys);
});

test('a writer can be used again, and its keys stay as they were', () => {
  const writer = new KeyWriter();
  const first = writer.append(rawString('x'.repeat(1000))).finish();
  const copy = first.slice();
  writer.reset().append(rawString('y'));
  expect(first).toEqual(copy);
  expect(writer.appendBytes(Uint8Array.of(1, 2)).length).toBe(5);
});
