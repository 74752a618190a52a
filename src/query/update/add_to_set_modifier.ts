/** `$addToSet`, with `$each`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { itemsOf, rawArrayOf } from './array_value.ts';
import { distinctOf, missingFrom } from './item_set.ts';
import { KEEP, simpleModifier } from './leaf.ts';

export const addToSetModifier = simpleModifier('$addToSet', 'create', (operand, _path, { order }) => {
  const wanted = distinctOf(parseItems(operand), order);
  return (target) => {
    const { value } = target;
    if (value === undefined) return { kind: 'set', value: rawArrayOf(wanted) };
    if (value.type !== BSON_TYPE.array) {
      throw new CommandError(
        'BadValue',
        `Cannot apply $addToSet to non-array field. Field named '${target.field}' has non-array type ` +
          typeAlias(value.type),
      );
    }
    const old = itemsOf(value);
    const items = missingFrom(old, wanted, order);
    return items.length === 0 ? KEEP : { kind: 'append', length: old.length, items };
  };
});

function parseItems(operand: RawValue): RawValue[] {
  if (operand.type !== BSON_TYPE.object) return [operand];
  const reader = new ElementReader(operand.bytes, operand.start);
  if (!reader.next() || reader.name() !== '$each') return [operand];
  if (reader.type !== BSON_TYPE.array) {
    throw new CommandError(
      'TypeMismatch',
      `The argument to $each in $addToSet must be an array but it was of type ${typeAlias(reader.type)}`,
    );
  }
  const items = itemsOf(reader);
  if (reader.next()) {
    throw new CommandError('BadValue', `Found unexpected fields after $each in $addToSet: ${reader.name()}`);
  }
  return items;
}
