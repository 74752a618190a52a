/** The operands of window functions that take several by name. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { maybeStringOf, type RawValue } from '../../bson/value.ts';
import { timeUnitOf } from '../date/units.ts';

export function namedOperands(
  name: string,
  operand: RawValue,
  known: readonly string[],
): ReadonlyMap<string, RawValue> {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError('FailedToParse', `${name} expects an object as its argument`);
  }
  const found = new Map<string, RawValue>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    if (!known.includes(reader.name())) {
      throw new CommandError('FailedToParse', `Unknown argument in ${name}: ${reader.name()}`);
    }
    found.set(reader.name(), reader.value());
  }
  return found;
}

export function required(name: string, operands: ReadonlyMap<string, RawValue>, key: string): RawValue {
  const found = operands.get(key);
  if (found === undefined) throw new CommandError('FailedToParse', `${name} requires '${key}'`);
  return found;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  week: 604_800_000,
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
};

/** The length of a unit of fixed length in milliseconds. */
export function unitMs(unit: RawValue): number {
  const length = UNIT_MS[timeUnitOf(maybeStringOf(unit) ?? '')];
  if (length === undefined) throw new CommandError(5490710, "unit must be 'week' or smaller");
  return length;
}
