/** `$map $filter $reduce`: an expression for every item of an array. Not computed while compiling. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { isNumeric, maybeStringOf, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { int32Of } from '../number/whole.ts';
import { isTrue } from './boolean.ts';
import { isArray, isNullish, typeNameOf } from './build.ts';
import { ItemList } from './item_list.ts';
import { ItemWalk } from './item_walk.ts';
import { Cell, type ExpressionScope } from './scope.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';
import { checkValueDepth } from './value_limits.ts';
import { checkVariableName } from './variable_name.ts';
import { loopOf } from './work.ts';

/** An array that is being walked, and what is made of it. */
interface Mapping {
  readonly items: ItemWalk;
  readonly results: ItemList;
}

interface ArgumentCodes {
  readonly notObject: number;
  readonly unknown: number;
}

/** The named operands as they were given; every one of `known` or an error. */
function namedParts(
  name: string,
  operand: RawValue,
  known: readonly string[],
  codes: ArgumentCodes,
): ReadonlyMap<string, RawValue> {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(codes.notObject, `${name} only supports an object as its argument`);
  }
  const parts = new Map<string, RawValue>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (!known.includes(key)) throw new CommandError(codes.unknown, `Unrecognized parameter to ${name}: ${key}`);
    parts.set(key, reader.value());
  }
  return parts;
}

function required(parts: ReadonlyMap<string, RawValue>, key: string, code: number, name: string): RawValue {
  const part = parts.get(key);
  if (part === undefined) throw new CommandError(code, `Missing '${key}' parameter to ${name}`);
  return part;
}

/** The variable of `as`, `this` when there is none. */
function itemName(as: RawValue | undefined): string {
  if (as === undefined) return 'this';
  const name = maybeStringOf(as) ?? '';
  checkVariableName(name);
  return name;
}

export const mapOperator: ExpressionOperator = {
  name: '$map',
  compile(operand, scope) {
    const parts = namedParts('$map', operand, ['input', 'as', 'in'], { notObject: 16878, unknown: 16879 });
    const input = scope.compile(required(parts, 'input', 16880, '$map'));
    const item = new Cell();
    const inner = scope.with([[itemName(parts.get('as')), item.expression]]);
    const body = inner.compile(required(parts, 'in', 16882, '$map'));
    const evaluate = loopOf<Mapping>(scope.work, {
      start(root) {
        const array = input.evaluate(root);
        if (isNullish(array)) return RAW_NULL;
        if (!isArray(array)) throw new CommandError(16883, `input to $map must be an array not ${typeNameOf(array)}`);
        return { items: new ItemWalk(array), results: new ItemList('$map') };
      },
      step({ items, results }, root) {
        if (!items.hasItem()) return false;
        item.value = items.item;
        results.push(body.evaluate(root) ?? RAW_NULL);
        items.pass();
        return true;
      },
      end: ({ results }) => results.array(),
    });
    return { constant: undefined, evaluate };
  },
};

export const filterOperator: ExpressionOperator = {
  name: '$filter',
  compile(operand, scope) {
    const known = ['input', 'as', 'cond', 'limit'];
    const parts = namedParts('$filter', operand, known, { notObject: 28646, unknown: 28647 });
    const input = scope.compile(required(parts, 'input', 28648, '$filter'));
    const item = new Cell();
    const inner = scope.with([[itemName(parts.get('as')), item.expression]]);
    const condition = inner.compile(required(parts, 'cond', 28650, '$filter'));
    const limitPart = parts.get('limit');
    const limit = limitPart === undefined ? undefined : scope.compile(limitPart);
    const evaluate = loopOf<Filtering>(scope.work, {
      start(root) {
        const array = input.evaluate(root);
        if (isNullish(array)) return RAW_NULL;
        if (!isArray(array)) {
          throw new CommandError(28651, `input to $filter must be an array not ${typeNameOf(array)}`);
        }
        const count = limit === undefined ? Infinity : filterLimit(limit.evaluate(root));
        return { count, items: new ItemWalk(array), results: new ItemList('$filter') };
      },
      step({ items, results, count }, root) {
        if (results.length >= count || !items.hasItem()) return false;
        item.value = items.item;
        if (isTrue(condition.evaluate(root))) results.push(items.item);
        items.pass();
        return true;
      },
      end: ({ results }) => results.array(),
    });
    return { constant: undefined, evaluate };
  },
};

interface Filtering extends Mapping {
  /** Most items that are kept. */
  readonly count: number;
}

/** Null stands for no limit. */
function filterLimit(value: Value): number {
  if (isNullish(value)) return Infinity;
  const limit = isNumeric(value) ? int32Of(value) : undefined;
  if (limit === undefined) {
    throw new CommandError(
      327391,
      `$filter: limit must be represented as a 32-bit integral value: ${shownValue(value)}`,
    );
  }
  if (limit <= 0) throw new CommandError(327392, `$filter: limit must be greater than 0: ${limit}`);
  return limit;
}

/** Each item may put what there is into one more array: so often is looked how deep it has become. */
const DEPTH_CHECK_ITEMS = 64;

interface ReduceParts {
  readonly input: Expression;
  readonly initial: Expression;
  readonly body: Expression;
  readonly item: Cell;
  readonly result: Cell;
}

export const reduceOperator: ExpressionOperator = {
  name: '$reduce',
  compile(operand, scope) {
    const { input, initial, body, item, result } = reduceParts(operand, scope);
    const evaluate = loopOf<Reducing>(scope.work, {
      start(root) {
        const array = input.evaluate(root);
        if (isNullish(array)) return RAW_NULL;
        if (!isArray(array)) {
          throw new CommandError(40080, `$reduce requires that 'input' be an array, found: ${shownValue(array)}`);
        }
        return { items: new ItemWalk(array), value: initial.evaluate(root) };
      },
      step(state, root) {
        const { items } = state;
        if (!items.hasItem()) return false;
        item.value = items.item;
        result.value = state.value;
        const value = body.evaluate(root);
        items.pass();
        if (items.passed % DEPTH_CHECK_ITEMS === 0) checkValueDepth(value);
        state.value = value;
        return true;
      },
      end: ({ value }) => value,
    });
    return { constant: undefined, evaluate };
  },
};

interface Reducing {
  readonly items: ItemWalk;
  /** Reached so far. */
  value: Value;
}

function reduceParts(operand: RawValue, scope: ExpressionScope): ReduceParts {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(40075, `$reduce requires an object as an argument, found: ${typeAlias(operand.type)}`);
  }
  const item = new Cell();
  const result = new Cell();
  const inner = scope.with([
    ['this', item.expression],
    ['value', result.expression],
  ]);
  let input: Expression | undefined;
  let initial: Expression | undefined;
  let body: Expression | undefined;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'input') input = scope.compile(reader.value());
    else if (key === 'initialValue') initial = scope.compile(reader.value());
    else if (key === 'in') body = inner.compile(reader.value());
    else throw new CommandError(40076, `$reduce found an unknown argument: ${key}`);
  }
  if (input === undefined) throw new CommandError(40077, "$reduce requires 'input' to be specified");
  if (initial === undefined) throw new CommandError(40078, "$reduce requires 'initialValue' to be specified");
  if (body === undefined) throw new CommandError(40079, "$reduce requires 'in' to be specified");
  return { input, initial, body, item, result };
}
