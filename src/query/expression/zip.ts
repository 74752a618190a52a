/** `$zip`: the first items together, then the second ones, and so on. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import { RAW_NULL, type RawValue } from '../../bson/value.ts';
import { itemsOf } from '../update/array_value.ts';
import { compileAll, folded } from './arguments.ts';
import { arrayOf, isArray, isNullish } from './build.ts';
import { ItemList } from './item_list.ts';
import { loopOf } from './work.ts';
import type { ExpressionScope } from './scope.ts';
import { shownValue } from './text.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression } from './types.ts';

interface ZipParts {
  readonly inputs: readonly Expression[];
  readonly defaults: readonly Expression[];
  readonly isLongest: boolean;
}

export const zipOperator: ExpressionOperator = {
  name: '$zip',
  compile(operand, scope) {
    const parts = parse(operand, scope);
    const zip = loopOf<Zipping>(scope.work, {
      start(root) {
        const columns = columnsOf(parts, root);
        return columns === undefined ? RAW_NULL : { ...columns, rows: new ItemList('$zip') };
      },
      step: goOn,
      end: ({ rows }) => rows.array(),
    });
    return folded([...parts.inputs, ...parts.defaults], zip);
  },
};

interface Columns {
  readonly arrays: readonly (readonly RawValue[])[];
  readonly fill: readonly RawValue[];
  readonly length: number;
}

interface Zipping extends Columns {
  readonly rows: ItemList;
}

/** Undefined when one of them is null. */
function columnsOf({ inputs, defaults, isLongest }: ZipParts, root: Uint8Array): Columns | undefined {
  const arrays: RawValue[][] = [];
  for (const input of inputs) {
    const array = input.evaluate(root);
    if (isNullish(array)) return undefined;
    if (isArray(array)) arrays.push(itemsOf(array));
    else throw new CommandError(34468, `$zip found a non-array expression in input: ${shownValue(array)}`);
  }
  const fill = defaults.map((part) => part.evaluate(root) ?? RAW_NULL);
  const further = isLongest ? Math.max : Math.min;
  const length = arrays.reduce((soFar, items) => further(soFar, items.length), arrays[0].length);
  return { arrays, fill, length };
}

function goOn({ arrays, fill, length, rows }: Zipping): boolean {
  const i = rows.length;
  if (i >= length) return false;
  rows.push(arrayOf(arrays.map((items, column) => (i < items.length ? items[i] : (fill[column] ?? RAW_NULL)))));
  return true;
}

function parse(operand: RawValue, scope: ExpressionScope): ZipParts {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(34460, `$zip only supports an object as an argument, found ${typeAlias(operand.type)}`);
  }
  let inputs: Expression[] = [];
  let defaults: Expression[] = [];
  let isLongest = false;
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    const key = reader.name();
    if (key === 'inputs') {
      inputs = expressions(reader.value(), 34461, key, scope);
    } else if (key === 'defaults') {
      defaults = expressions(reader.value(), 34462, key, scope);
    } else if (key === 'useLongestLength') {
      if (reader.type !== BSON_TYPE.bool) {
        // MongoDB names the type of the whole operand.
        throw new CommandError(34463, 'useLongestLength must be a bool, found object');
      }
      isLongest = reader.bytes[reader.start] !== 0;
    } else {
      throw new CommandError(34464, `$zip found an unknown argument: ${key}`);
    }
  }
  if (inputs.length === 0) throw new CommandError(34465, '$zip requires at least one input array');
  if (!isLongest && defaults.length > 0) {
    throw new CommandError(34466, 'cannot specify defaults unless useLongestLength is true');
  }
  if (defaults.length > 0 && defaults.length !== inputs.length) {
    throw new CommandError(34467, 'defaults and inputs must have the same length');
  }
  return { inputs, defaults, isLongest };
}

function expressions(operand: RawValue, code: number, key: string, scope: ExpressionScope): Expression[] {
  if (operand.type === BSON_TYPE.array) return compileAll(itemsOf(operand), scope);
  throw new CommandError(code, `${key} must be an array of expressions, found ${typeAlias(operand.type)}`);
}
