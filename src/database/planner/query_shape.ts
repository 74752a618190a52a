/** The shape of a query: what is asked, without the values that are asked for. Plans are remembered by it. */
import type { Predicate } from '../../query/match/predicate.ts';
import type { SortField } from '../../query/sort.ts';

export function queryShapeOf(predicate: Predicate, sort: readonly SortField[] | undefined): string {
  const order = (sort ?? []).map(({ path, descending }) => `${descending ? '-' : '+'}${path}`);
  return `${shapeOf(predicate)}~${order.join(',')}`;
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
    default:
      return `${predicate.kind} ${predicate.path}`;
  }
}
