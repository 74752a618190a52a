/** Trigonometry, circular and hyperbolic, and degrees. */
import { CommandError } from '../../base/command_error.ts';
import type { Decimal } from '../../bson/decimal128.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { numberOf, RAW_NULL, rawDouble, type RawValue } from '../../bson/value.ts';
import { widerType } from '../number/arithmetic.ts';
import { decimalOf, decimalOfInteger, divideDecimals, multiplyDecimals, rawDecimal } from '../number/decimal.ts';
import {
  acosDecimal,
  acoshDecimal,
  asinDecimal,
  asinhDecimal,
  atan2Decimal,
  atanDecimal,
  atanhDecimal,
  cosDecimal,
  coshDecimal,
  DECIMAL_PI,
  sinDecimal,
  sinhDecimal,
  tanDecimal,
  tanhDecimal,
} from '../number/decimal_functions.ts';
import { printedNumber } from '../number/print_number.ts';
import { binaryOperator } from './arguments.ts';
import { isNullish, isNumber, typeNameOf } from './build.ts';
import { functionOperator, type NumberFunction } from './numeric.ts';
import type { ExpressionOperator } from './operator.ts';

interface Domain {
  readonly min: number;
  readonly max: number;
  /** As the error shows it. */
  readonly shown: string;
}

const FINITE: Domain = { min: -Number.MAX_VALUE, max: Number.MAX_VALUE, shown: '(-inf,inf)' };
const UNIT: Domain = { min: -1, max: 1, shown: '[-1,1]' };
const FROM_ONE: Domain = { min: 1, max: Infinity, shown: '[1,inf]' };

function within(name: `$${string}`, functions: NumberFunction, domain: Domain): ExpressionOperator {
  return functionOperator(name, functions, (value) => {
    const near = limitOf(value, domain);
    if (Number.isNaN(near) || (near >= domain.min && near <= domain.max)) return;
    const shown = printedNumber(value);
    throw new CommandError(50989, `cannot apply ${name} to ${shown}, value must be in ${domain.shown}`);
  });
}

/** The nearest double; a decimal too large for one is still finite. */
function limitOf(value: RawValue, domain: Domain): number {
  const near = numberOf(value);
  const isFinite = value.type === BSON_TYPE.decimal128 && decimalOf(value).kind === 'finite';
  return domain === FINITE && isFinite && Math.abs(near) === Infinity ? Math.sign(near) : near;
}

export const sinOperator = within('$sin', { double: Math.sin, decimal: sinDecimal }, FINITE);
export const cosOperator = within('$cos', { double: Math.cos, decimal: cosDecimal }, FINITE);
export const tanOperator = within('$tan', { double: Math.tan, decimal: tanDecimal }, FINITE);
export const asinOperator = within('$asin', { double: Math.asin, decimal: asinDecimal }, UNIT);
export const acosOperator = within('$acos', { double: Math.acos, decimal: acosDecimal }, UNIT);
export const atanOperator = functionOperator('$atan', { double: Math.atan, decimal: atanDecimal });
export const sinhOperator = functionOperator('$sinh', { double: Math.sinh, decimal: sinhDecimal });
export const coshOperator = functionOperator('$cosh', { double: Math.cosh, decimal: coshDecimal });
export const tanhOperator = functionOperator('$tanh', { double: Math.tanh, decimal: tanhDecimal });
export const asinhOperator = functionOperator('$asinh', { double: Math.asinh, decimal: asinhDecimal });
export const acoshOperator = within('$acosh', { double: Math.acosh, decimal: acoshDecimal }, FROM_ONE);
export const atanhOperator = within('$atanh', { double: Math.atanh, decimal: atanhDecimal }, UNIT);

const HALF_TURN: Decimal = decimalOfInteger(180n);

export const degreesToRadiansOperator = functionOperator('$degreesToRadians', {
  double: (degrees) => degrees * (Math.PI / 180),
  decimal: (degrees) => multiplyDecimals(degrees, divideDecimals(DECIMAL_PI, HALF_TURN)),
});

export const radiansToDegreesOperator = functionOperator('$radiansToDegrees', {
  double: (radians) => radians * (180 / Math.PI),
  decimal: (radians) => multiplyDecimals(radians, divideDecimals(HALF_TURN, DECIMAL_PI)),
});

export const atan2Operator = binaryOperator('$atan2', (y, x) => {
  if (isNullish(y) || isNullish(x)) return RAW_NULL;
  if (!isNumber(y)) throw new CommandError(51044, `$atan2 only supports numeric types, not ${typeNameOf(y)}`);
  if (!isNumber(x)) throw new CommandError(51045, `$atan2 only supports numeric types, not ${typeNameOf(x)}`);
  return widerType(y.type, x.type) === BSON_TYPE.decimal128
    ? rawDecimal(atan2Decimal(decimalOf(y), decimalOf(x)))
    : rawDouble(Math.atan2(numberOf(y), numberOf(x)));
});
