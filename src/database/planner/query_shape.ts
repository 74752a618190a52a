/** The shape of a query: what is asked, without the values that are asked for. Plans are remembered by it. */
import { describeDocument } from '../../query/describe.ts';
import type { Collated, Predicate } from '../../query/match/predicate.ts';
import type { SortField } from '../../query/sort.ts';
import type { Collection } from '../catalog/collection.ts';
import { implies } from './implication.ts';

export function queryShapeOf(predicate: Predicate, sort: readonly SortField[] | undefined): string {
  const order = (sort ?? []).map(({ path, descending }) => `${descending ? '-' : '+'}${path}`);
  return `${shapeOf(predicate)}~${order.join(',')}`;
}

/** What plans are remembered by: the shape, and which of the partial indexes list all that is asked for. */
export function planCacheKeyOf(
  { indexes }: Pick<Collection, 'indexes'>,
  predicate: Predicate,
  sort: readonly SortField[] | undefined,
): string {
  const partial = indexes.filter(({ spec }) => spec.partialFilter !== undefined);
  const bits = partial.map(({ spec }) => {
    return spec.partialFilter !== undefined && implies(predicate, spec.partialFilter.predicate) ? '1' : '0';
  });
  return `${queryShapeOf(predicate, sort)}|${bits.join('')}`;
}

function shapeOf(predicate: Predicate): string {
  switch (predicate.kind) {
    case 'and':
    case 'or':
    case 'nor':
      return `${predicate.kind}[${predicate.children.map(shapeOf).join(',')}]`;
    case 'not':
      return `not(${shapeOf(predicate.child)})`;
    case 'constant':
      return String(predicate.value);
    case 'document':
      return predicate.operator;
    case 'other':
      return `${predicate.operator} ${predicate.path}${predicate.item === undefined ? '' : `(${shapeOf(predicate.item.predicate)})`}`;
    case 'exists':
      return `exists ${predicate.path}`;
    default:
      return `${predicate.kind} ${predicate.path}${collationIn(predicate)}`;
  }
}

/** Strings that are compared in another order are asked for in another way. */
function collationIn({ collation }: Collated): string {
  return collation === undefined ? '' : `@${describeDocument(collation.document)}`;
}
