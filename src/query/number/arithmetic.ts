/**
 * Arithmetic on values as they are stored. The result has the wider of the two types, in the order int32, int64, double,
 * decimal; an int32 result that does not fit becomes int64.
 */
import { int32At } from '../../bson/bytes.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { integerOf, numberOf, rawDouble, rawInt32, rawInt64, type RawValue } from '../../bson/value.ts';
import { addDecimals, decimalOf, multiplyDecimals, rawDecimal } from './decimal.ts';

/** Undefined when both are integers and the result leaves the range of int64. Both must be numbers. */
export function addNumbers(a: ValueSpan, b: ValueSpan): RawValue | undefined {
  switch (widerType(a.type, b.type)) {
    case BSON_TYPE.int32:
      return narrowest(int32At(a.bytes, a.start) + int32At(b.bytes, b.start));
    case BSON_TYPE.int64:
      return inInt64((integerOf(a) ?? 0n) + (integerOf(b) ?? 0n));
    case BSON_TYPE.double:
      return rawDouble(numberOf(a) + numberOf(b));
    default:
      return rawDecimal(addDecimals(decimalOf(a), decimalOf(b)));
  }
}

/** As {@link addNumbers}. */
export function multiplyNumbers(a: ValueSpan, b: ValueSpan): RawValue | undefined {
  switch (widerType(a.type, b.type)) {
    case BSON_TYPE.int32: {
      const product = (integerOf(a) ?? 0n) * (integerOf(b) ?? 0n);
      return BigInt.asIntN(32, product) === product ? rawInt32(Number(product)) : rawInt64(product);
    }
    case BSON_TYPE.int64:
      return inInt64((integerOf(a) ?? 0n) * (integerOf(b) ?? 0n));
    case BSON_TYPE.double:
      return rawDouble(numberOf(a) * numberOf(b));
    default:
      return rawDecimal(multiplyDecimals(decimalOf(a), decimalOf(b)));
  }
}

const WIDTHS: ReadonlyMap<number, number> = new Map([
  [BSON_TYPE.int32, 1],
  [BSON_TYPE.int64, 2],
  [BSON_TYPE.double, 3],
  [BSON_TYPE.decimal128, 4],
]);

/** The type of a result of two numbers. */
export function widerType(a: number, b: number): number {
  return (WIDTHS.get(a) ?? 0) >= (WIDTHS.get(b) ?? 0) ? a : b;
}

/** int32 when it fits, else int64. */
function narrowest(value: number): RawValue {
  return value === (value | 0) ? rawInt32(value) : rawInt64(BigInt(value));
}

function inInt64(value: bigint): RawValue | undefined {
  return BigInt.asIntN(64, value) === value ? rawInt64(value) : undefined;
}
