/** The series of preferred numbers that `$bucketAuto` rounds its boundaries to. */
import { CommandError } from '../../base/command_error.ts';
import { compareNumbers } from '../../bson/compare_numbers.ts';
import { digitsOf, powerOfTen, type Decimal } from '../../bson/decimal128.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { numberOf, rawDouble, rawInt32, rawInt64, type RawValue } from '../../bson/value.ts';
import {
  decimalOf,
  decimalOfDouble,
  decimalOfInteger,
  multiplyDecimals,
  rawDecimal,
  roundedDecimal,
} from '../number/decimal.ts';
import { powerDecimal } from '../number/decimal_functions.ts';

/** Boundaries around a number that is not negative. Zero stays zero. */
export interface Rounder {
  /** The next one that is greater. */
  roundUp(value: RawValue): RawValue;
  /** The last one that is smaller. */
  roundDown(value: RawValue): RawValue;
}

const R5 = [10, 16, 25, 40, 63];
const R10 = [100, 125, 160, 200, 250, 315, 400, 500, 630, 800];
const R20 = [100, 112, 125, 140, 160, 180, 200, 224, 250, 280, 315, 355, 400, 450, 500, 560, 630, 710, 800, 900];
/** The standard's, without 335. */
const R40 = [
  ...[100, 106, 112, 118, 125, 132, 140, 150, 160, 170, 180, 190, 200, 212, 224, 236, 250, 265, 280, 300],
  ...[315, 355, 375, 400, 425, 450, 475, 500, 530, 560, 600, 630, 670, 710, 750, 800, 850, 900, 950],
];
/** Only what R40 does not have, and 575 where the standard has 580. */
const R80 = [
  ...[103, 109, 115, 122, 128, 136, 145, 155, 165, 175, 185, 195, 206, 218, 230, 243, 258, 272, 290, 307],
  ...[325, 345, 365, 387, 412, 437, 462, 487, 515, 545, 575, 615, 650, 690, 730, 775, 825, 875, 925, 975],
];
const E6 = [10, 15, 22, 33, 47, 68];
const E12 = [10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82];
const E24 = [10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91];

/** The last power of ten that is not zero as a double, less one. */
const LEAST_EXPONENT = -324;
/** More steps of ten than this change nothing in a double. */
const DOUBLE_DECADES = 400;

const SERIES: ReadonlyMap<string, readonly number[]> = new Map([
  ['R5', R5],
  ['R10', R10],
  ['R20', R20],
  ['R40', R40],
  ['R80', R80],
  ['1-2-5', [10, 20, 50]],
  ['E6', E6],
  ['E12', E12],
  ['E24', E24],
  ['E48', geometric(48)],
  ['E96', geometric(96)],
  ['E192', geometric(192)],
]);

/** Three digits each. The standard has 920 where the formula gives 919. */
function geometric(count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const value = Math.round(100 * 10 ** (i / count));
    return value === 919 ? 920 : value;
  });
}

/** Throws 40257 for a name that is none. */
export function rounderOf(name: string): Rounder {
  if (name === 'POWERSOF2') return POWERS_OF_TWO;
  const series = SERIES.get(name);
  if (series === undefined) throw new CommandError(40257, `Unknown rounding granularity '${name}'`);
  return {
    roundUp: nonZero((value) => boundariesNear(series, value).find((at) => compareNumbers(at, value) > 0) ?? value),
    roundDown: nonZero((value) => {
      const found = boundariesNear(series, value).findLast((at) => compareNumbers(at, value) < 0);
      return found ?? rawDouble(0);
    }),
  };
}

const POWERS_OF_TWO: Rounder = {
  roundUp: nonZero((value) => powerOfTwo(Math.floor(Math.log2(numberOf(value))) + 1, value)),
  roundDown: nonZero((value) => powerOfTwo(Math.ceil(Math.log2(numberOf(value))) - 1, value)),
};

function nonZero(round: (value: RawValue) => RawValue): (value: RawValue) => RawValue {
  return (value) => (numberOf(value) === 0 ? value : round(value));
}

/** Of the smallest type that holds it; decimals stay decimals. */
function powerOfTwo(power: number, like: RawValue): RawValue {
  if (like.type === BSON_TYPE.decimal128) {
    return rawDecimal(powerDecimal(decimalOfInteger(2n), decimalOfInteger(BigInt(power))));
  }
  const value = 2 ** power;
  if (power < 0 || power >= 63) return rawDouble(value);
  return value === (value | 0) ? rawInt32(value) : rawInt64(BigInt(value));
}

/** The members of a series in the decades around a number, ascending. */
function boundariesNear(series: readonly number[], value: RawValue): RawValue[] {
  if (value.type === BSON_TYPE.decimal128) return decimalsNear(series, decimalOf(value));
  const exponent = Math.floor(Math.log10(numberOf(value))) - Math.floor(Math.log10(series[0]));
  return decadesAround(Math.max(exponent, LEAST_EXPONENT)).flatMap((power) => {
    const scale = doubleScale(power);
    return series.map((base) => rawDouble(base * scale));
  });
}

function decimalsNear(series: readonly number[], { kind, coefficient, exponent }: Decimal): RawValue[] {
  if (kind !== 'finite') return [];
  const magnitude = exponent + digitsOf(coefficient) - digitsOf(BigInt(series[0]));
  return decadesAround(magnitude).flatMap((power) => {
    const scale = roundedDecimal(false, powerOfTen(Math.max(power, 0)), Math.min(power, 0));
    return series.map((base) => rawDecimal(multiplyDecimals(decimalOfDouble(base), scale)));
  });
}

function decadesAround(exponent: number): number[] {
  return [exponent - 1, exponent, exponent + 1];
}

/** Step by step, which decides how the numbers below one are rounded. */
function doubleScale(power: number): number {
  let scale = 1;
  for (let i = 0; i < Math.min(Math.abs(power), DOUBLE_DECADES); i++) scale = power < 0 ? scale / 10 : scale * 10;
  return scale;
}

/** Throws for what cannot be rounded. */
export function checkRoundable(value: RawValue): void {
  if (!isNumericType(value.type)) {
    throw new CommandError(
      40258,
      "$bucketAuto can specify a 'granularity' with numeric boundaries only, but found a value with type: " +
        typeAlias(value.type === BSON_TYPE.undefined ? BSON_TYPE.null : value.type),
    );
  }
  const number = numberOf(value);
  if (Number.isNaN(number)) {
    throw new CommandError(
      40259,
      "$bucketAuto can specify a 'granularity' with numeric boundaries only, but found a NaN",
    );
  }
  if (number < 0) {
    throw new CommandError(
      40260,
      `$bucketAuto can specify a 'granularity' with non-negative numbers only, but found a negative number: ${number}`,
    );
  }
}
