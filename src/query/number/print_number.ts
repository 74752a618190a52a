/** Numbers as texts. */
import { Decimal128 } from 'bson';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { integerOf, numberOf } from '../../bson/value.ts';
import { printedDouble } from './print_double.ts';

/** As expressions turn a number into a string where they want one. */
export function printedNumber(value: ValueSpan): string {
  switch (value.type) {
    case BSON_TYPE.decimal128:
      return printedDecimal(value);
    case BSON_TYPE.double:
      return printedDouble(numberOf(value));
    default:
      return String(integerOf(value) ?? 0n);
  }
}

export function printedDecimal(value: ValueSpan): string {
  return new Decimal128(value.bytes.slice(value.start, value.end)).toString();
}
