/** `$cond $ifNull $switch`: only the branch that is taken is evaluated. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { compileAll, exactOperands, folded, lazyOperator } from './arguments.ts';
import { isTrue } from './boolean.ts';
import { isNullish } from './build.ts';
import type { ExpressionScope } from './scope.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression } from './types.ts';

export const condOperator: ExpressionOperator = {
  name: '$cond',
  compile(operand, scope) {
    const parts = compileAll(condOperands(operand), scope);
    const [condition, then, otherwise] = parts;
    return folded(parts, (root) => (isTrue(condition.evaluate(root)) ? then : otherwise).evaluate(root));
  },
};

const COND_OPERANDS = ['if', 'then', 'else'];
const COND_MISSING_CODES = [17080, 17081, 17082];

/** In the order condition, then, else. */
function condOperands(operand: RawValue): readonly RawValue[] {
  if (operand.type !== BSON_TYPE.object) return exactOperands('$cond', operand, 3);
  const first = new ElementReader(operand.bytes, operand.start);
  if (first.next() && first.name().startsWith('$')) return exactOperands('$cond', operand, 3);
  const found: (RawValue | undefined)[] = [undefined, undefined, undefined];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const index = COND_OPERANDS.indexOf(reader.name());
    if (index < 0) throw new CommandError(17083, `Unrecognized parameter to $cond: ${reader.name()}`);
    found[index] = reader.value();
  }
  return found.map((part, i) => {
    if (part !== undefined) return part;
    throw new CommandError(COND_MISSING_CODES[i], `Missing '${COND_OPERANDS[i]}' parameter to $cond`);
  });
}

const ifNullList = lazyOperator('$ifNull', (parts, root) => {
  for (const part of parts.slice(0, -1)) {
    const value = part.evaluate(root);
    if (!isNullish(value)) return value;
  }
  return parts.at(-1)?.evaluate(root);
});

export const ifNullOperator: ExpressionOperator = {
  name: '$ifNull',
  compile(operand, scope) {
    const count = operand.type === BSON_TYPE.array ? operandCount(operand) : 1;
    if (count < 2) throw new CommandError(1257300, `$ifNull needs at least two arguments, had: ${count}`);
    return ifNullList.compile(operand, scope);
  },
};

function operandCount(array: RawValue): number {
  const reader = new ElementReader(array.bytes, array.start);
  let count = 0;
  while (reader.next()) count++;
  return count;
}

interface Branch {
  readonly condition: Expression;
  readonly result: Expression;
}

/** Not computed while compiling, even when nothing looks at the document. */
export const switchOperator: ExpressionOperator = {
  name: '$switch',
  compile(operand, scope) {
    if (operand.type !== BSON_TYPE.object) {
      const found = typeAlias(operand.type);
      throw new CommandError(40060, `$switch requires an object as an argument, found: ${found}`);
    }
    let branches: readonly Branch[] = [];
    let otherwise: Expression | undefined;
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) {
      const name = reader.name();
      if (name === 'branches') branches = compileBranches(reader.value(), scope);
      else if (name === 'default') otherwise = scope.compile(reader.value());
      else throw new CommandError(40067, `$switch found an unknown argument: ${name}`);
    }
    if (branches.length === 0) throw new CommandError(40068, '$switch requires at least one branch.');
    return { constant: undefined, evaluate: (root) => chosen(branches, otherwise, root).evaluate(root) };
  },
};

function chosen(branches: readonly Branch[], otherwise: Expression | undefined, root: Uint8Array): Expression {
  for (const { condition, result } of branches) if (isTrue(condition.evaluate(root))) return result;
  if (otherwise !== undefined) return otherwise;
  throw new CommandError(40066, '$switch could not find a matching branch for an input, and no default was specified.');
}

function compileBranches(operand: RawValue, scope: ExpressionScope): Branch[] {
  if (operand.type !== BSON_TYPE.array) {
    const found = typeAlias(operand.type);
    throw new CommandError(40061, `$switch expected an array for 'branches', found: ${found}`);
  }
  const branches: Branch[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) branches.push(compileBranch(reader.value(), scope));
  return branches;
}

function compileBranch(operand: RawValue, scope: ExpressionScope): Branch {
  if (operand.type !== BSON_TYPE.object) {
    const found = typeAlias(operand.type);
    throw new CommandError(40062, `$switch expected each branch to be an object, found: ${found}`);
  }
  let condition: Expression | undefined;
  let result: Expression | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const name = reader.name();
    if (name === 'case') condition = scope.compile(reader.value());
    else if (name === 'then') result = scope.compile(reader.value());
    else throw new CommandError(40063, `$switch found an unknown argument to a branch: ${name}`);
  }
  if (condition === undefined) throw new CommandError(40064, "$switch requires each branch have a 'case' expression");
  if (result === undefined) throw new CommandError(40065, "$switch requires each branch have a 'then' expression.");
  return { condition, result };
}
