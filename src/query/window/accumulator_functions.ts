/** The accumulators of `$group` over windows. */
import { MemoryShare } from '../pipeline/memory_budget.ts';
import type { Accumulator, AccumulatorKind } from '../accumulator/accumulator.ts';
import { WHOLE_PARTITION, windowOf } from './bounds.ts';
import type { WindowFunctionKind } from './window_function.ts';

/**
 * A window that keeps its beginning is accumulated on from document to document; any other is accumulated anew for each.
 */
export function accumulatorFunction(kind: AccumulatorKind): WindowFunctionKind {
  return {
    name: kind.name,
    compile(operand, context) {
      const compiled = kind.compile(operand, context.scope);
      const window = context.window() ?? WHOLE_PARTITION;
      return {
        open(partition, memory) {
          const range = windowOf(window, partition);
          const share = new MemoryShare(memory);
          let accumulator: Accumulator | undefined;
          let start = 0;
          let end = 0;
          return (index) => {
            const { from, to } = range(index);
            if (accumulator === undefined || from !== start || to < end) {
              share.release();
              accumulator = compiled.create(share, undefined);
              start = from;
              end = from;
            }
            for (; end < to; end++) accumulator.add(partition.document(end));
            return accumulator.result();
          };
        },
      };
    },
  };
}
