/** The fields `{name: {$accumulator: operand}}` of `$group` and its kind. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import type { CompiledAccumulator } from '../accumulator/accumulator.ts';
import { ACCUMULATOR_BY_NAME, UNBUILT_ACCUMULATORS } from '../accumulator/accumulators.ts';
import type { ExpressionScope } from '../expression.ts';

export interface AccumulatedField {
  readonly name: string;
  readonly accumulator: CompiledAccumulator;
  /** Its name and operand, as given. */
  readonly operator: string;
  readonly operand: RawValue;
}

/** `reader` is at the field. */
export function parseAccumulatedField(reader: ElementReader, scope: ExpressionScope): AccumulatedField {
  const name = reader.name();
  if (name.includes('.')) throw new CommandError(40235, `The field name '${name}' cannot contain '.'`);
  if (name.startsWith('$')) throw new CommandError(40236, `The field name '${name}' cannot be an operator name`);
  if (reader.type !== BSON_TYPE.object) {
    throw new CommandError(40234, `The field '${name}' must be an accumulator object`);
  }
  const inner = new ElementReader(reader.bytes, reader.start);
  if (!inner.next()) throw new CommandError(40234, `The field '${name}' must be an accumulator object`);
  const operator = inner.name();
  const operand = inner.value();
  if (inner.next()) throw new CommandError(40238, `The field '${name}' must specify one accumulator`);
  const kind = ACCUMULATOR_BY_NAME.get(operator);
  if (kind === undefined) throw unknownAccumulator(operator);
  return { name, operator, operand, accumulator: kind.compile(operand, scope) };
}

function unknownAccumulator(name: string): CommandError {
  return UNBUILT_ACCUMULATORS.has(name)
    ? new CommandError('NotImplemented', `the accumulator ${name} is not implemented: there is no scripting`)
    : new CommandError(15952, `unknown group operator '${name}'`);
}
