/**
 * The normal form of a filter, as explain shows it: lists in lists taken apart, single members standing for themselves,
 * members in a fixed order, values of `$in` sorted and once each.
 */
import { compareValues } from '../../bson/compare.ts';
import { membership } from './in_operator.ts';
import { comparisonLeaf } from './comparison_operators.ts';
import type { Predicate } from './predicate.ts';
import { BINARY_ORDER } from '../value_order.ts';

/** Means the same; made to be shown, not to be run. */
export function normalizePredicate(predicate: Predicate): Predicate {
  switch (predicate.kind) {
    case 'and':
    case 'or':
      return normalizeList(predicate.kind, predicate.children);
    case 'nor':
      return { kind: 'nor', children: sorted(predicate.children.map(normalizePredicate)) };
    case 'not':
      return { kind: 'not', child: normalizePredicate(predicate.child) };
    case 'in': {
      const values = predicate.values.toSorted(compareValues);
      const unique = values.filter((value, i) => i === 0 || compareValues(value, values[i - 1]) !== 0);
      const [only] = unique;
      if (unique.length === 1) return comparisonLeaf('eq', predicate.path, only, BINARY_ORDER);
      return membership(predicate.path, unique, BINARY_ORDER);
    }
    case 'other': {
      const { item } = predicate;
      if (item === undefined) return predicate;
      return { ...predicate, item: { ...item, predicate: normalizePredicate(item.predicate) } };
    }
    default:
      return predicate;
  }
}

function normalizeList(kind: 'and' | 'or', children: readonly Predicate[]): Predicate {
  const flat = children.map(normalizePredicate).flatMap((child) => (child.kind === kind ? child.children : [child]));
  const [only] = flat;
  if (flat.length === 1) return only;
  return { kind, children: sorted(flat) };
}

/** In the order in which MongoDB numbers its conditions. */
const ORDER: readonly string[] = [
  'and',
  'or',
  '$elemMatch',
  '$size',
  'eq',
  'lte',
  'lt',
  'gt',
  'gte',
  '$regex',
  '$mod',
  'exists',
  'in',
  '$bitsAllSet',
  '$bitsAllClear',
  '$bitsAnySet',
  '$bitsAnyClear',
  'not',
  'nor',
  '$type',
];

function sorted(children: readonly Predicate[]): readonly Predicate[] {
  return children.toSorted((a, b) => rankOf(a) - rankOf(b) || compareText(pathOf(a), pathOf(b)));
}

function rankOf(predicate: Predicate): number {
  const name = predicate.kind === 'other' || predicate.kind === 'document' ? predicate.operator : predicate.kind;
  const rank = ORDER.indexOf(name);
  return rank < 0 ? ORDER.length : rank;
}

function pathOf(predicate: Predicate): string {
  if (predicate.kind === 'not') return pathOf(predicate.child);
  return 'path' in predicate ? predicate.path : '';
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
