/** What a query planner can use of a predicate tree. */
import { BSON_TYPE, isNumericType } from '../../bson/types.ts';
import { numberOf, type RawValue } from '../../bson/value.ts';
import type { Collation } from '../collation.ts';
import type { Predicate } from './predicate.ts';

/**
 * One condition that every matching document meets, in a form from which index bounds can be made. Conditions of one
 * path are not merged: on an array each may be met by another element.
 */
export type Conjunct =
  | { readonly kind: 'eq'; readonly path: string; readonly value: RawValue }
  | { readonly kind: 'in'; readonly path: string; readonly values: readonly RawValue[] }
  /** Only values of the bound's own type class are in range, whatever the missing side suggests. */
  | { readonly kind: 'lt' | 'lte' | 'gt' | 'gte'; readonly path: string; readonly value: RawValue };

/** Conditions that every match meets and that index bounds can express; strings under a collation are not among them. */
export function conjunctsOf(predicate: Predicate): Conjunct[] {
  if ('collation' in predicate) return [];
  switch (predicate.kind) {
    case 'and':
      return predicate.children.flatMap(conjunctsOf);
    case 'eq':
      return isBoundable(predicate.value) ? [{ kind: 'eq', path: predicate.path, value: predicate.value }] : [];
    case 'in':
      return predicate.values.every(isBoundable)
        ? [{ kind: 'in', path: predicate.path, values: predicate.values }]
        : [];
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return isRangeable(predicate.value)
        ? [{ kind: predicate.kind, path: predicate.path, value: predicate.value }]
        : [];
    default:
      return [];
  }
}

/** Index keys hold the elements of arrays, and a regex means more than itself. */
function isBoundable(value: RawValue): boolean {
  return value.type !== BSON_TYPE.array && value.type !== BSON_TYPE.regex;
}

/** Null, NaN, MinKey and MaxKey do not mean a range of their class. */
function isRangeable(value: RawValue): boolean {
  switch (value.type) {
    case BSON_TYPE.null:
    case BSON_TYPE.minKey:
    case BSON_TYPE.maxKey:
      return false;
    default:
      return isBoundable(value) && !(isNumericType(value.type) && Number.isNaN(numberOf(value)));
  }
}

/** The value that `_id` must equal, when it is one that identifies a document by itself. */
export function idEqualityOf(conjuncts: readonly Conjunct[]): RawValue | undefined {
  for (const conjunct of conjuncts) {
    if (conjunct.kind === 'eq' && conjunct.path === '_id' && conjunct.value.type !== BSON_TYPE.null)
      return conjunct.value;
  }
  return undefined;
}

/** The same under a collation, whose order the value is compared in. */
export function collatedIdOf(predicate: Predicate): { value: RawValue; collation: Collation } | undefined {
  if (predicate.kind === 'and') {
    for (const child of predicate.children) {
      const found = collatedIdOf(child);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (predicate.kind !== 'eq' || predicate.path !== '_id' || predicate.collation === undefined) return undefined;
  const { value, collation } = predicate;
  return value.type === BSON_TYPE.array ? undefined : { value, collation };
}
