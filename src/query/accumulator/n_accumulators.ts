/** `$firstN $lastN $minN $maxN`: `{input, n}`. */
import { BSON_TYPE } from '../../bson/types.ts';
import { copyValue, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { compileExpression, type ExpressionScope } from '../expression.ts';
import type { MemoryUser } from '../pipeline/memory_budget.ts';
import { placeAfterEqual } from './ordered_list.ts';
import { rawArrayOf } from '../update/array_value.ts';
import type { AccumulatorKind, ValueAccumulator } from './accumulator.ts';
import { CountOperand, operandsByName, requiredOperand } from './count_operand.ts';

type CreateN = (n: number, memory: MemoryUser, scope: ExpressionScope) => ValueAccumulator;

/** `notObject`: the code for an operand that is no object. */
function nAccumulator(name: `$${string}`, notObject: number, create: CreateN): AccumulatorKind {
  return {
    name,
    compile(operand, scope) {
      const operands = operandsByName(name, operand, ['input', 'n'], { notObject, unknown: 5787901 });
      const n = new CountOperand(requiredOperand(operands, 'n', 5787906), scope);
      const input = compileExpression(requiredOperand(operands, 'input', 5787907), scope);
      return {
        readsId: !n.isConstant,
        create(memory, id) {
          const state = create(n.of(id), memory, scope);
          return { add: (document) => state.add(input.evaluate(document)), result: () => state.result() };
        },
      };
    },
  };
}

export const firstNAccumulator = nAccumulator('$firstN', 5787801, (n, memory) => {
  const values: RawValue[] = [];
  return {
    add(value) {
      if (values.length < n) values.push(kept(value, memory));
    },
    result: () => rawArrayOf(values),
  };
});

export const lastNAccumulator = nAccumulator('$lastN', 5787801, (n, memory) => {
  const values: RawValue[] = [];
  return {
    add(value) {
      values.push(kept(value, memory));
      if (values.length > n) release(values.shift(), memory);
    },
    result: () => rawArrayOf(values),
  };
});

export const minNAccumulator = extremesAccumulator('$minN', 1);
export const maxNAccumulator = extremesAccumulator('$maxN', -1);

/** Null, undefined and missing do not count. */
function extremesAccumulator(name: `$${string}`, direction: 1 | -1): AccumulatorKind {
  return nAccumulator(name, 5787900, (n, memory, { order }) => {
    const values: RawValue[] = [];
    return {
      add(value) {
        if (value === undefined || value.type === BSON_TYPE.null || value.type === BSON_TYPE.undefined) return;
        const at = placeAfterEqual(values, (other) => order.compare(other, value) * direction);
        if (at >= n) return;
        values.splice(at, 0, kept(value, memory));
        if (values.length > n) release(values.pop(), memory);
      },
      result: () => rawArrayOf(values),
    };
  });
}

function kept(value: RawValue | undefined, memory: MemoryUser): RawValue {
  if (value === undefined) return RAW_NULL;
  memory.take(value.end - value.start);
  return copyValue(value);
}

function release(value: RawValue | undefined, memory: MemoryUser): void {
  if (value !== undefined) memory.give(value.end - value.start);
}
