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
import { ElementReader } from '../../bson/elements.ts';
import { rawDate, rawObject, type RawValue } from '../../bson/value.ts';
import { BINARY_ORDER, type ValueOrder } from '../value_order.ts';
import { arrayOf, rawTimestamp } from './build.ts';
import { DocumentMetadata } from '../metadata.ts';
import { ENDLESS_TURN, type TurnTime } from '../pace.ts';
import { checkVariableName } from './variable_name.ts';
import type { Expression, OuterScope, Value } from './types.ts';
import { Work } from './work.ts';

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
  /** The turns in which the command runs; absent: it is not interrupted. */
  readonly turn?: TurnTime | undefined;
}

interface ScopeValues extends CommandValues {
  readonly work: Work;
}

/** A variable that an operator binds. */
export class Cell {
  value: Value = undefined;

  readonly expression: Expression;

  /** `outer`: of a variable that a stage binds for a pipeline. */
  constructor(outer?: OuterScope) {
    const evaluate = (): Value => this.value;
    this.expression =
      outer === undefined ? { constant: undefined, evaluate } : { constant: undefined, outer, evaluate };
  }
}

export type CompileExpression = (operand: RawValue, scope: ExpressionScope) => Expression;

const REMOVE: Expression = { constant: undefined, isMissing: true, evaluate: () => undefined };
const ROOT: Expression = { constant: undefined, evaluate: (root) => rawObject(root) };

/** Nobody is logged in, as there are no users. */
const NO_ROLES = constant(arrayOf([]));

const NONE_BOUND: ReadonlyMap<string, Expression> = new Map();

export class ExpressionScope {
  readonly order: ValueOrder;
  /** Undefined where chance is not to be had. */
  readonly random: (() => number) | undefined;
  /** What conditions of the query know of documents. */
  readonly metadata: DocumentMetadata;
  readonly turn: TurnTime;
  /** Shared by all scopes of a command. */
  readonly work: Work;
  readonly #compile: CompileExpression;
  readonly #values: ScopeValues;
  /** What was bound here and around here. */
  readonly #bound: ReadonlyMap<string, Expression>;

  private constructor(
    compile: CompileExpression,
    values: ScopeValues,
    bound: ReadonlyMap<string, Expression>,
    metadata: DocumentMetadata,
  ) {
    this.order = values.order ?? BINARY_ORDER;
    this.random = values.random;
    this.metadata = metadata;
    this.turn = values.turn ?? ENDLESS_TURN;
    this.work = values.work;
    this.#compile = compile;
    this.#values = values;
    this.#bound = bound;
  }

  /** The outermost scope of a command. */
  static of(compile: CompileExpression, values: CommandValues): ExpressionScope {
    const work = new Work(values.turn ?? ENDLESS_TURN);
    const scope = new ExpressionScope(compile, { ...values, work }, NONE_BOUND, new DocumentMetadata());
    return values.variables === undefined ? scope : scope.#withLet(values.variables);
  }

  compile(operand: RawValue): Expression {
    return this.#compile(operand, this);
  }

  /** This scope with more variables; a name that is taken is hidden. */
  with(variables: Iterable<readonly [name: string, value: Expression]>): ExpressionScope {
    const bound = new Map([...this.#bound, ...variables]);
    return new ExpressionScope(this.#compile, this.#values, bound, this.metadata);
  }

  /** This scope for another query: its conditions know of its own documents only. */
  withOwnMetadata(): ExpressionScope {
    return new ExpressionScope(this.#compile, this.#values, this.#bound, new DocumentMetadata());
  }

  /** This scope with another order of values. */
  ordered(order: ValueOrder): ExpressionScope {
    if (order === this.order) return this;
    return new ExpressionScope(this.#compile, { ...this.#values, order }, this.#bound, this.metadata);
  }

  /** This scope with variables whose values are taken as they are, as the `c` of an update has them. */
  withConstants(constants: Uint8Array): ExpressionScope {
    const variables: [string, Expression][] = [];
    const reader = new ElementReader(constants);
    while (reader.next()) {
      checkVariableName(reader.name());
      variables.push([reader.name(), constant(reader.value())]);
    }
    return this.with(variables);
  }

  /** What `$a` starts from; undefined when it is the document itself. */
  get current(): Expression | undefined {
    return this.#bound.get('CURRENT');
  }

  variable(name: string): Expression {
    return this.#bound.get(name) ?? this.#ownVariable(name);
  }

  /** Those that MongoDB defines. */
  #ownVariable(name: string): Expression {
    const { now, clusterTime } = this.#values;
    switch (name) {
      case 'ROOT':
      case 'CURRENT':
        return ROOT;
      case 'REMOVE':
        return REMOVE;
      case 'NOW':
        if (now !== undefined) return constant(rawDate(now));
        throw notAvailable(name);
      case 'CLUSTER_TIME':
        if (clusterTime !== undefined) return constant(rawTimestamp(clusterTime));
        throw new CommandError(51144, "Builtin variable '$$CLUSTER_TIME' is not available");
      case 'USER_ROLES':
        return NO_ROLES;
      case 'SEARCH_META':
        throw notAvailable(name);
      default:
        throw new CommandError(17276, `Use of undefined variable: ${name}`);
    }
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

function notAvailable(name: string): CommandError {
  return new CommandError('NotImplemented', `the variable $$${name} is not available here`);
}

function constant(value: RawValue): Expression {
  return { constant: value, evaluate: () => value };
}
