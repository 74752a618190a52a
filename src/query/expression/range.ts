/** `$range`: whole numbers in steps. */
import { CommandError } from '../../base/command_error.ts';
import { EXPRESSION_RANGE_ITEMS_MAX } from '../../base/limits.ts';
import { writeInt32 } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { numberOf, rawValue } from '../../bson/value.ts';
import { printedNumber } from '../number/print_number.ts';
import { int32Of } from '../number/whole.ts';
import { compileAll, countedOperands, folded } from './arguments.ts';
import { isNumber, typeNameOf, writeIndex } from './build.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Value } from './types.ts';
import { checkValueSize } from './value_limits.ts';
import { loopOf } from './work.ts';

/** Ranges that are the same for all documents are made once while compiling, up to this length. */
const FOLDED_ITEMS_MAX = 10_000;

const ITEMS_PER_STEP = 1024;

interface Range {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

interface Making extends Range {
  readonly bytes: Uint8Array;
  /** Items written, and where the next one goes. */
  written: number;
  end: number;
}

/** From start up to, but without, end. */
export const rangeOperator: ExpressionOperator = {
  name: '$range',
  compile(operand, scope) {
    const parts = compileAll(countedOperands('$range', operand, { min: 2, max: 3 }), scope);
    const evaluate = loopOf<Making>(scope.work, {
      start: (root) => begin(rangeOf(parts.map((part) => part.evaluate(root)))),
      step: goOn,
      end: ({ bytes }) => rawValue(BSON_TYPE.array, bytes),
    });
    const isFixed = parts.every(({ constant }) => constant !== undefined);
    const isLong = isFixed && rangeOf(parts.map(({ constant }) => constant)).count > FOLDED_ITEMS_MAX;
    return isLong ? { constant: undefined, evaluate } : folded(parts, evaluate);
  },
};

function rangeOf(values: readonly Value[]): Range {
  const start = rangeOperand(values[0], 'starting value', 34443, 34444);
  const end = rangeOperand(values[1], 'ending value', 34445, 34446);
  const step = values.length > 2 ? rangeOperand(values[2], 'step value', 34447, 34448) : 1;
  if (step === 0) throw new CommandError(34449, '$range requires a non-zero step value');
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (count <= EXPRESSION_RANGE_ITEMS_MAX) return { start, step, count };
  throw new CommandError('ExceededMemoryLimit', `$range would use too much memory for ${count} items`);
}

function begin(range: Range): Making {
  const { count } = range;
  let size = 5 + count * 6;
  for (let from = 0, digits = 1; from < count; from = 10 ** digits, digits++) {
    size += digits * (Math.min(count, 10 ** digits) - from);
  }
  checkValueSize(size, '$range');
  const bytes = new Uint8Array(size);
  writeInt32(bytes, 0, size);
  return { ...range, bytes, written: 0, end: 4 };
}

function goOn(making: Making): boolean {
  const { bytes, start, step, count } = making;
  const until = Math.min(count, making.written + ITEMS_PER_STEP);
  let at = making.end;
  for (let i = making.written; i < until; i++) {
    bytes[at] = BSON_TYPE.int32;
    at = writeIndex(bytes, at + 1, i);
    writeInt32(bytes, at, start + i * step);
    at += 4;
  }
  making.written = until;
  making.end = at;
  return until < count;
}

function rangeOperand(value: Value, what: string, notNumber: number, notWhole: number): number {
  if (!isNumber(value)) {
    const found = typeNameOf(value);
    throw new CommandError(notNumber, `$range requires a numeric ${what}, found value of type: ${found}`);
  }
  const whole = int32Of(value);
  if (whole !== undefined) return whole;
  const shown = value.type === BSON_TYPE.double ? String(numberOf(value)) : printedNumber(value);
  throw new CommandError(
    notWhole,
    `$range requires a ${what} that can be represented as a 32-bit integer, found value: ${shown}`,
  );
}
