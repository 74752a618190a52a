/** `$a.b` and `$$variable.a.b`. On arrays a path yields the array of what its rest yields on the elements. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { constantExpression, isFixed } from './arguments.ts';
import { arrayOf } from './build.ts';
import { fieldPathComponents } from '../field_path.ts';
import type { ExpressionScope } from './scope.ts';
import { checkReadVariableName } from './variable_name.ts';
import type { Expression, Value } from './types.ts';

/** `text` begins with a dollar sign. */
export function fieldPathExpression(text: string, scope: ExpressionScope): Expression {
  if (text === '$') throw new CommandError(16872, "'$' by itself is not a valid FieldPath");
  if (text.startsWith('$$')) {
    checkReadVariableName(text.slice(2).replace(/\..*$/s, ''));
    const [variable = '', ...path] = fieldPathComponents(text.slice(2));
    if (variable === 'ROOT' || (variable === 'CURRENT' && scope.current === undefined)) {
      return path.length === 0 ? scope.variable('ROOT') : documentPath(path.map(fieldName));
    }
    return pathIn(scope.variable(variable), path.map(fieldName));
  }
  const names = fieldPathComponents(text.slice(1)).map(fieldName);
  return scope.current === undefined ? documentPath(names) : pathIn(scope.current, names);
}

function documentPath(names: readonly Uint8Array[]): Expression {
  const [first, ...rest] = names;
  if (rest.length === 0) return { constant: undefined, evaluate: (root) => findField(root, first) };
  return { constant: undefined, evaluate: (root) => valueAt(findField(root, first), rest, 0) };
}

function pathIn(start: Expression, names: readonly Uint8Array[]): Expression {
  if (names.length === 0 || start.isMissing === true) return start;
  if (isFixed(start) && start.constant !== undefined) {
    const value = valueAt(start.constant, names, 0);
    return value === undefined
      ? { constant: undefined, isMissing: true, evaluate: () => undefined }
      : constantExpression(value);
  }
  const evaluate = (root: Uint8Array): Value => valueAt(start.evaluate(root), names, 0);
  return start.outer?.add([start], evaluate) ?? { constant: undefined, evaluate };
}

/** What the path from `i` on leads to. */
export function valueAt(value: Value, names: readonly Uint8Array[], i: number): Value {
  const name = names[i];
  if (name === undefined || value === undefined) return value;
  if (value.type === BSON_TYPE.array) return valuesAt(value, names, i);
  const inner = value.type === BSON_TYPE.object ? findField(value.bytes, name, value.start) : undefined;
  return valueAt(inner, names, i + 1);
}

/** Elements without the rest of the path, and arrays inside the array, yield nothing. */
function valuesAt(array: RawValue, names: readonly Uint8Array[], i: number): RawValue {
  const values: RawValue[] = [];
  const reader = new ElementReader(array.bytes, array.start);
  while (reader.next()) {
    const value = reader.type === BSON_TYPE.object ? valueAt(reader.value(), names, i) : undefined;
    if (value !== undefined) values.push(value);
  }
  return arrayOf(values);
}
