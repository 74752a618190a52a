/** The series of preferred numbers that `$bucketAuto` rounds its boundaries to. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { numberOf, rawDouble, rawInt32, rawInt64, type RawValue } from '../../bson/value.ts';

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
const R40 = [
  ...[100, 106, 112, 118, 125, 132, 140, 150, 160, 170, 180, 190, 200, 212, 224, 236, 250, 265, 280, 300],
  ...[315, 335, 355, 375, 400, 425, 450, 475, 500, 530, 560, 600, 630, 670, 710, 750, 800, 850, 900, 950],
];
const R80 = [
  ...[103, 109, 115, 122, 128, 136, 145, 155, 165, 175, 185, 195, 206, 218, 230, 243, 258, 272, 290, 307],
  ...[325, 345, 365, 387, 412, 437, 462, 487, 515, 545, 580, 615, 650, 690, 730, 775, 825, 875, 925, 975],
  ...R40,
].toSorted((a, b) => a - b);
const E6 = [10, 15, 22, 33, 47, 68];
const E12 = [10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82];
const E24 = [10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30, 33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91];

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
    roundUp: (value) => nonZero(value, (number) => rawDouble(smallest(boundariesNear(series, number), number))),
    roundDown: (value) => nonZero(value, (number) => rawDouble(largest(boundariesNear(series, number), number))),
  };
}

const POWERS_OF_TWO: Rounder = {
  roundUp: (value) => nonZero(value, (number) => rawWhole(2 ** (Math.floor(Math.log2(number)) + 1))),
  roundDown: (value) => nonZero(value, (number) => rawWhole(2 ** (Math.ceil(Math.log2(number)) - 1))),
};

function rawWhole(value: number): RawValue {
  if (value < 1 || value >= 2 ** 63) return rawDouble(value);
  return value === (value | 0) ? rawInt32(value) : rawInt64(BigInt(value));
}

function nonZero(value: RawValue, round: (number: number) => RawValue): RawValue {
  const number = numberOf(value);
  return number === 0 ? rawInt32(0) : round(number);
}

/** The members of a series in the decades around a number, ascending. */
function boundariesNear(series: readonly number[], number: number): number[] {
  const exponent = Math.floor(Math.log10(number)) - Math.floor(Math.log10(series[0]));
  return [exponent - 1, exponent, exponent + 1].flatMap((power) =>
    series.map((base) => (power < 0 ? base / 10 ** -power : base * 10 ** power)),
  );
}

function smallest(boundaries: readonly number[], above: number): number {
  return boundaries.find((boundary) => boundary > above) ?? above;
}

function largest(boundaries: readonly number[], below: number): number {
  return boundaries.findLast((boundary) => boundary < below) ?? below;
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
