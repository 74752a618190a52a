/** `$round` and `$trunc`, with or without a place. */
import { CommandError } from '../../base/command_error.ts';
import { numberOfDecimal } from '../../bson/decimal128.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { integerOf, numberOf, RAW_NULL, rawDouble, rawInt64, type RawValue } from '../../bson/value.ts';
import { decimalOf, decimalOfInteger, exactDecimalOfDouble, rawDecimal } from '../number/decimal.ts';
import { paddedDecimal, quantizeDecimal, type RoundingMode } from '../number/decimal_operations.ts';
import { coerceToLong, int32Of, isInt64, roundedWhole } from '../number/whole.ts';
import { listOperator } from './arguments.ts';
import { intOrLong, isNullish, isNumber, typeNameOf } from './build.ts';
import type { ExpressionOperator } from './operator.ts';

const PLACE_MIN = -20;
const PLACE_MAX = 100;

function roundingOperator(name: `$${string}`, mode: RoundingMode): ExpressionOperator {
  return listOperator(
    name,
    (values) => {
      const [value, place] = values;
      if (isNullish(value)) return RAW_NULL;
      if (!isNumber(value)) {
        throw new CommandError(51081, `${name} only supports numeric types, not ${typeNameOf(value)}`);
      }
      if (values.length === 1) return rounded(value, 0, mode);
      return isNullish(place) ? RAW_NULL : rounded(value, placeOf(name, place), mode);
    },
    { min: 1, max: 2 },
  );
}

function placeOf(name: string, place: RawValue): number {
  const whole = coerceToLong(place);
  if (int32Of(place) === undefined) {
    throw new CommandError(51082, `precision argument to  ${name} must be a integral value`);
  }
  if (whole < PLACE_MIN || whole > PLACE_MAX) {
    throw new CommandError(
      51083,
      `cannot apply ${name} with precision value ${whole} value must be in [${PLACE_MIN}, ${PLACE_MAX}]`,
    );
  }
  return Number(whole);
}

/** Doubles are rounded as the decimal that they are exactly, to 34 digits. */
function rounded(value: RawValue, place: number, mode: RoundingMode): RawValue {
  switch (value.type) {
    case BSON_TYPE.double: {
      const quantized = quantizeDecimal(exactDecimalOfDouble(numberOf(value)), -place, mode);
      return quantized.kind === 'finite' ? rawDouble(numberOfDecimal(quantized)) : value;
    }
    case BSON_TYPE.decimal128: {
      const decimal = decimalOf(value);
      if (decimal.kind !== 'finite') return value;
      const quantized = quantizeDecimal(decimal, -place, mode);
      return rawDecimal(quantized.kind === 'finite' ? quantized : paddedDecimal(decimal));
    }
    default:
      return place >= 0 ? value : roundedInteger(value, place, mode);
  }
}

function roundedInteger(value: RawValue, place: number, mode: RoundingMode): RawValue {
  const whole = roundedWhole(quantizeDecimal(decimalOfInteger(integerOf(value) ?? 0n), -place, mode)) ?? 0n;
  if (!isInt64(whole)) {
    throw new CommandError(51080, `invalid conversion from Decimal128 result in $round resulting from arguments`);
  }
  return value.type === BSON_TYPE.int64 ? rawInt64(whole) : intOrLong(whole);
}

export const roundOperator = roundingOperator('$round', 'halfEven');
export const truncOperator = roundingOperator('$trunc', 'towardZero');
