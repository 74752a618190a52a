/** `$dateFromParts`. Parts beyond their range are carried over. */
import { CommandError } from '../../base/command_error.ts';
import type { RawValue } from '../../bson/value.ts';
import { RAW_NULL } from '../../bson/value.ts';
import { dayNumber, dayOfIsoWeek, joinDay } from '../date/calendar.ts';
import { int64Of } from '../number/whole.ts';
import { folded, namedOperands } from './arguments.ts';
import { isNullish, typeNameOf } from './build.ts';
import { rawInstant, zoneOperand } from './date_operand.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression } from './types.ts';

const CALENDAR_ONLY = ['year', 'month', 'day'];
const ISO_ONLY = ['isoWeekYear', 'isoWeek', 'isoDayOfWeek'];
const TIME = ['hour', 'minute', 'second', 'millisecond'];

const PART_MIN = -32_768n;
const PART_MAX = 32_767n;

/** Parts that may be any whole number. */
const UNBOUNDED = new Set(['year', 'isoWeekYear', 'second', 'millisecond']);

/** Beyond this no sum of parts is a date any more. */
const SECONDS_MAX = 1n << 53n;

export const dateFromPartsOperator: ExpressionOperator = {
  name: '$dateFromParts',
  compile(operand, scope) {
    const errors = { name: '$dateFromParts', notObject: 40519, unknown: 40518 };
    const operands = namedOperands(operand, errors, [...CALENDAR_ONLY, ...ISO_ONLY, ...TIME, 'timezone']);
    checkMixture(operands);
    const parts = new Map([...operands].map(([name, part]) => [name, scope.compile(part)]));
    const zonePart = parts.get('timezone');
    const isIso = parts.has('isoWeekYear');
    return folded([...parts.values()], (root) => {
      const values = new Map<string, number>();
      for (const name of [...TIME, ...(isIso ? ISO_ONLY : CALENDAR_ONLY)]) {
        const value = partOf(name, parts.get(name), root);
        if (value === undefined) return RAW_NULL;
        values.set(name, value);
      }
      const zone = zoneOperand(zonePart, root);
      if (zone === undefined) return RAW_NULL;
      const at = (name: string): number => values.get(name) ?? 0;
      const day = isIso
        ? dayOfIsoWeek(at('isoWeekYear'), at('isoWeek'), at('isoDayOfWeek'))
        : dayNumber(at('year'), at('month'), at('day'));
      const seconds = BigInt(at('hour')) * 3600n + BigInt(at('minute')) * 60n + BigInt(at('second'));
      return rawInstant(zone.instantOf(joinDay(day, 0) + seconds * 1000n + BigInt(at('millisecond'))));
    });
  },
};

function checkMixture(operands: ReadonlyMap<string, RawValue>): void {
  if (operands.has('year')) {
    if (ISO_ONLY.some((name) => operands.has(name))) {
      throw new CommandError(40489, '$dateFromParts does not allow mixing natural dates with ISO dates');
    }
  } else if (operands.has('isoWeekYear')) {
    if (CALENDAR_ONLY.some((name) => operands.has(name))) {
      throw new CommandError(40525, '$dateFromParts does not allow mixing ISO dates with natural dates');
    }
  } else {
    throw new CommandError(40516, "$dateFromParts requires either 'year' or 'isoWeekYear' to be present");
  }
}

/** Undefined for null. */
function partOf(name: string, part: Expression | undefined, root: Uint8Array): number | undefined {
  if (part === undefined) return TIME.includes(name) ? 0 : 1;
  const value = part.evaluate(root);
  if (isNullish(value)) return undefined;
  const whole = int64Of(value);
  if (whole === undefined) {
    const found = `${typeNameOf(value)} with value ${shownValue(value)}`;
    throw new CommandError(40515, `'${name}' must evaluate to an integer, found ${found}`);
  }
  if (UNBOUNDED.has(name)) checkYear(name, whole);
  else if (whole < PART_MIN || whole > PART_MAX) {
    const range = `[${PART_MIN}, ${PART_MAX}]`;
    throw new CommandError(
      31034,
      `'${name}' must evaluate to a value in the range ${range}; value ${whole} is not in range`,
    );
  }
  return Number(whole);
}

function checkYear(name: string, whole: bigint): void {
  const code = name === 'year' ? 40523 : name === 'isoWeekYear' ? 31095 : undefined;
  if (code === undefined) {
    if (whole > SECONDS_MAX || whole < -SECONDS_MAX) {
      throw new CommandError('DurationOverflow', `'${name}' is too large for a date: ${whole}`);
    }
  } else if (whole < 1n || whole > 9999n) {
    throw new CommandError(code, `'${name}' must evaluate to an integer in the range 1 to 9999, found ${whole}`);
  }
}
