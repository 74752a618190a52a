/** The variables that `let` binds for a pipeline inside a stage: set anew for each document outside. */
import { CommandError, inContext } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { copyValue, type RawValue } from '../../bson/value.ts';
import { describeElement } from '../describe.ts';
import type { OuterValues } from '../expression/outer_values.ts';
import { checkVariableName } from '../expression/variable_name.ts';
import { Cell, compileExpression, type Expression, type ExpressionScope } from '../expression.ts';

interface Bound {
  readonly name: string;
  readonly expression: Expression;
  readonly cell: Cell;
}

export class LetVariables {
  readonly #bound: readonly Bound[];

  readonly #outer: OuterValues | undefined;

  /** The operands see `scope`. Undefined: no variables. `outer`: what is computed as soon as they have values. */
  constructor(stage: string, operand: RawValue | undefined, scope: ExpressionScope, outer?: OuterValues) {
    this.#outer = outer;
    const bound: Bound[] = [];
    if (operand !== undefined && operand.type !== BSON_TYPE.object) {
      const shown = describeElement('let', operand);
      throw new CommandError(
        'FailedToParse',
        `${stage} argument '${shown}' must be an object, is type ${typeAlias(operand.type)}`,
      );
    }
    const reader = operand === undefined ? new ElementReader() : new ElementReader(operand.bytes, operand.start);
    while (reader.next()) {
      const name = reader.name();
      checkVariableName(name);
      bound.push({ name, expression: compileExpression(reader.value(), scope), cell: new Cell(outer) });
    }
    this.#bound = bound;
  }

  /** What the pipeline inside sees. Variables that are the same for every document are constants there. */
  scopeIn(outer: ExpressionScope): ExpressionScope {
    return outer.with(
      this.#bound.map(({ name, expression, cell }) => [
        name,
        expression.constant === undefined ? cell.expression : expression,
      ]),
    );
  }

  /** To the values that `document` gives. */
  set(document: Uint8Array): void {
    for (const { expression, cell } of this.#bound) {
      const value = expression.evaluate(document);
      cell.value = value === undefined ? undefined : copyValue(value);
    }
    try {
      this.#outer?.compute();
    } catch (error) {
      throw inContext(error, 'Failed to optimize pipeline');
    }
  }
}
