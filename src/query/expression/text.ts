/** Values as the texts that string operators read, and whole numbers that count bytes or characters. */
import { CommandError } from '../../base/command_error.ts';
import { int64At, uint32At } from '../../bson/bytes.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { stringOf, type RawValue } from '../../bson/value.ts';
import { describeValue } from '../describe.ts';
import { isoText } from '../date/iso_text.ts';
import { printedNumber } from '../number/print_number.ts';
import { int32Of } from '../number/whole.ts';
import type { Value } from './types.ts';
import { typeNameOf } from './build.ts';

/** The text of a string; undefined for everything else, symbols too. */
export function textOfString(value: Value): string | undefined {
  return value?.type === BSON_TYPE.string ? stringOf(value) : undefined;
}

/** Nothing for null, undefined and missing. Throws 16007 for what has no text. */
export function coerceToString(value: Value): string {
  if (value === undefined) return '';
  if (isNumericType(value.type)) return printedNumber(value);
  switch (value.type) {
    case BSON_TYPE.null:
    case BSON_TYPE.undefined:
      return '';
    case BSON_TYPE.string:
    case BSON_TYPE.symbol:
    case BSON_TYPE.javascript:
      return stringOf(value);
    case BSON_TYPE.date:
      return isoText(int64At(value.bytes, value.start));
    case BSON_TYPE.timestamp:
      return timestampText(value);
    default:
      throw new CommandError(16007, `can't convert from BSON type ${typeAlias(value.type)} to String`);
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Jan  1 00:00:01:7`: the seconds without their year, then the increment in hexadecimal. */
function timestampText(value: RawValue): string {
  const seconds = uint32At(value.bytes, value.start + 4);
  const increment = uint32At(value.bytes, value.start);
  const date = new Date(seconds * 1000);
  const month = MONTHS[date.getUTCMonth()];
  const day = String(date.getUTCDate()).padStart(2);
  return `${month} ${day} ${date.toISOString().slice(11, 19)}:${increment.toString(16)}`;
}

/** What error messages show of a value. */
export function shownValue(value: Value): string {
  return value === undefined ? 'MISSING' : describeValue(value);
}

/** A whole number from 0 up, for `$indexOf…`. Throws 40096 and 40097. */
export function indexOperand(name: string, value: Value, which: 'starting' | 'ending'): number {
  const index = value === undefined ? undefined : int32Of(value);
  if (index === undefined) {
    const found = `${typeNameOf(value)}, with value: ${shownValue(value)}`;
    throw new CommandError(40096, `${name}requires an integral ${which} index, found a value of type: ${found}`);
  }
  if (index < 0) throw new CommandError(40097, `${name} requires a nonnegative ${which} index, found: ${index}`);
  return index;
}
