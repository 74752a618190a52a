/** Operators on one number: `$abs $ceil $floor $exp $ln $log10 $sqrt`, and `$log` and `$pow` on two. */
import { CommandError } from '../../base/command_error.ts';
import { decimalAt } from '../../bson/decimal128.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { integerOf, numberOf, RAW_NULL, rawDouble, rawInt64, type RawValue } from '../../bson/value.ts';
import type { Decimal } from '../../bson/decimal128.ts';
import { widerType } from '../number/arithmetic.ts';
import { decimalOf, divideDecimals, rawDecimal } from '../number/decimal.ts';
import { expDecimal, lnDecimal, log10Decimal, powerDecimal } from '../number/decimal_functions.ts';
import { quantizeDecimal, squareRootDecimal, type RoundingMode } from '../number/decimal_operations.ts';
import { printedNumber } from '../number/print_number.ts';
import { isInt64, isZero } from '../number/whole.ts';
import { binaryOperator, nullableOperator } from './arguments.ts';
import { intOrLong, isNullish, isNumber, typeNameOf } from './build.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';

/** The functions of one operator for doubles and for decimals. */
export interface NumberFunction {
  readonly double: (value: number) => number;
  readonly decimal: (value: Decimal) => Decimal;
}

/** An operator on one number: integers become doubles. */
export function functionOperator(
  name: `$${string}`,
  { double, decimal }: NumberFunction,
  check?: (value: RawValue) => void,
): ExpressionOperator {
  return nullableOperator(name, (value) => {
    if (!isNumber(value)) throw notNumeric(name, value);
    check?.(value);
    return value.type === BSON_TYPE.decimal128
      ? rawDecimal(decimal(decimalOf(value)))
      : rawDouble(double(numberOf(value)));
  });
}

export function notNumeric(name: string, value: Value): CommandError {
  return new CommandError(28765, `${name} only supports numeric types, not ${typeNameOf(value)}`);
}

export const absOperator = nullableOperator('$abs', (value) => {
  switch (value.type) {
    case BSON_TYPE.int32:
      return intOrLong(magnitudeOf(value));
    case BSON_TYPE.int64: {
      const size = magnitudeOf(value);
      if (!isInt64(size)) throw new CommandError(28680, "can't take $abs of long long min");
      return rawInt64(size);
    }
    case BSON_TYPE.double:
      return rawDouble(Math.abs(numberOf(value)));
    case BSON_TYPE.decimal128:
      return rawDecimal({ ...decimalOf(value), negative: false });
    default:
      throw notNumeric('$abs', value);
  }
});

function magnitudeOf(value: RawValue): bigint {
  const whole = integerOf(value) ?? 0n;
  return whole < 0n ? -whole : whole;
}

function wholeOperator(name: `$${string}`, double: (value: number) => number, mode: RoundingMode): ExpressionOperator {
  return nullableOperator(name, (value) => {
    switch (value.type) {
      case BSON_TYPE.int32:
      case BSON_TYPE.int64:
        return value;
      case BSON_TYPE.double:
        return rawDouble(double(numberOf(value)));
      case BSON_TYPE.decimal128:
        return rawDecimal(quantizeDecimal(decimalOf(value), 0, mode));
      default:
        throw notNumeric(name, value);
    }
  });
}

export const ceilOperator = wholeOperator('$ceil', Math.ceil, 'up');
export const floorOperator = wholeOperator('$floor', Math.floor, 'down');

export const expOperator = functionOperator('$exp', { double: Math.exp, decimal: expDecimal });

/** NaN passes. */
function checkPositive(code: number, name: string): (value: RawValue) => void {
  return (value) => {
    if (!isPositive(value) && !Number.isNaN(numberOf(value))) {
      throw new CommandError(code, `${name}'s argument must be a positive number, but is ${printedNumber(value)}`);
    }
  };
}

