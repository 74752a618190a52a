/** What planners of conditions for one kind of index ask about indexes. */
import { TIMESTAMP_NULL } from '../../base/optime.ts';
import { KeyWriter } from '../../bson/key.ts';
import { isCollatable } from '../../query/value_order.ts';
import type { Index } from '../index/index.ts';
import type { IndexField } from '../index/index_key.ts';
import { conditionsOf, conjunctsOf } from './conditions.ts';
import { implies } from './implication.ts';
import type { SpecialRequest } from './special_plan.ts';

/** The indexes that queries may use at the time of the request. */
export function visibleIndexes({ at, collection }: SpecialRequest): Index[] {
  return collection.indexes.filter(
    ({ readyAt, spec }) => !spec.isHidden && (readyAt === TIMESTAMP_NULL || readyAt <= at),
  );
}

/** Whether every document that matches is in the index. */
export function listsMatches({ spec }: Index, { filter }: SpecialRequest): boolean {
  return spec.partialFilter === undefined || implies(filter.predicate, spec.partialFilter.predicate);
}

/** How keys begin when the filter pins each of the fields to one value; undefined when it does not. */
export function pinnedPrefix(
  { spec }: Index,
  fields: readonly IndexField[],
  { filter }: SpecialRequest,
): Uint8Array | undefined {
  const conditions = conditionsOf(conjunctsOf(filter.predicate));
  const writer = new KeyWriter();
  for (const field of fields) {
    const pin = conditions.find(
      ({ group, isNegated, leaf, path }) =>
        path === field.path && !isNegated && group === undefined && leaf.kind === 'eq',
    );
    if (pin?.leaf.kind !== 'eq') return undefined;
    // Under a collation several keys may have values that are equal.
    const isCollated = spec.equality !== undefined || pin.leaf.collation !== undefined;
    if (isCollated && isCollatable(pin.leaf.value)) return undefined;
    writer.append(pin.leaf.value, field.descending);
  }
  return writer.finish();
}
