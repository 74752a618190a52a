/** What one accumulator of `$group` and of window functions provides; the table is in accumulators.ts. */
import { CommandError } from '../../base/command_error.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { compileExpression, type ExpressionScope } from '../expression.ts';
import type { MemoryUser } from '../pipeline/memory_budget.ts';

/** The state of one accumulator in one group. */
export interface Accumulator {
  /** Takes a whole document of the group. */
  add(document: Uint8Array): void;
  /** The result so far. */
  result(): RawValue;
}

/** An accumulator with its operands. `memory` is asked for what a state keeps. */
export interface CompiledAccumulator {
  /** Whether an operand reads the group's `_id`. */
  readonly readsId?: boolean;
  /** `id`: the group's. */
  create(memory: MemoryUser, id: RawValue | undefined): Accumulator;
}

export interface AccumulatorKind {
  readonly name: `$${string}`;
  /** The operand is a view into the pipeline. Throws CommandError for a bad one. */
  compile(operand: RawValue, scope: ExpressionScope): CompiledAccumulator;
}

/** The state of an accumulator that looks at one value of each document. */
export interface ValueAccumulator {
  /** Undefined when the value is missing. It must be copied to be kept. */
  add(value: RawValue | undefined): void;
  result(): RawValue;
}

/** An accumulator with one expression as its operand. */
export function unaryAccumulator(
  name: `$${string}`,
  create: (memory: MemoryUser, scope: ExpressionScope) => ValueAccumulator,
): AccumulatorKind {
  return {
    name,
    compile(operand, scope) {
      if (operand.type === BSON_TYPE.array) {
        throw new CommandError(40237, `The ${name} accumulator is a unary operator`);
      }
      const expression = compileExpression(operand, scope);
      return {
        create(memory) {
          const state = create(memory, scope);
          return { add: (document) => state.add(expression.evaluate(document)), result: () => state.result() };
        },
      };
    },
  };
}
