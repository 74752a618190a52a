/** `$bitAnd $bitOr $bitXor $bitNot`: of int32 and int64 only. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { integerOf, RAW_NULL, rawInt32, rawInt64, type RawValue } from '../../bson/value.ts';
import { listOperator, nullableOperator } from './arguments.ts';
import { isNullish, typeNameOf } from './build.ts';
import type { ExpressionOperator } from './operator.ts';

function bitOperator(name: `$${string}`, start: bigint, combine: (a: bigint, b: bigint) => bigint): ExpressionOperator {
  return listOperator(name, (values) => {
    let bits = start;
    let isLong = false;
    for (const value of values) {
      if (isNullish(value)) return RAW_NULL;
      bits = combine(bits, integerIn(name, value));
      isLong ||= value.type === BSON_TYPE.int64;
    }
    return isLong ? rawInt64(bits) : rawInt32(Number(bits));
  });
}

function integerIn(name: string, value: RawValue): bigint {
  if (value.type === BSON_TYPE.int32 || value.type === BSON_TYPE.int64) return integerOf(value) ?? 0n;
  throw new CommandError('TypeMismatch', `${name} only supports int and long operands, not ${typeNameOf(value)}.`);
}

export const bitAndOperator = bitOperator('$bitAnd', -1n, (a, b) => a & b);
export const bitOrOperator = bitOperator('$bitOr', 0n, (a, b) => a | b);
export const bitXorOperator = bitOperator('$bitXor', 0n, (a, b) => a ^ b);

export const bitNotOperator = nullableOperator('$bitNot', (value) => {
  const bits = ~integerIn('$bitNot', value);
  return value.type === BSON_TYPE.int64 ? rawInt64(bits) : rawInt32(Number(bits));
});
