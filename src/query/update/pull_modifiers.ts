/** `$pop $pull $pullAll`: modifiers that take items out of an array. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { integerOf, isWholeNumber, type RawValue } from '../../bson/value.ts';
import { describeElement } from '../describe.ts';
import { compileItemFilter } from '../match/item_filter.ts';
import { itemsOf, rawArrayOf } from './array_value.ts';
import { containsOneOf } from './item_set.ts';
import { KEEP, simpleModifier, type LeafEdit } from './leaf.ts';

export const popModifier = simpleModifier('$pop', 'check', (operand, path) => {
  const fromFront = parsePop(operand, path);
  return ({ value, path: targetPath }) => {
    if (value === undefined) return KEEP;
    if (value.type !== BSON_TYPE.array) {
      throw new CommandError(
        'TypeMismatch',
        `Path '${targetPath}' contains an element of non-array type '${typeAlias(value.type)}'`,
      );
    }
    const items = itemsOf(value);
    if (items.length === 0) return KEEP;
    return { kind: 'set', value: rawArrayOf(fromFront ? items.slice(1) : items.slice(0, -1)) };
  };
});

export const pullModifier = simpleModifier('$pull', 'check', (operand, _path, scope) => {
  const isPulled = compileItemFilter(operand, scope);
  return ({ value }) => without('$pull', value, isPulled);
});

export const pullAllModifier = simpleModifier('$pullAll', 'check', (operand, _path, { order }) => {
  if (operand.type !== BSON_TYPE.array) {
    throw new CommandError(
      'BadValue',
      `$pullAll requires an array argument but was given a ${typeAlias(operand.type)}`,
    );
  }
  const isPulled = containsOneOf(itemsOf(operand), order);
  return ({ value }) => without('$pullAll', value, isPulled);
});

function without(name: string, value: RawValue | undefined, isPulled: (item: RawValue) => boolean): LeafEdit {
  if (value === undefined) return KEEP;
  if (value.type !== BSON_TYPE.array) throw new CommandError('BadValue', `Cannot apply ${name} to a non-array value`);
  const items = itemsOf(value);
  const kept = items.filter((item) => !isPulled(item));
  return kept.length === items.length ? KEEP : { kind: 'set', value: rawArrayOf(kept) };
}

/** 1 takes the last item, -1 the first. */
function parsePop(operand: RawValue, path: string): boolean {
  const shown = describeElement(path, operand);
  if (!isNumericType(operand.type)) {
    throw new CommandError('FailedToParse', `Expected a number in: ${shown}`);
  }
  if (!isWholeNumber(operand)) throw new CommandError('FailedToParse', `Expected an integer: ${shown}`);
  const direction = integerOf(operand);
  if (direction !== 1n && direction !== -1n) {
    throw new CommandError('FailedToParse', `$pop expects 1 or -1, found: ${direction}`);
  }
  return direction === -1n;
}
