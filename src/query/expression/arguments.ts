/** How operators take their operands: so many in a row, or by name. And computing once what never changes. */
import { CommandError, ConstantError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_NULL, type RawValue } from '../../bson/value.ts';
import { outerOf } from './outer_values.ts';
import type { ExpressionScope } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';
import { isNullish } from './build.ts';
import { remembered } from './work.ts';

const NO_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

const MISSING: Expression = { constant: undefined, isMissing: true, evaluate: () => undefined };

export function constantExpression(value: RawValue): Expression {
  return { constant: value, evaluate: () => value };
}

/** Whether the expression has the same value for every document. */
export function isFixed(part: Expression): boolean {
  return part.constant !== undefined || part.isMissing === true;
}

/**
 * Evaluated once and for all when none of its parts looks at the document; once for each document around when they look
 * only at its variables.
 */
export function folded(parts: readonly Expression[], evaluate: (root: Uint8Array) => Value): Expression {
  if (!parts.every(isFixed)) return outerOf(parts)?.add(parts, evaluate) ?? { constant: undefined, evaluate };
  const value = evaluatedOnce(evaluate);
  return value === undefined ? MISSING : constantExpression(value);
}

function evaluatedOnce(evaluate: (root: Uint8Array) => Value): Value {
  try {
    return evaluate(NO_DOCUMENT);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new ConstantError(error.code, error.message, error.details, { cause: error });
  }
}

/** The operands: the items of an array, or what is there as the only one. */
export function operandsOf(operand: RawValue): RawValue[] {
  if (operand.type !== BSON_TYPE.array) return [operand];
  const operands: RawValue[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) operands.push(reader.value());
  return operands;
}

export function exactOperands(name: string, operand: RawValue, count: number): RawValue[] {
  const operands = operandsOf(operand);
  if (operands.length === count) return operands;
  throw new CommandError(
    16020,
    `Expression ${name} takes exactly ${count} arguments. ${operands.length} were passed in.`,
  );
}

export function compileAll(operands: readonly RawValue[], scope: ExpressionScope): Expression[] {
  return operands.map((operand) => scope.compile(operand));
}

/** An operator with one operand. */
export function unaryOperator(
  name: `$${string}`,
  evaluate: (value: Value, scope: ExpressionScope) => Value,
): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const [only] = compileAll(exactOperands(name, operand, 1), scope);
      return folded(
        [only],
        remembered(scope.work, (root) => evaluate(only.evaluate(root), scope)),
      );
    },
  };
}

/** As {@link unaryOperator}; null, undefined and missing give null. */
export function nullableOperator(name: `$${string}`, evaluate: (value: RawValue) => Value): ExpressionOperator {
  return unaryOperator(name, (value) => (isNullish(value) ? RAW_NULL : evaluate(value)));
}

/** An operator with two operands. */
export function binaryOperator(
  name: `$${string}`,
  evaluate: (left: Value, right: Value, scope: ExpressionScope) => Value,
): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const [left, right] = compileAll(exactOperands(name, operand, 2), scope);
      return folded(
        [left, right],
        remembered(scope.work, (root) => evaluate(left.evaluate(root), right.evaluate(root), scope)),
      );
    },
  };
}

/** How many operands an operator takes. */
export interface OperandCount {
  readonly min: number;
  readonly max: number;
}

const ANY_NUMBER: OperandCount = { min: 0, max: Infinity };

/** An operator with several operands, all evaluated. A range of counts has error 28667, one count 16020. */
export function listOperator(
  name: `$${string}`,
  evaluate: (values: readonly Value[], scope: ExpressionScope) => Value,
  count: OperandCount = ANY_NUMBER,
): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const parts = compileAll(countedOperands(name, operand, count), scope);
      const all = (root: Uint8Array): Value[] => parts.map((part) => part.evaluate(root));
      return folded(
        parts,
        remembered(scope.work, (root) => evaluate(all(root), scope)),
      );
    },
  };
}

/** An operator with several operands that are evaluated one after the other, as far as it asks for them. */
export function lazyOperator(
  name: `$${string}`,
  evaluate: (parts: readonly Expression[], root: Uint8Array, scope: ExpressionScope) => Value,
  count: OperandCount = ANY_NUMBER,
): ExpressionOperator {
  return {
    name,
    compile(operand, scope) {
      const parts = compileAll(countedOperands(name, operand, count), scope);
      return folded(
        parts,
        remembered(scope.work, (root) => evaluate(parts, root, scope)),
      );
    },
  };
}

/** The operands, as many as may be. */
export function countedOperands(name: string, operand: RawValue, { min, max }: OperandCount): RawValue[] {
  if (min === max) return exactOperands(name, operand, min);
  const operands = operandsOf(operand);
  if (operands.length >= min && operands.length <= max) return operands;
  throw new CommandError(
    28667,
    `Expression ${name} takes at least ${min} arguments, and at most ${max}, but ${operands.length} were passed in.`,
  );
}

/** The errors of an operator with named operands. */
export interface NamedErrors {
  readonly name: string;
  /** When the operand is no document, or holds a name that is not known. */
  readonly notObject: number;
  readonly unknown: number;
}

/** The named operands of an operator, as they were given. */
export function namedOperands(
  operand: RawValue,
  errors: NamedErrors,
  known: readonly string[],
): ReadonlyMap<string, RawValue> {
  const { name } = errors;
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(errors.notObject, `${name} only supports an object as its argument`);
  }
  const operands = new Map<string, RawValue>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (!known.includes(key)) throw new CommandError(errors.unknown, `Unrecognized argument to ${name}: ${key}`);
    operands.set(key, reader.value());
  }
  return operands;
}

/** A named operand that must be there. */
export function requiredOperand(
  operands: ReadonlyMap<string, RawValue>,
  key: string,
  code: number,
  name: string,
): RawValue {
  const found = operands.get(key);
  if (found === undefined) throw new CommandError(code, `Missing '${key}' parameter to ${name}`);
  return found;
}

/** A named operand that may be left out; then it counts as fixed, and nothing is evaluated. */
export function optionalExpression(operand: RawValue | undefined, scope: ExpressionScope): Expression | undefined {
  return operand === undefined ? undefined : scope.compile(operand);
}
