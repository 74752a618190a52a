/** `$add $subtract $multiply $divide $mod`: the wider type of the operands, and wider still where it does not fit. */
import { CommandError } from '../../base/command_error.ts';
import { int64At } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { integerOf, numberOf, RAW_NULL, rawDouble, rawInt64, type RawValue } from '../../bson/value.ts';
import { widerType } from '../number/arithmetic.ts';
import { decimalOf, divideDecimals, rawDecimal } from '../number/decimal.ts';
import { remainderDecimals, subtractDecimals } from '../number/decimal_operations.ts';
import { Product } from '../number/product.ts';
import { NumberSum } from '../number/sum.ts';
import { coerceToLong, int32Of, isInt64, isZero } from '../number/whole.ts';
import { binaryOperator, lazyOperator } from './arguments.ts';
import { rawInstant } from './date_operand.ts';
import { intOrLong, isNullish, isNumber, typeNameOf } from './build.ts';
import type { Value } from './types.ts';

/** One operand may be a date; then the result is one. Null wins over what comes after it. */
export const addOperator = lazyOperator('$add', (parts, root) => {
  const sum = new NumberSum();
  let hasDate = false;
  for (const part of parts) {
    const value = part.evaluate(root);
    if (isNullish(value)) return RAW_NULL;
    if (value.type === BSON_TYPE.date) {
      if (hasDate) throw new CommandError(16612, 'only one date allowed in an $add expression');
      hasDate = true;
      sum.add(rawInt64(int64At(value.bytes, value.start)));
    } else if (isNumber(value)) {
      sum.add(value);
    } else {
      throw new CommandError(16554, `$add only supports numeric or date types, not ${typeNameOf(value)}`);
    }
  }
  if (!hasDate) return sum.result();
  const total = sum.whole();
  if (total === undefined) throw new CommandError('Overflow', 'date overflow in $add');
  return rawInstant(total);
});

export const multiplyOperator = lazyOperator('$multiply', (parts, root) => {
  const product = new Product();
  for (const part of parts) {
    const value = part.evaluate(root);
    if (isNullish(value)) return RAW_NULL;
    if (!isNumber(value)) {
      throw new CommandError(16555, `$multiply only supports numeric types, not ${typeNameOf(value)}`);
    }
    product.multiplyBy(value);
  }
  return product.result();
});

export const subtractOperator = binaryOperator('$subtract', (left, right) => {
  if (isNullish(left) || isNullish(right)) return RAW_NULL;
  if (isNumber(left) && isNumber(right)) return differenceOf(left, right);
  if (left.type !== BSON_TYPE.date) {
    throw new CommandError(16556, `cant $subtract a${typeNameOf(right)} from a ${typeNameOf(left)}`);
  }
  const from = int64At(left.bytes, left.start);
  if (right.type === BSON_TYPE.date) return rawInt64(BigInt.asIntN(64, from - int64At(right.bytes, right.start)));
  if (!isNumber(right)) throw new CommandError(16613, `can't $subtract a ${typeNameOf(right)} from a Date`);
  const difference = from - coerceToLong(right);
  if (!isInt64(difference)) throw new CommandError('Overflow', 'date overflow in $subtract');
  return rawInstant(difference);
});

function differenceOf(left: RawValue, right: RawValue): RawValue {
  switch (widerType(left.type, right.type)) {
    case BSON_TYPE.decimal128:
      return rawDecimal(subtractDecimals(decimalOf(left), decimalOf(right)));
    case BSON_TYPE.double:
      return rawDouble(numberOf(left) - numberOf(right));
    case BSON_TYPE.int64: {
      const difference = (integerOf(left) ?? 0n) - (integerOf(right) ?? 0n);
      return isInt64(difference) ? rawInt64(difference) : rawDouble(numberOf(left) - numberOf(right));
    }
    default:
      return intOrLong((integerOf(left) ?? 0n) - (integerOf(right) ?? 0n));
  }
}

/** Always a double or a decimal. */
export const divideOperator = binaryOperator('$divide', (left, right) => {
  if (isNumber(left) && isNumber(right)) {
    if (isZero(right)) throw new CommandError(16608, "can't $divide by zero");
    return widerType(left.type, right.type) === BSON_TYPE.decimal128
      ? rawDecimal(divideDecimals(decimalOf(left), decimalOf(right)))
      : rawDouble(numberOf(left) / numberOf(right));
  }
  return nullOr(left, right, 16609, '$divide');
});

/** The sign is that of the dividend. A whole double as divisor does not make the result a double. */
export const modOperator = binaryOperator('$mod', (left, right) => {
  if (!isNumber(left) || !isNumber(right)) return nullOr(left, right, 16611, '$mod');
  if (isZero(right)) throw new CommandError(16610, "can't $mod by zero");
  if (widerType(left.type, right.type) === BSON_TYPE.decimal128) {
    return rawDecimal(remainderDecimals(decimalOf(left), decimalOf(right)));
  }
  if (left.type === BSON_TYPE.double || (right.type === BSON_TYPE.double && int32Of(right) === undefined)) {
    return rawDouble(numberOf(left) % numberOf(right));
  }
  const remainder = (integerOf(left) ?? 0n) % (integerOf(right) ?? 1n);
  const isLong = left.type === BSON_TYPE.int64 || right.type === BSON_TYPE.int64;
  return isLong ? rawInt64(remainder) : intOrLong(remainder);
});

function nullOr(left: Value, right: Value, code: number, name: string): RawValue {
  if (isNullish(left) || isNullish(right)) return RAW_NULL;
  const types = `${typeNameOf(left)} and ${typeNameOf(right)}`;
  throw new CommandError(code, `${name} only supports numeric types, not ${types}`);
}
