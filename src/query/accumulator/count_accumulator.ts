/** `$count: {}`. */
import { CommandError } from '../../base/command_error.ts';
import { isEmptyDocument } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawInt32, rawInt64 } from '../../bson/value.ts';
import type { AccumulatorKind } from './accumulator.ts';

export const countAccumulator: AccumulatorKind = {
  name: '$count',
  compile(operand) {
    if (operand.type !== BSON_TYPE.object || !isEmptyDocument(operand.bytes, operand.start)) {
      throw new CommandError('TypeMismatch', '$count takes no arguments, i.e. $count:{}');
    }
    return {
      create() {
        let count = 0;
        return {
          add: () => {
            count++;
          },
          result: () => (count === (count | 0) ? rawInt32(count) : rawInt64(BigInt(count))),
        };
      },
    };
  },
};
