/** `$percentile` and `$median`: with all numbers kept, so the "approximate" results are exact ones. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { maybeStringOf, numberOf, RAW_NULL, rawDouble, type RawValue } from '../../bson/value.ts';
import { compileExpression, type ExpressionScope } from '../expression.ts';
import type { MemoryUser } from '../pipeline/memory_budget.ts';
import { itemsOf, rawArrayOf } from '../update/array_value.ts';
import type { AccumulatorKind } from './accumulator.ts';
import { operandsByName, requiredOperand } from './count_operand.ts';

const NUMBER_BYTES = 8;

export const percentileAccumulator: AccumulatorKind = {
  name: '$percentile',
  compile(operand, scope) {
    const operands = operandsByName('$percentile', operand, ['input', 'p', 'method'], UNKNOWN);
    const input = compileExpression(requiredOperand(operands, 'input', 40414), scope);
    const wanted = percentilesOf(requiredOperand(operands, 'p', 40414), scope);
    checkMethod(requiredOperand(operands, 'method', 40414));
    return {
      create(memory) {
        const numbers = new Numbers(memory);
        return {
          add: (document) => numbers.add(input.evaluate(document)),
          result: () => rawArrayOf(wanted.map((p) => numbers.percentile(p))),
        };
      },
    };
  },
};

export const medianAccumulator: AccumulatorKind = {
  name: '$median',
  compile(operand, scope) {
    const operands = operandsByName('$median', operand, ['input', 'method'], UNKNOWN);
    const input = compileExpression(requiredOperand(operands, 'input', 40414), scope);
    checkMethod(requiredOperand(operands, 'method', 40414));
    return {
      create(memory) {
        const numbers = new Numbers(memory);
        return {
          add: (document) => numbers.add(input.evaluate(document)),
          result: () => numbers.percentile(0.5),
        };
      },
    };
  },
};

const UNKNOWN = { notObject: 7429703, unknown: 40415 };

function checkMethod(method: RawValue): void {
  const text = maybeStringOf(method);
  if (text === undefined) throw new CommandError('TypeMismatch', "'method' must be a string");
  if (text !== 'approximate')
    throw new CommandError('BadValue', "Currently only 'approximate' can be used as percentile 'method'.");
}

function percentilesOf(operand: RawValue, scope: ExpressionScope): number[] {
  const list = compileExpression(operand, scope).constant;
  const items = list?.type === BSON_TYPE.array ? itemsOf(list) : [];
  if (items.length === 0) {
    throw new CommandError(7750300, "The $percentile 'p' field must be an array of numbers from [0.0, 1.0]");
  }
  return items.map((item) => {
    const p = numberOf(item);
    if (!isNumericType(item.type))
      throw new CommandError(7750302, "The $percentile 'p' field must be an array of numbers");
    if (!(p >= 0 && p <= 1))
      throw new CommandError(7750303, "The $percentile 'p' field must be an array of numbers from [0.0, 1.0]");
    return p;
  });
}

class Numbers {
  readonly #memory: MemoryUser;
  readonly #numbers: number[] = [];
  #isSorted = false;

  constructor(memory: MemoryUser) {
    this.#memory = memory;
  }

  add(value: RawValue | undefined): void {
    if (value === undefined || !isNumericType(value.type)) return;
    const number = numberOf(value);
    if (Number.isNaN(number)) return;
    this.#memory.take(NUMBER_BYTES);
    this.#numbers.push(number);
    this.#isSorted = false;
  }

  /** The smallest number that at least the share `p` of all is not above; null when there are none. */
  percentile(p: number): RawValue {
    if (!this.#isSorted) this.#numbers.sort((a, b) => a - b);
    this.#isSorted = true;
    const count = this.#numbers.length;
    if (count === 0) return RAW_NULL;
    const rank = Math.max(0, Math.min(count - 1, Math.ceil(p * count) - 1));
    return rawDouble(this.#numbers[rank]);
  }
}
