/** `$year $month … $isoWeekYear`: one part of a date, in a time zone. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL, rawInt32, rawInt64, stringOf, type RawValue } from '../../bson/value.ts';
import { civilOf, dayOfYear, isoWeekday, isoWeekOf, splitDay, weekday, weekOfYear } from '../date/calendar.ts';
import { timeZoneOf } from '../date/time_zone.ts';
import { describeElement } from '../describe.ts';
import { folded } from './arguments.ts';
import { isNullish, typeNameOf } from './build.ts';
import { instantOf } from './date_operand.ts';
import type { ExpressionScope } from './scope.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression } from './types.ts';

interface DatePart {
  readonly date: Expression;
  readonly zone: Expression | undefined;
}

/** `partOf` is given the local time as if it were UTC. */
function datePartOperator(name: `$${string}`, partOf: (localMs: bigint) => RawValue): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const { date, zone } = parse(name, operand, scope);
      return folded(zone === undefined ? [date] : [date, zone], (root) => {
        const value = date.evaluate(root);
        if (isNullish(value)) return RAW_NULL;
        const instant = instantOf(value);
        if (zone === undefined) return partOf(instant);
        const zoneName = zone.evaluate(root);
        if (isNullish(zoneName)) return RAW_NULL;
        if (zoneName.type !== BSON_TYPE.string) {
          const found = `${typeNameOf(zoneName)} (${shownValue(zoneName)})`;
          throw new CommandError(
            40533,
            `${name} requires a string for the timezone argument, but was given a ${found}`,
          );
        }
        return partOf(instant + BigInt(timeZoneOf(stringOf(zoneName)).offsetAt(instant)));
      });
    },
  };
}

function parse(name: string, operand: RawValue, scope: ExpressionScope): DatePart {
  if (operand.type === BSON_TYPE.array) return { date: scope.compile(onlyItem(name, operand)), zone: undefined };
  if (operand.type !== BSON_TYPE.object || isOperator(operand))
    return { date: scope.compile(operand), zone: undefined };
  let date: Expression | undefined;
  let zone: Expression | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'date') date = scope.compile(reader.value());
    else if (key === 'timezone') zone = scope.compile(reader.value());
    else throw new CommandError(40535, `unrecognized option to ${name}: "${key}"`);
  }
  if (date === undefined) {
    const provided = describeElement(name, operand);
    throw new CommandError(40539, `missing 'date' argument to ${name}, provided: ${provided}`);
  }
  return { date, zone };
}

function onlyItem(name: string, operand: RawValue): RawValue {
  const items: RawValue[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) items.push(reader.value());
  const [only] = items;
  if (only !== undefined && items.length === 1) return only;
  throw new CommandError(
    40536,
    `${name} accepts exactly one argument if given an array, but was given ${items.length}`,
  );
}

function isOperator(operand: RawValue): boolean {
  const first = new ElementReader(operand.bytes, operand.start);
  return first.next() && first.name().startsWith('$');
}

const dayOf = (localMs: bigint): number => splitDay(localMs).day;

export const DATE_PART_OPERATORS: readonly ExpressionOperator[] = [
  datePartOperator('$year', (ms) => rawInt32(civilOf(ms).year)),
  datePartOperator('$month', (ms) => rawInt32(civilOf(ms).month)),
  datePartOperator('$dayOfMonth', (ms) => rawInt32(civilOf(ms).day)),
  datePartOperator('$hour', (ms) => rawInt32(civilOf(ms).hour)),
  datePartOperator('$minute', (ms) => rawInt32(civilOf(ms).minute)),
  datePartOperator('$second', (ms) => rawInt32(civilOf(ms).second)),
  datePartOperator('$millisecond', (ms) => rawInt32(civilOf(ms).millisecond)),
  datePartOperator('$dayOfYear', (ms) => rawInt32(dayOfYear(dayOf(ms)))),
  datePartOperator('$dayOfWeek', (ms) => rawInt32(weekday(dayOf(ms)) + 1)),
  datePartOperator('$week', (ms) => rawInt32(weekOfYear(dayOf(ms)))),
  datePartOperator('$isoDayOfWeek', (ms) => rawInt32(isoWeekday(dayOf(ms)))),
  datePartOperator('$isoWeek', (ms) => rawInt32(isoWeekOf(dayOf(ms)).week)),
  datePartOperator('$isoWeekYear', (ms) => rawInt64(BigInt(isoWeekOf(dayOf(ms)).year))),
];
