/** `$substrBytes` (also `$substr`) and `$substrCP`. */
import { CommandError } from '../../base/command_error.ts';
import { isNumeric, type RawValue } from '../../bson/value.ts';
import { coerceToLong, int32Of } from '../number/whole.ts';
import { compileAll, exactOperands, folded, listOperator } from './arguments.ts';
import { isNumber, typeNameOf } from './build.ts';
import { afterCharacters, coercedBytes, isContinuation, stringOfBytes } from './text_bytes.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';
import { remembered } from './work.ts';

/** A negative count takes all the rest. Errors speak of `$substrBytes` under both names, as the server's do. */
function substrBytesOperator(name: `$${string}`): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const parts = compileAll(exactOperands('$substrBytes', operand, 3), scope);
      const [input, start, count] = parts;
      const evaluate = (root: Uint8Array): Value => {
        const text = coercedBytes(input.evaluate(root));
        const from = longOperand(start.evaluate(root), 16034, 'starting index');
        const length = longOperand(count.evaluate(root), 16035, 'length');
        return bytesOf(text, from, length);
      };
      return folded(parts, remembered(scope.work, evaluate));
    },
  };
}

export const substrOperator = substrBytesOperator('$substr');
export const substrBytes = substrBytesOperator('$substrBytes');

function longOperand(value: Value, code: number, what: string): bigint {
  if (value !== undefined && isNumeric(value)) return coerceToLong(value);
  throw new CommandError(code, `$substrBytes:  ${what} must be a numeric type (is BSON type ${typeNameOf(value)})`);
}

function bytesOf(bytes: Uint8Array, start: bigint, count: bigint): RawValue {
  if (start < 0n) {
    throw new CommandError(50752, `$substrBytes:  starting index must be non-negative (got: ${start})`);
  }
  if (start >= BigInt(bytes.length)) return stringOfBytes(bytes, 0, 0);
  const from = Number(start);
  const end = count < 0n || start + count > BigInt(bytes.length) ? bytes.length : Number(start + count);
  if (isContinuation(bytes[from])) {
    throw new CommandError(28656, '$substrBytes:  Invalid range, starting index is a UTF-8 continuation byte.');
  }
  if (end < bytes.length && isContinuation(bytes[end])) {
    throw new CommandError(28657, '$substrBytes:  Invalid range, ending index is in the middle of a UTF-8 character.');
  }
  return stringOfBytes(bytes, from, end);
}

interface CountCodes {
  readonly notNumber: number;
  readonly notWhole: number;
  readonly negative: number;
}

export const substrCPOperator = listOperator(
  '$substrCP',
  ([input, start, count]) => {
    const text = coercedBytes(input);
    const from = countOperand(start, 'starting index', { notNumber: 34450, notWhole: 34451, negative: 34455 });
    const length = countOperand(count, 'length', { notNumber: 34452, notWhole: 34453, negative: 34454 });
    const startByte = afterCharacters(text, from);
    return stringOfBytes(text, startByte, afterCharacters(text, length, startByte));
  },
  { min: 3, max: 3 },
);

function countOperand(value: Value, what: string, codes: CountCodes): number {
  if (!isNumber(value)) {
    throw new CommandError(
      codes.notNumber,
      `$substrCP: ${what} must be a numeric type (is BSON type ${typeNameOf(value)})`,
    );
  }
  const count = int32Of(value);
  if (count === undefined) {
    throw new CommandError(codes.notWhole, `$substrCP: ${what} cannot be represented as a 32-bit integral value`);
  }
  if (count < 0) throw new CommandError(codes.negative, `$substrCP: ${what} must be a nonnegative integer.`);
  return count;
}
