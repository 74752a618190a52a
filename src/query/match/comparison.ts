/** `$eq $lt $lte $gt $gte`: tests of a value against an operand, within the operand's class of types. */
import { doubleAt, int32At, uint32At } from '../../bson/bytes.ts';
import { compareValues } from '../../bson/compare.ts';
import { BSON_TYPE, canonicalType, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';
import { BINARY_ORDER, isCollatable, type ValueOrder } from '../value_order.ts';
import type { ComparisonOperator } from './predicate.ts';
import { MovableSpan } from './span.ts';
import { MISSING, never, type ValueTest } from './value_test.ts';

/** High words of int64 below this magnitude leave the value exact as a double. */
const SAFE_HIGH = 2 ** 21;
const TWO_32 = 2 ** 32;

/** The operand must stay as it is while the test is in use. */
export function comparisonTest(operator: ComparisonOperator, operand: ValueSpan, order: ValueOrder): ValueTest {
  if (order.collation !== undefined && isCollatable(operand)) return generalTest(operator, operand, order);
  const includesEqual = operator !== 'lt' && operator !== 'gt';
  switch (operand.type) {
    case BSON_TYPE.null:
      return includesEqual ? isNullOrMissing : never;
    case BSON_TYPE.minKey:
    case BSON_TYPE.maxKey:
      return extremeTest(operator, operand.type);
    case BSON_TYPE.string:
    case BSON_TYPE.symbol:
      return operator === 'eq' ? stringEquals(operand) : generalTest(operator, operand, BINARY_ORDER);
    case BSON_TYPE.objectId:
    case BSON_TYPE.bool:
    case BSON_TYPE.date:
    case BSON_TYPE.timestamp:
      return operator === 'eq' ? bytesEqual(operand) : generalTest(operator, operand, BINARY_ORDER);
    default:
      return isNumericType(operand.type)
        ? orderTest(operator, numberComparer(operand))
        : generalTest(operator, operand, BINARY_ORDER);
  }
}

/** Null equals what is missing, but not undefined. Source: the manual, "Compatibility Changes in MongoDB 8.0". */
const isNullOrMissing: ValueTest = (_bytes, type) => type === BSON_TYPE.null || type === MISSING;

/** Ranges against MinKey and MaxKey are the only ones that reach values of other types, whatever their direction. */
function extremeTest(operator: ComparisonOperator, operandType: number): ValueTest {
  if (operator === 'eq') return (_bytes, type) => type === operandType;
  const includesEqual = operator === 'lte' || operator === 'gte';
  return (_bytes, type) => type !== operandType || includesEqual;
}

function stringEquals(operand: ValueSpan): ValueTest {
  const wanted = operand.bytes.slice(operand.start, operand.end);
  const length = wanted.length;
  return (bytes, type, start, end) => {
    if (type !== BSON_TYPE.string && type !== BSON_TYPE.symbol) return false;
    return end - start === length && sameBytes(bytes, start, wanted);
  };
}

function bytesEqual(operand: ValueSpan): ValueTest {
  const wanted = operand.bytes.slice(operand.start, operand.end);
  const operandType = operand.type;
  return (bytes, type, start) => type === operandType && sameBytes(bytes, start, wanted);
}

/** Whether `wanted` stands at `start`; compared from the back, where values of one length differ most. */
function sameBytes(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let i = wanted.length - 1; i >= 0; i--) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}

/** Negative, zero or positive; NaN for "neither", which every operator then refuses. */
type ValueComparer = (bytes: Uint8Array, type: number, start: number, end: number) => number;

function orderTest(operator: ComparisonOperator, compare: ValueComparer): ValueTest {
  switch (operator) {
    case 'eq':
      return (bytes, type, start, end) => compare(bytes, type, start, end) === 0;
    case 'lt':
      return (bytes, type, start, end) => compare(bytes, type, start, end) < 0;
    case 'lte':
      return (bytes, type, start, end) => compare(bytes, type, start, end) <= 0;
    case 'gt':
      return (bytes, type, start, end) => compare(bytes, type, start, end) > 0;
    case 'gte':
      return (bytes, type, start, end) => compare(bytes, type, start, end) >= 0;
  }
}

/** NaN is equal to NaN alone, and neither below nor above anything. */
function numberComparer(operand: ValueSpan): ValueComparer {
  const nearest = numberOf(operand);
  const exactly = exactNumberComparer(operand);
  if (Number.isNaN(nearest) || !isExactDouble(operand)) return exactly;
  return (bytes, type, start, end) => {
    switch (type) {
      case BSON_TYPE.int32:
        return int32At(bytes, start) - nearest;
      case BSON_TYPE.double:
        return orderOf(doubleAt(bytes, start), nearest);
      case BSON_TYPE.int64: {
        const high = int32At(bytes, start + 4);
        if (high >= SAFE_HIGH || high < -SAFE_HIGH) return exactly(bytes, type, start, end);
        return high * TWO_32 + uint32At(bytes, start) - nearest;
      }
      case BSON_TYPE.decimal128:
        return exactly(bytes, type, start, end);
      default:
        return Number.NaN;
    }
  };
}

function exactNumberComparer(operand: ValueSpan): ValueComparer {
  const span = new MovableSpan();
  const wantsNaN = Number.isNaN(numberOf(operand));
  return (bytes, type, start, end) => {
    if (!isNumericType(type)) return Number.NaN;
    const isNaN = Number.isNaN(numberOf(span.set(bytes, type, start, end)));
    if (isNaN || wantsNaN) return isNaN && wantsNaN ? 0 : Number.NaN;
    return compareValues(span, operand);
  };
}

function isExactDouble(operand: ValueSpan): boolean {
  if (operand.type === BSON_TYPE.decimal128) return false;
  if (operand.type !== BSON_TYPE.int64) return true;
  const high = int32At(operand.bytes, operand.start + 4);
  return high < SAFE_HIGH && high >= -SAFE_HIGH;
}

function orderOf(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return a === b ? 0 : Number.NaN;
}

function generalTest(operator: ComparisonOperator, operand: ValueSpan, { compare }: ValueOrder): ValueTest {
  const span = new MovableSpan();
  const operandClass = canonicalType(operand.type);
  return orderTest(operator, (bytes, type, start, end) =>
    canonicalType(type) === operandClass ? compare(span.set(bytes, type, start, end), operand) : Number.NaN,
  );
}
