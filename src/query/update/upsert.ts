/** What an upsert inserts: first the values that the filter pins, then what the update makes of them. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { compareValues } from '../../bson/compare.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Predicate } from '../match/predicate.ts';

/** Path and value of an equality. */
interface Equality {
  readonly path: string;
  readonly value: RawValue;
}

/** Every path that a conjunction pins to one value, `_id` first, then by name; nested paths as documents. */
export function upsertSeed(predicate: Predicate): Uint8Array {
  const root = new SeedNode();
  const equalities = equalitiesOf(predicate).toSorted((a, b) => (a.path < b.path ? -1 : 1));
  for (const equality of equalities) if (equality.path === '_id') root.add(['_id'], equality);
  for (const equality of equalities) if (equality.path !== '_id') root.add(equality.path.split('.'), equality);
  return root.document();
}

/** The `_id` alone, for replacements. */
export function upsertIdSeed(predicate: Predicate): Uint8Array {
  const root = new SeedNode();
  for (const equality of equalitiesOf(predicate)) {
    if (equality.path === '_id') root.add(['_id'], equality);
    else if (equality.path.startsWith('_id.')) {
      throw new CommandError(
        'NotExactValueField',
        `field at '_id' must be exactly specified, field at sub-path '${equality.path}' found`,
      );
    }
  }
  return root.document();
}

/** `$or` and `$in` of one member, however often repeated, pin a value too. */
function equalitiesOf(predicate: Predicate): Equality[] {
  switch (predicate.kind) {
    case 'and':
      return predicate.children.flatMap(equalitiesOf);
    case 'or': {
      const [first = [], ...others] = predicate.children.map(equalitiesOf);
      return others.every((other) => isSameEquality(first, other)) ? first : [];
    }
    case 'eq':
      return [{ path: predicate.path, value: predicate.value }];
    case 'in': {
      const [first, ...others] = predicate.values;
      const isOne = first !== undefined && others.every((other) => compareValues(first, other) === 0);
      return isOne ? [{ path: predicate.path, value: first }] : [];
    }
    default:
      return [];
  }
}

/** Whether both are one equality, of the same path with the same value. */
function isSameEquality(a: readonly Equality[], b: readonly Equality[]): boolean {
  const [first] = a;
  const [second] = b;
  if (a.length !== 1 || b.length !== 1) return false;
  return first.path === second.path && compareValues(first.value, second.value) === 0;
}

class SeedNode {
  readonly #children = new Map<string, SeedNode | RawValue>();

  add(components: readonly string[], equality: Equality): void {
    const [first = '', ...rest] = components;
    const existing = this.#children.get(first);
    if (rest.length === 0) {
      if (existing !== undefined) throw conflict(equality.path, equality.path);
      this.#children.set(first, equality.value);
      return;
    }
    if (existing !== undefined && !(existing instanceof SeedNode)) {
      throw conflict(equality.path, equality.path.slice(0, equality.path.length - rest.join('.').length - 1));
    }
    const node = existing ?? new SeedNode();
    this.#children.set(first, node);
    node.add(rest, equality);
  }

  document(): Uint8Array {
    const writer = new BsonWriter().startDocument();
    for (const [component, node] of this.#children) {
      writer.value(fieldName(component), node instanceof SeedNode ? rawObject(node.document()) : node);
    }
    return writer.endDocument().finish();
  }
}

function conflict(path: string, at: string): CommandError {
  return path === at
    ? new CommandError('NotSingleValueField', `cannot infer query fields to set, path '${path}' is matched twice`)
    : new CommandError(
        'NotSingleValueField',
        `cannot infer query fields to set, both paths '${path}' and '${at}' are matched`,
      );
}

const BAD_ID_TYPES: ReadonlyMap<number, string> = new Map([
  [BSON_TYPE.array, 'array'],
  [BSON_TYPE.regex, 'regex'],
  [BSON_TYPE.undefined, 'undefined'],
]);

/** Refuses an `_id` of a type that none may have. */
export function checkIdType(id: RawValue): void {
  const name = BAD_ID_TYPES.get(id.type);
  if (name !== undefined) throw new CommandError('InvalidIdField', `The '_id' value cannot be of type ${name}`);
}
