/** `$bitsAllSet $bitsAllClear $bitsAnySet $bitsAnyClear`. */
import { CommandError } from '../../base/command_error.ts';
import { int32At } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { int64PartOf, integerOf, isWholeNumber, type RawValue } from '../../bson/value.ts';
import { describeValue } from '../describe.ts';
import { decimalOf } from '../number/decimal.ts';
import { isInt64, roundedWhole } from '../number/whole.ts';
import type { FieldOperator } from './field_operator.ts';
import { MovableSpan } from './span.ts';

const INT64_BITS = 64;

/** Whether the bit at a position is set. */
type BitReader = (position: number) => boolean;

/** `stopAt`: the first bit with this state decides; `result`: the answer when there was none. */
function bitsOperator(name: `$${string}`, stopAt: boolean, result: boolean): FieldOperator {
  return {
    name,
    parse(path, operand) {
      const positions = bitPositions(name, operand);
      const span = new MovableSpan();
      return {
        kind: 'other',
        operator: name,
        path,
        test: (bytes, type, start, end) => {
          const bit = bitReader(span.set(bytes, type, start, end));
          if (bit === undefined) return false;
          for (const position of positions) if (bit(position) === stopAt) return !result;
          return result;
        },
        expandArrays: true,
        operand,
      };
    },
  };
}

export const bitsAllSetOperator = bitsOperator('$bitsAllSet', false, true);
export const bitsAllClearOperator = bitsOperator('$bitsAllClear', true, true);
export const bitsAnySetOperator = bitsOperator('$bitsAnySet', true, false);
export const bitsAnyClearOperator = bitsOperator('$bitsAnyClear', false, false);

function bitReader(value: MovableSpan): BitReader | undefined {
  if (value.type === BSON_TYPE.binData) return binaryBits(value);
  if (value.type === BSON_TYPE.decimal128) {
    // Unlike a double, a decimal with a fraction counts as the whole number next to it.
    const whole = roundedWhole(decimalOf(value));
    return whole !== undefined && isInt64(whole) ? numberBits(whole) : undefined;
  }
  if (!isNumericType(value.type) || !isWholeNumber(value)) return undefined;
  const whole = int64PartOf(value);
  return whole === undefined ? undefined : numberBits(whole);
}

/** Positions from 64 on repeat the sign. */
function numberBits(whole: bigint): BitReader {
  return (position) => ((whole >> BigInt(Math.min(position, INT64_BITS - 1))) & 1n) === 1n;
}

/** Little-endian; zero beyond the end. */
function binaryBits(value: RawValue | MovableSpan): BitReader {
  const { bytes, start } = value;
  const length = int32At(bytes, start);
  return (position) => {
    const index = position >>> 3;
    return index < length && ((bytes[start + 5 + index] >> (position & 7)) & 1) === 1;
  };
}

function bitPositions(name: string, operand: RawValue): readonly number[] {
  if (operand.type === BSON_TYPE.array) return listedPositions(operand);
  if (operand.type === BSON_TYPE.binData) {
    return setPositions(binaryBits(operand), int32At(operand.bytes, operand.start) * 8);
  }
  if (!isNumericType(operand.type)) {
    throw new CommandError(
      'BadValue',
      `${name} takes an Array, a number, or a BinData but received: ${describeValue(operand)}`,
    );
  }
  if (!isWholeNumber(operand)) {
    throw new CommandError('FailedToParse', `Expected an integer: ${name}: ${describeValue(operand)}`);
  }
  const mask = integerOf(operand) ?? 0n;
  if (mask < 0n) {
    throw new CommandError('FailedToParse', `Expected a positive number in: ${name}: ${describeValue(operand)}`);
  }
  return setPositions(numberBits(mask), INT64_BITS);
}

function setPositions(bit: BitReader, count: number): number[] {
  return Array.from({ length: count }, (_, position) => position).filter(bit);
}

function listedPositions(operand: RawValue): number[] {
  const positions: number[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const item = `${reader.name()}: ${describeValue(reader)}`;
    if (!isNumericType(reader.type) || !isWholeNumber(reader)) {
      throw new CommandError('BadValue', `bit positions must be an integer but got: ${item}`);
    }
    const position = Number(integerOf(reader));
    if (position < 0) throw new CommandError('BadValue', `bit positions must be >= 0 but got: ${item}`);
    if (position > 0x7fff_ffff) {
      throw new CommandError('BadValue', `bit positions cannot be represented as a 32-bit signed integer: ${item}`);
    }
    positions.push(position);
  }
  return positions;
}
