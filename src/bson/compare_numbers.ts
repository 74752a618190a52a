/** The order of numbers of different types, exact: no operand is rounded to the other's type. NaN comes first. */
import { doubleAt, int32At, int64AsNumberAt, int64At, uint32At } from './bytes.ts';
import { compareDecimalMagnitudes, compareMagnitudeToDouble, decimalAt, type Decimal } from './decimal128.ts';
import { BSON_TYPE, type ValueSpan } from './types.ts';

/** Negative, zero or positive. Both values are numbers. */
export function compareNumbers(a: ValueSpan, b: ValueSpan): number {
  const aType = a.type;
  const bType = b.type;
  if (aType === BSON_TYPE.int32 && bType === BSON_TYPE.int32) {
    return int32At(a.bytes, a.start) - int32At(b.bytes, b.start);
  }
  if (aType === BSON_TYPE.decimal128 || bType === BSON_TYPE.decimal128) return compareWithDecimal(a, b);
  if (aType === BSON_TYPE.int64 && bType === BSON_TYPE.int64) return compareInt64s(a, b);
  if (aType === BSON_TYPE.int64 && bType === BSON_TYPE.double) {
    return compareInt64ToDouble(a, doubleAt(b.bytes, b.start));
  }
  if (aType === BSON_TYPE.double && bType === BSON_TYPE.int64) {
    return -compareInt64ToDouble(b, doubleAt(a.bytes, a.start));
  }
  return compareDoubles(nativeNumber(a), nativeNumber(b));
}

/** The value of an int32 or a double, exactly; of an int64 nearly, which suffices against an int32. */
function nativeNumber(value: ValueSpan): number {
  if (value.type === BSON_TYPE.int32) return int32At(value.bytes, value.start);
  if (value.type === BSON_TYPE.double) return doubleAt(value.bytes, value.start);
  return int64AsNumberAt(value.bytes, value.start);
}

function compareDoubles(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return (Number.isNaN(b) ? 1 : 0) - (Number.isNaN(a) ? 1 : 0);
}

function compareInt64s(a: ValueSpan, b: ValueSpan): number {
  const high = int32At(a.bytes, a.start + 4) - int32At(b.bytes, b.start + 4);
  return high !== 0 ? high : uint32At(a.bytes, a.start) - uint32At(b.bytes, b.start);
}

function compareInt64ToDouble(int: ValueSpan, double: number): number {
  if (Number.isNaN(double)) return 1;
  const near = int64AsNumberAt(int.bytes, int.start);
  if (near !== double || Number.isSafeInteger(near)) return compareDoubles(near, double);
  // The integer rounds to this double, which is whole: above 2^53 doubles have no fraction.
  const exact = int64At(int.bytes, int.start);
  const other = BigInt(double);
  if (exact === other) return 0;
  return exact < other ? -1 : 1;
}

function compareWithDecimal(a: ValueSpan, b: ValueSpan): number {
  if (b.type !== BSON_TYPE.decimal128) return compareDecimalTo(decimalAt(a.bytes, a.start), b);
  if (a.type !== BSON_TYPE.decimal128) return -compareDecimalTo(decimalAt(b.bytes, b.start), a);
  return compareDecimals(decimalAt(a.bytes, a.start), decimalAt(b.bytes, b.start));
}

function compareDecimalTo(decimal: Decimal, other: ValueSpan): number {
  if (other.type !== BSON_TYPE.double) {
    const value = other.type === BSON_TYPE.int32 ? BigInt(nativeNumber(other)) : int64At(other.bytes, other.start);
    const negative = value < 0n;
    return compareDecimals(decimal, { kind: 'finite', negative, coefficient: negative ? -value : value, exponent: 0 });
  }
  const double = doubleAt(other.bytes, other.start);
  if (decimal.kind === 'nan' || Number.isNaN(double)) {
    return (Number.isNaN(double) ? 1 : 0) - (decimal.kind === 'nan' ? 1 : 0);
  }
  const decimalSign = signOf(decimal);
  const doubleSign = Math.sign(double);
  if (decimalSign !== doubleSign || decimalSign === 0) return decimalSign - doubleSign;
  if (decimal.kind === 'infinity' || !Number.isFinite(double)) {
    const rank = (decimal.kind === 'infinity' ? 1 : 0) - (Number.isFinite(double) ? 0 : 1);
    return rank * decimalSign;
  }
  return compareMagnitudeToDouble(decimal, Math.abs(double)) * decimalSign;
}

function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.kind === 'nan' || b.kind === 'nan') return (b.kind === 'nan' ? 1 : 0) - (a.kind === 'nan' ? 1 : 0);
  const aSign = signOf(a);
  const bSign = signOf(b);
  if (aSign !== bSign || aSign === 0) return aSign - bSign;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    return ((a.kind === 'infinity' ? 1 : 0) - (b.kind === 'infinity' ? 1 : 0)) * aSign;
  }
  return compareDecimalMagnitudes(a, b) * aSign;
}

function signOf(decimal: Decimal): number {
  if (decimal.kind === 'finite' && decimal.coefficient === 0n) return 0;
  return decimal.negative ? -1 : 1;
}