function isPositive(value: RawValue): boolean {
  if (value.type !== BSON_TYPE.decimal128) return numberOf(value) > 0;
  const decimal = decimalAt(value.bytes, value.start);
  return decimal.kind !== 'nan' && !decimal.negative && !isZero(value);
}

export const lnOperator = functionOperator(
  '$ln',
  { double: Math.log, decimal: lnDecimal },
  checkPositive(28766, '$ln'),
);

export const log10Operator = functionOperator(
  '$log10',
  { double: Math.log10, decimal: log10Decimal },
  checkPositive(28761, '$log10'),
);

export const sqrtOperator = functionOperator('$sqrt', { double: Math.sqrt, decimal: squareRootDecimal }, (value) => {
  const isNegative = isZero(value) ? false : !isPositive(value) && !Number.isNaN(numberOf(value));
  if (isNegative) throw new CommandError(28714, "$sqrt's argument must be greater than or equal to 0");
});

export const logOperator = binaryOperator('$log', (value, base) => {
  if (isNullish(value) || isNullish(base)) return RAW_NULL;
  if (!isNumber(value)) throw new CommandError(28756, `$log's argument must be numeric, not ${typeNameOf(value)}`);
  if (!isNumber(base)) throw new CommandError(28757, `$log's base must be numeric, not ${typeNameOf(base)}`);
  if (!isPositive(value) && !Number.isNaN(numberOf(value))) {
    const shown = printedNumber(value);
    throw new CommandError(28758, `$log's argument must be a positive number, but is ${shown}`);
  }
  if ((!isPositive(base) && !Number.isNaN(numberOf(base))) || numberOf(base) === 1) {
    const shown = printedNumber(base);
    throw new CommandError(28759, `$log's base must be a positive number not equal to 1, but is ${shown}`);
  }
  return widerType(value.type, base.type) === BSON_TYPE.decimal128
    ? rawDecimal(divideDecimals(lnDecimal(decimalOf(value)), lnDecimal(decimalOf(base))))
    : rawDouble(Math.log(numberOf(value)) / Math.log(numberOf(base)));
});

/** Whole as long as both operands are and the result is. */
export const powOperator = binaryOperator('$pow', (base, exponent) => {
  if (isNullish(base) || isNullish(exponent)) return RAW_NULL;
  if (!isNumber(base)) throw new CommandError(28762, `$pow's base must be numeric, not ${typeNameOf(base)}`);
  if (!isNumber(exponent)) {
    throw new CommandError(28763, `$pow's exponent must be numeric, not ${typeNameOf(exponent)}`);
  }
  if (isZero(base) && numberOf(exponent) < 0) {
    throw new CommandError(28764, '$pow cannot take a base of 0 and a negative exponent');
  }
  const type = widerType(base.type, exponent.type);
  if (type === BSON_TYPE.decimal128) return rawDecimal(powerDecimal(decimalOf(base), decimalOf(exponent)));
  if (type === BSON_TYPE.double) return rawDouble(powerOf(numberOf(base), numberOf(exponent)));
  const whole = wholePower(integerOf(base) ?? 0n, integerOf(exponent) ?? 0n);
  if (whole === undefined) return rawDouble(powerOf(numberOf(base), numberOf(exponent)));
  return type === BSON_TYPE.int64 ? rawInt64(whole) : intOrLong(whole);
});

/** As C has it, where JavaScript says NaN: 1 to any power, and -1 to an infinite one, is 1. */
function powerOf(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  return base ** exponent;
}

/** Undefined when the result is a fraction or leaves int64. */
function wholePower(base: bigint, exponent: bigint): bigint | undefined {
  if (base === 1n) return 1n;
  if (base === -1n) return (exponent & 1n) === 0n ? 1n : -1n;
  if (base === 0n) return exponent === 0n ? 1n : 0n;
  if (exponent < 0n || exponent > 63n) return undefined;
  const power = base ** exponent;
  return isInt64(power) ? power : undefined;
}
