/** Numbers as whole numbers, the ways MongoDB makes them of the four types. */
import { CommandError } from '../../base/command_error.ts';
import { int32At } from '../../bson/bytes.ts';
import { decimalAt, powerOfTen, type Decimal } from '../../bson/decimal128.ts';
import { BSON_TYPE, typeAlias, type ValueSpan } from '../../bson/types.ts';
import { int64PartOf, isNumeric, isWholeNumber, numberOf } from '../../bson/value.ts';
import { printedDouble } from './print_double.ts';

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

/** Cut off towards zero. Throws 16004 for what is no number, 31109 for what does not fit. */
export function coerceToLong(value: ValueSpan): bigint {
  if (!isNumeric(value)) throw new CommandError(16004, `can't convert from BSON type ${typeAlias(value.type)} to long`);
  const whole = int64PartOf(value);
  if (whole !== undefined) return whole;
  throw new CommandError(31109, `Can't coerce out of range value ${printedDouble(numberOf(value))} to long`);
}

/** The value when it is a whole number in the range of int32, of whatever type. */
export function int32Of(value: ValueSpan): number | undefined {
  if (value.type === BSON_TYPE.int32) return int32At(value.bytes, value.start);
  if (!isNumeric(value) || !isWholeNumber(value)) return undefined;
  const whole = numberOf(value);
  return whole >= INT32_MIN && whole <= INT32_MAX ? whole + 0 : undefined;
}

/** The value when it is a whole number in the range of int64, of whatever type. */
export function int64Of(value: ValueSpan): bigint | undefined {
  return isNumeric(value) && isWholeNumber(value) ? int64PartOf(value) : undefined;
}

/** A decimal rounded to a whole number, halves to even; undefined for infinity and NaN. */
export function roundedWhole(decimal: Decimal): bigint | undefined {
  if (decimal.kind !== 'finite') return undefined;
  const { coefficient, exponent, negative } = decimal;
  let size = coefficient;
  if (exponent > 0) {
    if (exponent > 40 && coefficient !== 0n) return undefined;
    size *= powerOfTen(Math.min(exponent, 40));
  } else if (exponent < 0) {
    const unit = powerOfTen(-exponent);
    size = coefficient / unit;
    const twice = (coefficient - size * unit) * 2n;
    if (twice > unit || (twice === unit && (size & 1n) === 1n)) size++;
  }
  return negative ? -size : size;
}

export function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

/** Whether a number is zero, whichever its type. */
export function isZero(value: ValueSpan): boolean {
  if (value.type !== BSON_TYPE.decimal128) return numberOf(value) === 0;
  const decimal = decimalAt(value.bytes, value.start);
  return decimal.kind === 'finite' && decimal.coefficient === 0n;
}
