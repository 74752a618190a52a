/** `$bit: {field: {and|or|xor: integer, …}}`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { integerOf, rawInt32, rawInt64, type RawValue } from '../../bson/value.ts';
import { describeElement } from '../describe.ts';
import { describeId } from './document_id.ts';
import { setTo, simpleModifier } from './leaf.ts';

type Combine = (a: bigint, b: bigint) => bigint;

const COMBINE: ReadonlyMap<string, Combine> = new Map<string, Combine>([
  ['and', (a, b) => a & b],
  ['or', (a, b) => a | b],
  ['xor', (a, b) => a ^ b],
]);

interface Step {
  readonly combine: Combine;
  readonly operand: RawValue;
}

export const bitModifier = simpleModifier('$bit', 'create', (operand) => {
  const steps = parseSteps(operand);
  return (target) => {
    const old = target.value ?? rawInt32(0);
    if (!isInteger(old)) {
      throw new CommandError(
        'BadValue',
        `Cannot apply $bit to a value of non-integral type.${describeId(target.document)} has the field ` +
          `${target.field} of non-integer type ${typeAlias(old.type)}`,
      );
    }
    return setTo(target, steps.reduce(applyStep, old));
  };
});

function applyStep(value: RawValue, step: Step): RawValue {
  const result = step.combine(integerOf(value) ?? 0n, integerOf(step.operand) ?? 0n);
  const isNarrow = value.type === BSON_TYPE.int32 && step.operand.type === BSON_TYPE.int32;
  return isNarrow ? rawInt32(Number(result)) : rawInt64(result);
}

function isInteger(value: RawValue | ElementReader): boolean {
  return value.type === BSON_TYPE.int32 || value.type === BSON_TYPE.int64;
}

function parseSteps(operand: RawValue): Step[] {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(
      'BadValue',
      `The $bit modifier is not compatible with a ${typeAlias(operand.type)}. You must pass in an embedded document: ` +
        '{$bit: {field: {and/or/xor: #}}',
    );
  }
  const steps: Step[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) steps.push(parseStep(reader));
  if (steps.length === 0) {
    throw new CommandError(
      'BadValue',
      'You must pass in at least one bitwise operation. The format is: {$bit: {field: {and/or/xor: #}}',
    );
  }
  return steps;
}

function parseStep(reader: ElementReader): Step {
  const name = reader.name();
  const shown = `{${describeElement(name, reader)}}`;
  const combine = COMBINE.get(name);
  if (combine === undefined) {
    throw new CommandError(
      'BadValue',
      `The $bit modifier only supports 'and', 'or', and 'xor', not '${name}' which is an unknown operator: ${shown}`,
    );
  }
  if (!isInteger(reader)) {
    throw new CommandError(
      'BadValue',
      `The $bit modifier field must be an Integer(32/64 bit); a '${typeAlias(reader.type)}' is not supported here: ${shown}`,
    );
  }
  return { combine, operand: reader.value() };
}
