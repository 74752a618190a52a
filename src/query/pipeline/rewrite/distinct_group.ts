/** A `$group` that needs one document of each group, the first or the last, as an index may find it. */
import { BSON_TYPE } from '../../../bson/types.ts';
import { stringOf, type RawValue } from '../../../bson/value.ts';
import { fieldsIn, specOf } from './stage_spec.ts';

export interface DistinctGroup {
  /** The path by whose values documents are grouped. */
  readonly path: string;
  /** Whether the last document of each group is wanted, not the first. */
  readonly isLast: boolean;
  /** What becomes of it: `_id` and the fields, as expressions. */
  readonly fields: readonly (readonly [name: string, value: RawValue])[];
}

/** `stage`: the one that comes first behind a query without skip and limit. */
export function distinctGroupOf(stage: Uint8Array | undefined): DistinctGroup | undefined {
  if (stage === undefined) return undefined;
  const { name, operand } = specOf(stage);
  if (name !== '$group') return undefined;
  let path: string | undefined;
  const operators = new Set<string>();
  const fields: [string, RawValue][] = [];
  for (const [field, value] of fieldsIn(operand)) {
    if (field === '_id') {
      path = pathIn(value);
      fields.unshift(['_id', value]);
      continue;
    }
    const [[operator, argument]] = fieldsIn(value);
    operators.add(operator);
    fields.push([field, argument]);
  }
  const [operator = '$first'] = operators;
  const isOne = operators.size <= 1 && (operator === '$first' || operator === '$last');
  return path !== undefined && isOne ? { path, isLast: operator === '$last', fields } : undefined;
}

/** Of `'$a.b'`, and of a document with that alone in it. */
function pathIn(id: RawValue): string | undefined {
  if (id.type === BSON_TYPE.string) return /^\$([^$].*)$/.exec(stringOf(id))?.[1];
  if (id.type !== BSON_TYPE.object) return undefined;
  const [only, ...others] = fieldsIn(id);
  if (only === undefined || others.length > 0 || only[0].startsWith('$')) return undefined;
  return only[1].type === BSON_TYPE.string ? pathIn(only[1]) : undefined;
}
