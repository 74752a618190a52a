/** `$let`: variables for one expression. They see what is outside, not each other. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { Cell } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression } from './types.ts';
import { checkVariableName } from './variable_name.ts';

interface Binding {
  readonly name: string;
  readonly cell: Cell;
  readonly value: Expression;
}

export const letOperator: ExpressionOperator = {
  name: '$let',
  compile(operand, scope) {
    if (operand.type !== BSON_TYPE.object) {
      throw new CommandError(16874, '$let only supports an object as its argument');
    }
    const { vars, body } = parts(operand);
    const bindings: Binding[] = [];
    const reader = new ElementReader(vars.bytes, vars.start);
    while (reader.next()) {
      const name = reader.name();
      checkVariableName(name);
      bindings.push({ name, cell: new Cell(), value: scope.compile(reader.value()) });
    }
    const inner = scope.with(bindings.map(({ name, cell }) => [name, cell.expression]));
    const result = inner.compile(body);
    return {
      constant: undefined,
      evaluate(root) {
        for (const { cell, value } of bindings) cell.value = value.evaluate(root);
        return result.evaluate(root);
      },
    };
  },
};

function parts(operand: RawValue): { vars: RawValue; body: RawValue } {
  let vars: RawValue | undefined;
  let body: RawValue | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'vars') vars = reader.value();
    else if (key === 'in') body = reader.value();
    else throw new CommandError(16875, `Unrecognized parameter to $let: ${key}`);
  }
  if (vars === undefined) throw new CommandError(16876, "Missing 'vars' parameter to $let");
  if (body === undefined) throw new CommandError(16877, "Missing 'in' parameter to $let");
  if (vars.type !== BSON_TYPE.object) {
    throw new CommandError(10065, `invalid parameter: expected an object (vars)`);
  }
  return { vars, body };
}
