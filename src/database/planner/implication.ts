/**
 * Whether a query's matches all match the filter of a partial index, so that the index lists every one of them. Says no
 * where it cannot tell.
 */
import { compareValues, equalValues } from '../../bson/compare.ts';
import { BSON_TYPE, canonicalType, isNumericType } from '../../bson/types.ts';
import { numberOf, type RawValue } from '../../bson/value.ts';
import type { LeafPredicate, Predicate } from '../../query/match/predicate.ts';
import { isLeaf } from './conditions.ts';

export function implies(query: Predicate, filter: Predicate): boolean {
  if (filter.kind === 'and') return filter.children.every((part) => implies(query, part));
  if (query.kind === 'or') return query.children.every((part) => implies(part, filter));
  if (query.kind === 'and' && query.children.some((part) => implies(part, filter))) return true;
  if (filter.kind === 'or') return filter.children.some((part) => implies(query, part));
  if (filter.kind === 'exists' && impliesExistence(query, filter.path)) return true;
  if ('collation' in query || 'collation' in filter) return false;
  return isLeaf(query) && isLeaf(filter) && query.path === filter.path && impliesLeaf(query, filter);
}

function impliesExistence(query: Predicate, path: string): boolean {
  if (query.kind === 'not') {
    const { child } = query;
    return child.kind === 'eq' && child.path === path && child.value.type === BSON_TYPE.null;
  }
  if (!isLeaf(query) || query.path !== path) return false;
  switch (query.kind) {
    case 'exists':
      return true;
    case 'in':
      return query.values.every((value) => value.type !== BSON_TYPE.null);
    case 'other':
      return (
        query.regex !== undefined || query.types !== undefined || query.item !== undefined || query.operator === '$mod'
      );
    default:
      return !REACHES_MISSING.has(query.value.type);
  }
}

const REACHES_MISSING: ReadonlySet<number> = new Set([BSON_TYPE.null, BSON_TYPE.minKey, BSON_TYPE.maxKey]);

function impliesLeaf(query: LeafPredicate, filter: LeafPredicate): boolean {
  if (query.kind === 'in') {
    return query.values.every((value) => value.type !== BSON_TYPE.regex && impliesLeaf(equality(query, value), filter));
  }
  switch (filter.kind) {
    case 'in':
      return query.kind === 'eq' && filter.values.some((value) => equalValues(value, query.value));
    case 'eq':
      return query.kind === 'eq' && equalValues(query.value, filter.value);
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return isComparison(query) && isWithin(query, filter);
    case 'other':
      return impliesOther(query, filter);
    default:
      return false;
  }
}

type Comparison = Extract<LeafPredicate, { kind: 'eq' | 'lt' | 'lte' | 'gt' | 'gte' }>;

function equality(leaf: LeafPredicate, value: RawValue): Comparison {
  return { kind: 'eq', path: leaf.path, value, test: leaf.test, expandArrays: leaf.expandArrays };
}

function isComparison(leaf: LeafPredicate): leaf is Comparison {
  return leaf.kind !== 'in' && leaf.kind !== 'exists' && leaf.kind !== 'other';
}

function isWithin(query: Comparison, filter: Comparison): boolean {
  const { type } = query.value;
  if (canonicalType(type) !== canonicalType(filter.value.type)) return false;
  // NaN is in no range, and arrays compare as a whole or by their elements.
  if (type === BSON_TYPE.array || (isNumericType(type) && Number.isNaN(numberOf(query.value)))) return false;
  const order = compareValues(query.value, filter.value);
  switch (filter.kind) {
    case 'lt':
      return isUpper(query) && (order < 0 || (order === 0 && query.kind === 'lt'));
    case 'lte':
      return isUpper(query) && order <= 0;
    case 'gt':
      return isLower(query) && (order > 0 || (order === 0 && query.kind === 'gt'));
    default:
      return isLower(query) && order >= 0;
  }
}

function isUpper({ kind }: Comparison): boolean {
  return kind === 'eq' || kind === 'lt' || kind === 'lte';
}

function isLower({ kind }: Comparison): boolean {
  return kind === 'eq' || kind === 'gt' || kind === 'gte';
}

function impliesOther(query: LeafPredicate, filter: Extract<LeafPredicate, { kind: 'other' }>): boolean {
  if (query.kind !== 'other' || query.operator !== filter.operator) return false;
  const { types } = filter;
  if (types !== undefined && query.types !== undefined)
    return query.types.every((flag, i) => flag === 0 || types[i] === 1);
  if (query.operand === undefined || filter.operand === undefined) return false;
  return equalValues(query.operand, filter.operand);
}
