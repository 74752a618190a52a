/** `$percentile` and `$median` of the numbers of an array, or of one number. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { isNumeric, maybeStringOf, numberOf, RAW_NULL, rawDouble, type RawValue } from '../../bson/value.ts';
import { itemsOf } from '../update/array_value.ts';
import { folded, namedOperands, requiredOperand } from './arguments.ts';
import { arrayOf, isArray } from './build.ts';
import type { ExpressionScope } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import { SteppedSort } from './stepped_sort.ts';
import type { Expression, Value } from './types.ts';
import { loopOf } from './work.ts';

const MISSING = 40414;

function inputOf(name: string, operands: ReadonlyMap<string, RawValue>, scope: ExpressionScope): Expression {
  const input = scope.compile(requiredOperand(operands, 'input', MISSING, name));
  const method = maybeStringOf(requiredOperand(operands, 'method', MISSING, name));
  if (method === undefined) throw new CommandError('TypeMismatch', `${name}: 'method' must be a string`);
  if (method !== 'approximate') {
    throw new CommandError('BadValue', "Currently only 'approximate' can be used as percentile 'method'.");
  }
  return input;
}

/** Items between two looks at the clock. */
const ITEMS_PER_STEP = 64;

/** Gathering the numbers, putting them in order. */
interface Ranking {
  readonly reader: ElementReader | undefined;
  readonly numbers: number[];
  sort: SteppedSort<number> | undefined;
}

/** What is made of the numbers of the input, ascending. What is not a number does not count. */
function rankOperator(
  input: Expression,
  scope: ExpressionScope,
  resultOf: (numbers: readonly number[]) => RawValue,
): Expression {
  const rank = loopOf<Ranking>(scope.work, {
    start(root) {
      const value = input.evaluate(root);
      if (isArray(value)) return { reader: new ElementReader(value.bytes, value.start), numbers: [], sort: undefined };
      return { reader: undefined, numbers: isRanked(value) ? [numberOf(value)] : [], sort: undefined };
    },
    step(state) {
      if (state.sort !== undefined) return state.sort.step();
      if (state.reader !== undefined && gather(state.reader, state.numbers)) return true;
      state.sort = new SteppedSort(state.numbers, (a, b) => a - b);
      return true;
    },
    end: ({ numbers, sort }) => resultOf(sort?.items ?? numbers),
  });
  return folded([input], rank);
}

function gather(reader: ElementReader, numbers: number[]): boolean {
  for (let i = 0; i < ITEMS_PER_STEP; i++) {
    if (!reader.next()) return false;
    if (isRanked(reader)) numbers.push(numberOf(reader));
  }
  return true;
}

function isRanked(value: ValueSpan | undefined): value is ValueSpan {
  return value !== undefined && isNumeric(value) && !Number.isNaN(numberOf(value));
}

/** The smallest number that at least that share of all does not exceed. */
function percentileOf(numbers: readonly number[], share: number): RawValue {
  const rank = Math.max(0, Math.ceil(share * numbers.length) - 1);
  return numbers.length === 0 ? RAW_NULL : rawDouble(numbers[rank]);
}

export const medianOperator: ExpressionOperator = {
  name: '$median',
  compile(operand, scope) {
    const errors = { name: '$median', notObject: 7436100, unknown: 40415 };
    const input = inputOf('$median', namedOperands(operand, errors, ['input', 'method']), scope);
    return rankOperator(input, scope, (numbers) => percentileOf(numbers, 0.5));
  },
};

export const percentileOperator: ExpressionOperator = {
  name: '$percentile',
  compile(operand, scope) {
    const errors = { name: '$percentile', notObject: 7436200, unknown: 40415 };
    const operands = namedOperands(operand, errors, ['input', 'p', 'method']);
    const input = inputOf('$percentile', operands, scope);
    const shares = sharesOf(scope.compile(requiredOperand(operands, 'p', MISSING, '$percentile')).constant);
    return rankOperator(input, scope, (numbers) => arrayOf(shares.map((share) => percentileOf(numbers, share))));
  },
};

function sharesOf(list: Value): number[] {
  const items = list?.type === BSON_TYPE.array ? itemsOf(list) : [];
  const shares = items.map((item) => (isNumeric(item) ? numberOf(item) : Number.NaN));
  if (shares.length > 0 && shares.every((share) => share >= 0 && share <= 1)) return shares;
  throw new CommandError(7750303, "The $percentile 'p' field must be an array of numbers from [0.0, 1.0]");
}
