/** `$dateFromString`. */
import { CommandError, isCommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL, stringOf } from '../../bson/value.ts';
import { checkFormat } from '../date/format.ts';
import { parseDate } from '../date/parse.ts';
import { isParseSpecifier, parseDateBy } from '../date/parse_format.ts';
import { folded, namedOperands, optionalExpression, requiredOperand } from './arguments.ts';
import { isNullish, typeNameOf } from './build.ts';
import { rawInstant, zoneOperand } from './date_operand.ts';
import { given } from './date_to.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';

const NAME = '$dateFromString';
const OPERANDS = ['dateString', 'format', 'timezone', 'onNull', 'onError'];

/** `onError` catches texts that are no dates, not wrong formats and time zones. */
export const dateFromStringOperator: ExpressionOperator = {
  name: NAME,
  compile(operand, scope) {
    const operands = namedOperands(operand, { name: NAME, notObject: 40540, unknown: 40541 }, OPERANDS);
    const text = scope.compile(requiredOperand(operands, 'dateString', 40542, NAME));
    const format = optionalExpression(operands.get('format'), scope);
    const zone = optionalExpression(operands.get('timezone'), scope);
    const onNull = optionalExpression(operands.get('onNull'), scope);
    const onError = optionalExpression(operands.get('onError'), scope);
    return folded(given(text, format, zone, onNull, onError), (root) => {
      const value = text.evaluate(root);
      const form = format === undefined ? undefined : formatOperand(format.evaluate(root));
      const timeZone = zoneOperand(zone, root);
      if (isNullish(value)) return onNull === undefined ? RAW_NULL : onNull.evaluate(root);
      try {
        const date = dateText(value);
        if ((format !== undefined && form === undefined) || timeZone === undefined) return RAW_NULL;
        const given = zone === undefined ? undefined : timeZone;
        return rawInstant(form === undefined ? parseDate(date, given) : parseDateBy(form, date, given));
      } catch (error) {
        if (onError !== undefined && isCommandError(error, 'ConversionFailure')) return onError.evaluate(root);
        throw error;
      }
    });
  },
};

function dateText(value: Value): string {
  if (value?.type === BSON_TYPE.string) return stringOf(value);
  const found = `${typeNameOf(value)} with value ${shownValue(value)}`;
  throw new CommandError('ConversionFailure', `${NAME} requires that 'dateString' be a string, found: ${found}`);
}

/** Undefined for null. */
function formatOperand(value: Value): string | undefined {
  if (isNullish(value)) return undefined;
  if (value.type !== BSON_TYPE.string) {
    const found = `${typeNameOf(value)} with value ${shownValue(value)}`;
    throw new CommandError(40684, `${NAME} requires that 'format' be a string, found: ${found}`);
  }
  const format = stringOf(value);
  checkFormat(format, isParseSpecifier);
  return format;
}
