/**
 * What an expression can see besides the document: variables, and the order of values.
 *
 * Variables are resolved when an expression is compiled. Those of the command (`$$NOW`, `let`) are constants; those that
 * `$let`, `$map` and the like bind are cells: the operator that binds one sets it before it evaluates what is inside. An
 * expression never calls itself and evaluation never pauses, so one cell per place suffices, and nothing is passed along.
 */
import { CommandError } from '../../base/command_error.ts';
import type { Timestamp } from '../../base/optime.ts';
import type { UnixMs } from '../../base/units.ts';
import { compareValues } from '../../bson/compare.ts';
import { ElementReader } from '../../bson/elements.ts';
import { KeyWriter } from '../../bson/key.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { rawDate, rawObject, type RawValue } from '../../bson/value.ts';
import { rawTimestamp } from './build.ts';
import { keyText } from '../key_text.ts';
import { checkVariableName } from './variable_name.ts';
import type { Expression, Value } from './types.ts';

/** The order of values: MongoDB's, or that of a collation. */
export interface ValueOrder {
  compare(a: ValueSpan, b: ValueSpan): number;
  /** Equal for values that compare equal, and only for those. */
  keyOf(value: ValueSpan): string;
}

const KEYS = new KeyWriter();

export const BINARY_ORDER: ValueOrder = {
  compare: compareValues,
  keyOf: (value) => keyText(KEYS.reset().append(value).finish()),
};

/** What a command knows that its expressions may ask for. */
export interface CommandValues {
  /** One instant for the whole command. */
  readonly now?: UnixMs;
  /** Undefined where there is no cluster time. */
  readonly clusterTime?: Timestamp | undefined;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** The command's `let`: a document of expressions that do not look at documents. */
  readonly variables?: Uint8Array | undefined;
  readonly order?: ValueOrder;
}

/** A variable that an operator binds. */
export class Cell {
  value: Value = undefined;

  readonly expression: Expression = { constant: undefined, evaluate: () => this.value };
}

export type CompileExpression = (operand: RawValue, scope: ExpressionScope) => Expression;

const REMOVE: Expression = { constant: undefined, isMissing: true, evaluate: () => undefined };
const ROOT: Expression = { constant: undefined, evaluate: (root) => rawObject(root) };

/** Variables of MongoDB that only some stages give a value. */
const STAGE_VARIABLES = new Set(['DESCEND', 'PRUNE', 'KEEP', 'USER_ROLES', 'SEARCH_META']);

export class ExpressionScope {
  readonly order: ValueOrder;
  /** Undefined where chance is not to be had. */
  readonly random: (() => number) | undefined;
  readonly #compile: CompileExpression;
  readonly #variables: ReadonlyMap<string, Expression>;

  private constructor(
    compile: CompileExpression,
    variables: ReadonlyMap<string, Expression>,
    order: ValueOrder,
    random: (() => number) | undefined,
  ) {
    this.#compile = compile;
    this.#variables = variables;
    this.order = order;
    this.random = random;
  }

  /** The outermost scope of a command. */
  static of(compile: CompileExpression, values: CommandValues): ExpressionScope {
    const variables = new Map<string, Expression>([
      ['ROOT', ROOT],
      ['REMOVE', REMOVE],
    ]);
    if (values.now !== undefined) variables.set('NOW', constant(rawDate(values.now)));
    if (values.clusterTime !== undefined) variables.set('CLUSTER_TIME', constant(rawTimestamp(values.clusterTime)));
    const order = values.order ?? BINARY_ORDER;
    const scope = new ExpressionScope(compile, variables, order, values.random);
    return values.variables === undefined ? scope : scope.#withLet(values.variables);
  }

  compile(operand: RawValue): Expression {
    return this.#compile(operand, this);
  }

  /** This scope with more variables; a name that is taken is hidden. */
  with(variables: Iterable<readonly [name: string, value: Expression]>): ExpressionScope {
    return new ExpressionScope(this.#compile, new Map([...this.#variables, ...variables]), this.order, this.random);
  }

  /** What `$a` starts from; undefined when it is the document itself. */
  get current(): Expression | undefined {
    return this.#variables.get('CURRENT');
  }

  variable(name: string): Expression {
    const found = this.#variables.get(name);
    if (found !== undefined) return found;
    if (name === 'CURRENT') return ROOT;
    if (name === 'NOW' || STAGE_VARIABLES.has(name)) {
      throw new CommandError('NotImplemented', `the variable $$${name} is not available here`);
    }
    if (name === 'CLUSTER_TIME') throw new CommandError(51144, "Builtin variable '$$CLUSTER_TIME' is not available");
    throw new CommandError(17276, `Use of undefined variable: ${name}`);
  }

  #withLet(variables: Uint8Array): ExpressionScope {
    const bound: [string, Expression][] = [];
    const reader = new ElementReader(variables);
    while (reader.next()) {
      const name = reader.name();
      checkVariableName(name);
      const value = this.compile(reader.value());
      if (value.constant === undefined && value.isMissing === undefined) {
        throw new CommandError(4890500, `Command let Expression tried to access a field, but this is not allowed`);
      }
      bound.push([name, value]);
    }
    return this.with(bound);
  }
}

function constant(value: RawValue): Expression {
  return { constant: value, evaluate: () => value };
}
