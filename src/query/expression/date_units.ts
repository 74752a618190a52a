/** `$dateAdd $dateSubtract $dateDiff $dateTrunc`. Any operand that is null makes the result null. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL, rawInt64, stringOf, type RawValue } from '../../bson/value.ts';
import {
  addUnits,
  maybeTimeUnitOf,
  maybeWeekdayOf,
  timeUnitOf,
  truncateTo,
  unitsBetween,
  type TimeUnit,
} from '../date/units.ts';
import { int64Of, isInt64 } from '../number/whole.ts';
import { folded, namedOperands, optionalExpression, requiredOperand, type NamedErrors } from './arguments.ts';
import { isNullish, typeNameOf } from './build.ts';
import { maybeInstantOf, rawInstant, zoneOperand } from './date_operand.ts';
import { given } from './date_to.ts';
import type { ExpressionScope } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';

function dateOperand(name: string, value: RawValue, code: number): bigint {
  const instant = maybeInstantOf(value);
  if (instant !== undefined) return instant;
  throw new CommandError(code, `${name} requires a date, timestamp or ObjectId, but found ${typeNameOf(value)}`);
}

function unitOperand(name: string, value: RawValue): TimeUnit {
  if (value.type !== BSON_TYPE.string) {
    throw new CommandError(5439013, `${name} requires 'unit' to be a string, but got ${typeNameOf(value)}`);
  }
  const text = stringOf(value);
  const unit = maybeTimeUnitOf(text);
  if (unit !== undefined) return unit;
  throw new CommandError(5439014, `${name} parameter 'unit' value cannot be recognized as a time unit: ${text}`);
}

/** Undefined for null; Sunday when there is none. */
function weekStart(name: string, part: Expression | undefined, unit: TimeUnit, root: Uint8Array): number | undefined {
  if (part === undefined || unit !== 'week') return 0;
  const value = part.evaluate(root);
  if (isNullish(value)) return undefined;
  if (value.type !== BSON_TYPE.string) {
    throw new CommandError(5439015, `${name} requires 'startOfWeek' to be a string, but got ${typeNameOf(value)}`);
  }
  const text = stringOf(value);
  const day = maybeWeekdayOf(text);
  if (day !== undefined) return day;
  throw new CommandError(
    5439016,
    `${name} parameter 'startOfWeek' value cannot be recognized as a day of a week: ${text}`,
  );
}

/** `$dateAdd` and `$dateSubtract` have codes of their own. */
function addedUnit(name: string, value: RawValue): TimeUnit {
  if (value.type === BSON_TYPE.string) return timeUnitOf(stringOf(value));
  throw new CommandError(5166404, `${name} expects string defining the time unit`);
}

interface AddParts {
  readonly start: Expression;
  readonly unit: Expression;
  readonly amount: Expression;
  readonly zone: Expression | undefined;
}

function addParts(name: string, operand: RawValue, scope: ExpressionScope): AddParts {
  const errors: NamedErrors = { name, notObject: 5166400, unknown: 5166401 };
  const operands = namedOperands(operand, errors, ['startDate', 'unit', 'amount', 'timezone']);
  const required = (key: string): Expression => scope.compile(requiredOperand(operands, key, 5166402, name));
  return {
    start: required('startDate'),
    unit: required('unit'),
    amount: required('amount'),
    zone: optionalExpression(operands.get('timezone'), scope),
  };
}

function addOperator(name: '$dateAdd' | '$dateSubtract', sign: bigint): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const { start, unit, amount, zone } = addParts(name, operand, scope);
      return folded(given(start, unit, amount, zone), (root) => {
        const startValue = start.evaluate(root);
        const unitValue = unit.evaluate(root);
        const amountValue = amount.evaluate(root);
        if (isNullish(startValue) || isNullish(unitValue) || isNullish(amountValue)) return RAW_NULL;
        const timeZone = zoneOperand(zone, root);
        if (timeZone === undefined) return RAW_NULL;
        const timeUnit = addedUnit(name, unitValue);
        const count = int64Of(amountValue);
        if (count === undefined) {
          throw new CommandError(5166405, `${name} expects integer amount of time units`);
        }
        const instant = dateOperand(name, startValue, 5166403);
        return rawInstant(addUnits(instant, timeUnit, sign * count, timeZone));
      });
    },
  };
}

