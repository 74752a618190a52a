/** `$dateToString` and `$dateToParts`. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL, rawInt32, rawString, stringOf, type RawValue } from '../../bson/value.ts';
import { civilOf, isoWeekday, isoWeekOf, splitDay } from '../date/calendar.ts';
import { checkFormat, formatInstant } from '../date/format.ts';
import { folded, namedOperands, optionalExpression, requiredOperand } from './arguments.ts';
import { isNullish, objectOf, typeNameOf } from './build.ts';
import { instantOf, zoneOperand } from './date_operand.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';

const ISO_FORMAT = '%Y-%m-%dT%H:%M:%S.%LZ';

/** The operands that are there. */
export function given(...parts: readonly (Expression | undefined)[]): Expression[] {
  return parts.filter((part) => part !== undefined);
}

export const dateToStringOperator: ExpressionOperator = {
  name: '$dateToString',
  compile(operand, scope) {
    const name = '$dateToString';
    const errors = { name, notObject: 18629, unknown: 18534 };
    const operands = namedOperands(operand, errors, ['date', 'format', 'timezone', 'onNull']);
    const date = scope.compile(requiredOperand(operands, 'date', 18628, name));
    const format = optionalExpression(operands.get('format'), scope);
    const zone = optionalExpression(operands.get('timezone'), scope);
    const onNull = optionalExpression(operands.get('onNull'), scope);
    return folded(given(date, format, zone, onNull), (root) => {
      const value = date.evaluate(root);
      const text = format === undefined ? ISO_FORMAT : formatOperand(format.evaluate(root));
      const timeZone = zoneOperand(zone, root);
      if (isNullish(value)) return onNull === undefined ? RAW_NULL : onNull.evaluate(root);
      if (timeZone === undefined || text === undefined) return RAW_NULL;
      return rawString(formatInstant(text, instantOf(value), timeZone));
    });
  },
};

/** Undefined for null. */
function formatOperand(value: Value): string | undefined {
  if (isNullish(value)) return undefined;
  if (value.type !== BSON_TYPE.string) {
    const found = `${typeNameOf(value)} with value ${shownValue(value)}`;
    throw new CommandError(18533, `$dateToString requires that 'format' be a string, found: ${found}`);
  }
  const format = stringOf(value);
  checkFormat(format);
  return format;
}

const NAMES = new Map(
  ['year', 'month', 'day', 'isoWeekYear', 'isoWeek', 'isoDayOfWeek', 'hour', 'minute', 'second', 'millisecond'].map(
    (name) => [name, fieldName(name)],
  ),
);

function partsDocument(parts: Readonly<Record<string, number>>): RawValue {
  return objectOf(
    Object.entries(parts).map(([name, value]) => ({
      name: NAMES.get(name) ?? fieldName(name),
      value: rawInt32(value),
    })),
  );
}

function calendarParts(localMs: bigint): RawValue {
  const { year, month, day, hour, minute, second, millisecond } = civilOf(localMs);
  return partsDocument({ year, month, day, hour, minute, second, millisecond });
}

function isoParts(localMs: bigint): RawValue {
  const { hour, minute, second, millisecond } = civilOf(localMs);
  const { day } = splitDay(localMs);
  const { year: isoWeekYear, week: isoWeek } = isoWeekOf(day);
  return partsDocument({ isoWeekYear, isoWeek, isoDayOfWeek: isoWeekday(day), hour, minute, second, millisecond });
}

export const dateToPartsOperator: ExpressionOperator = {
  name: '$dateToParts',
  compile(operand, scope) {
    const name = '$dateToParts';
    const errors = { name, notObject: 40524, unknown: 40520 };
    const operands = namedOperands(operand, errors, ['date', 'timezone', 'iso8601']);
    const date = scope.compile(requiredOperand(operands, 'date', 40522, name));
    const zone = optionalExpression(operands.get('timezone'), scope);
    const iso = optionalExpression(operands.get('iso8601'), scope);
    return folded(given(date, zone, iso), (root) => {
      const value = date.evaluate(root);
      const timeZone = zoneOperand(zone, root);
      if (timeZone === undefined) return RAW_NULL;
      const isIso = iso === undefined ? false : isoOperand(iso.evaluate(root));
      if (isIso === undefined || isNullish(value)) return RAW_NULL;
      const instant = instantOf(value);
      const localMs = instant + BigInt(timeZone.offsetAt(instant));
      return isIso ? isoParts(localMs) : calendarParts(localMs);
    });
  },
};

/** Undefined for null. */
function isoOperand(value: Value): boolean | undefined {
  if (isNullish(value)) return undefined;
  if (value.type === BSON_TYPE.bool) return value.bytes[value.start] !== 0;
  throw new CommandError(40521, `iso8601 must evaluate to a bool, found ${typeNameOf(value)}`);
}
