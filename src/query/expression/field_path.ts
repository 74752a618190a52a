/** `$a.b` and `$$variable.a.b`. On arrays a path yields the array of what its rest yields on the elements. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import type { Expression } from './types.ts';
import { fieldPathComponents } from '../field_path.ts';
import { rawArrayOf } from '../update/array_value.ts';

const UNBUILT_VARIABLES = new Set([
  'NOW',
  'CLUSTER_TIME',
  'REMOVE',
  'DESCEND',
  'PRUNE',
  'KEEP',
  'USER_ROLES',
  'SEARCH_META',
]);

/** `text` begins with a dollar sign. */
export function fieldPathExpression(text: string): Expression {
  if (text === '$') throw new CommandError(16872, "'$' by itself is not a valid FieldPath");
  const names = (text.startsWith('$$') ? variablePath(text.slice(2)) : fieldPathComponents(text.slice(1))).map(
    fieldName,
  );
  return { constant: undefined, evaluate: (root) => valueAt(rawObject(root), names, 0) };
}

/** The path after the variable; only the document itself is a variable yet. */
function variablePath(text: string): string[] {
  const [variable = '', ...path] = fieldPathComponents(text);
  if (variable === 'ROOT' || variable === 'CURRENT') return path;
  if (UNBUILT_VARIABLES.has(variable)) {
    throw new CommandError('NotImplemented', `the variable $$${variable} is not implemented`);
  }
  throw new CommandError(17276, `Use of undefined variable: ${variable}`);
}

function valueAt(value: RawValue, names: readonly Uint8Array[], i: number): RawValue | undefined {
  const name = names[i];
  if (name === undefined) return value;
  if (value.type === BSON_TYPE.array) return valuesAt(value, names, i);
  const inner = value.type === BSON_TYPE.object ? findField(value.bytes, name, value.start) : undefined;
  return inner === undefined ? undefined : valueAt(inner, names, i + 1);
}

/** Elements without the rest of the path, and arrays inside the array, yield nothing. */
function valuesAt(array: RawValue, names: readonly Uint8Array[], i: number): RawValue {
  const values: RawValue[] = [];
  const reader = new ElementReader(array.bytes, array.start);
  while (reader.next()) {
    const value = reader.type === BSON_TYPE.object ? valueAt(reader.value(), names, i) : undefined;
    if (value !== undefined) values.push(value);
  }
  return rawArrayOf(values);
}