export const dateAddOperator = addOperator('$dateAdd', 1n);
export const dateSubtractOperator = addOperator('$dateSubtract', -1n);

export const dateDiffOperator: ExpressionOperator = {
  name: '$dateDiff',
  compile(operand, scope) {
    const name = '$dateDiff';
    const known = ['startDate', 'endDate', 'unit', 'timezone', 'startOfWeek'];
    const operands = namedOperands(operand, { name, notObject: 5166301, unknown: 5166302 }, known);
    const start = scope.compile(requiredOperand(operands, 'startDate', 5166303, name));
    const end = scope.compile(requiredOperand(operands, 'endDate', 5166304, name));
    const unit = scope.compile(requiredOperand(operands, 'unit', 5166305, name));
    const zone = optionalExpression(operands.get('timezone'), scope);
    const week = optionalExpression(operands.get('startOfWeek'), scope);
    return folded(given(start, end, unit, zone, week), (root) => {
      const startValue = start.evaluate(root);
      const endValue = end.evaluate(root);
      const unitValue = unit.evaluate(root);
      if (isNullish(startValue) || isNullish(endValue) || isNullish(unitValue)) return RAW_NULL;
      const timeUnit = unitOperand(name, unitValue);
      const startOfWeek = weekStart(name, week, timeUnit, root);
      const timeZone = zoneOperand(zone, root);
      if (startOfWeek === undefined || timeZone === undefined) return RAW_NULL;
      const from = dateOperand(name, startValue, 5166307);
      const to = dateOperand(name, endValue, 5166307);
      const units = unitsBetween(from, to, timeUnit, { zone: timeZone, startOfWeek });
      if (!isInt64(units)) throw new CommandError(5166308, 'dateDiff overflowed');
      return rawInt64(units);
    });
  },
};

export const dateTruncOperator: ExpressionOperator = {
  name: '$dateTrunc',
  compile(operand, scope) {
    const name = '$dateTrunc';
    const known = ['date', 'unit', 'binSize', 'timezone', 'startOfWeek'];
    const operands = namedOperands(operand, { name, notObject: 5439007, unknown: 5439008 }, known);
    const date = scope.compile(requiredOperand(operands, 'date', 5439009, name));
    const unit = scope.compile(requiredOperand(operands, 'unit', 5439010, name));
    const size = optionalExpression(operands.get('binSize'), scope);
    const zone = optionalExpression(operands.get('timezone'), scope);
    const week = optionalExpression(operands.get('startOfWeek'), scope);
    return folded(given(date, unit, size, zone, week), (root) => {
      const dateValue = date.evaluate(root);
      const unitValue = unit.evaluate(root);
      if (isNullish(dateValue) || isNullish(unitValue)) return RAW_NULL;
      const timeUnit = unitOperand(name, unitValue);
      const binSize = size === undefined ? 1n : binSizeOperand(size.evaluate(root));
      const startOfWeek = weekStart(name, week, timeUnit, root);
      const timeZone = zoneOperand(zone, root);
      if (binSize === undefined || startOfWeek === undefined || timeZone === undefined) return RAW_NULL;
      const instant = dateOperand(name, dateValue, 5439012);
      return rawInstant(truncateTo(instant, timeUnit, binSize, { zone: timeZone, startOfWeek }));
    });
  },
};

/** Beyond this a bin is longer than all dates together. */
const BIN_SIZE_MAX = 100_000_000_000n;

/** Undefined for null. */
function binSizeOperand(value: Value): bigint | undefined {
  if (isNullish(value)) return undefined;
  const size = int64Of(value);
  if (size === undefined) {
    throw new CommandError(
      5439017,
      `$dateTrunc requires 'binSize' to be a 64-bit integer, but got ${typeNameOf(value)}`,
    );
  }
  if (size <= 0n || size > BIN_SIZE_MAX) {
    throw new CommandError(5439018, `$dateTrunc requires 'binSize' to be greater than 0, but got value ${size}`);
  }
  return size;
}
