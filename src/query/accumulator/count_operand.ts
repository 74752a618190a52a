/** The operands of accumulators that take several by name, and their `n`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { integerOf, isWholeNumber, type RawValue } from '../../bson/value.ts';
import { describeValue } from '../describe.ts';
import { compileExpression, type Expression, type ExpressionScope } from '../expression.ts';

const NO_FIELDS: Uint8Array = Uint8Array.of(5, 0, 0, 0, 0);

export interface OperandErrors {
  readonly notObject: number;
  readonly unknown: number;
}

/** The operands by name. Throws CommandError for what is no document or has other names. */
export function operandsByName(
  accumulator: string,
  operand: RawValue,
  names: readonly string[],
  errors: OperandErrors,
): ReadonlyMap<string, RawValue> {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(
      errors.notObject,
      `specification must be an object; found ${accumulator}: ${describeValue(operand)}`,
    );
  }
  const found = new Map<string, RawValue>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (!names.includes(name)) throw new CommandError(errors.unknown, `Unknown argument to ${accumulator}: '${name}'`);
    found.set(name, reader.value());
  }
  return found;
}

export function requiredOperand(operands: ReadonlyMap<string, RawValue>, name: string, code: number): RawValue {
  const found = operands.get(name);
  if (found === undefined) throw new CommandError(code, `Missing value for '${name}'`);
  return found;
}

/** How many values an accumulator keeps: an expression that sees the fields of the group's `_id`, and nothing else. */
export class CountOperand {
  readonly #expression: Expression;

  constructor(operand: RawValue, scope: ExpressionScope) {
    this.#expression = compileExpression(operand, scope);
    if (this.#expression.constant !== undefined) countOf(this.#expression.constant);
  }

  get isConstant(): boolean {
    return this.#expression.constant !== undefined;
  }

  /** `id`: the group's, undefined outside of groups. */
  of(id: RawValue | undefined): number {
    if (this.#expression.constant !== undefined) return countOf(this.#expression.constant);
    const root = id?.type === BSON_TYPE.object ? id.bytes.subarray(id.start, id.end) : NO_FIELDS;
    return countOf(this.#expression.evaluate(root));
  }
}

function countOf(value: RawValue | undefined): number {
  if (value === undefined || !isNumericType(value.type)) {
    throw new CommandError(5787902, `Value for 'n' must be of integral type, but found ${shown(value)}`);
  }
  if (!isWholeNumber(value)) {
    throw new CommandError(5787903, `Value for 'n' must be of integral type, but found ${shown(value)}`);
  }
  const count = Number(integerOf(value));
  if (count <= 0) throw new CommandError(5787908, `'n' must be greater than 0, found ${shown(value)}`);
  return count;
}

function shown(value: RawValue | undefined): string {
  return value === undefined ? 'MISSING' : describeValue(value);
}
