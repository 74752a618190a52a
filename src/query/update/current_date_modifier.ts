/** `$currentDate`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { rawTimestamp } from '../../bson/optime.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { maybeStringOf, rawDate, type RawValue } from '../../bson/value.ts';
import { simpleModifier } from './leaf.ts';

export const currentDateModifier = simpleModifier('$currentDate', 'create', (operand) => {
  const kind = parseKind(operand);
  return ({ context }) => ({
    kind: 'set',
    value: kind === 'date' ? rawDate(context.now) : rawTimestamp(context.timestamp()),
  });
});

function parseKind(operand: RawValue): 'date' | 'timestamp' {
  if (operand.type === BSON_TYPE.bool) return 'date';
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(
      'BadValue',
      `${typeAlias(operand.type)} is not valid type for $currentDate. Please use a boolean ('true') or a $type ` +
        "expression ({$type: 'timestamp/date'}).",
    );
  }
  const reader = new ElementReader(operand.bytes, operand.start);
  let kind: string | undefined;
  while (reader.next()) {
    if (reader.name() !== '$type') {
      throw new CommandError('BadValue', `Unrecognized $currentDate option: ${reader.name()}`);
    }
    kind = maybeStringOf(reader);
    if (kind !== 'date' && kind !== 'timestamp') throw badType();
  }
  if (kind !== 'date' && kind !== 'timestamp') throw badType();
  return kind;
}

function badType(): CommandError {
  return new CommandError(
    'BadValue',
    "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {field : {$type: 'date'}}}",
  );
}
