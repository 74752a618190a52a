/** What one window function provides; the table is in window_functions.ts. */
import type { CommandError } from '../../base/command_error.ts';
import type { RawValue } from '../../bson/value.ts';
import type { ExpressionScope } from '../expression.ts';
import type { MemoryUser } from '../pipeline/memory_budget.ts';
import type { SortField } from '../sort.ts';
import type { WindowSpec } from './bounds.ts';
import type { Partition, WindowValues } from './partition.ts';

export interface WindowContext {
  readonly scope: ExpressionScope;
  readonly sortFields: readonly SortField[];
  /** Whether a `window` was given. */
  readonly hasWindow: boolean;
  /** It, parsed; undefined when none was given. Throws CommandError for a bad one, or one that needs another sort. */
  window(): WindowSpec | undefined;
}

export interface CompiledWindowFunction {
  open(partition: Partition, memory: MemoryUser): WindowValues;
}

export interface WindowFunctionKind {
  readonly name: `$${string}`;
  /** The error when anything stands beside the function, a `window` as well; absent: a window may. */
  readonly standsAlone?: CommandError;
  /** Throws CommandError for a bad operand, or a window or sort that the function cannot do with. */
  compile(operand: RawValue, context: WindowContext): CompiledWindowFunction;
}
