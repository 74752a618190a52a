/** What runs over one document of each value of a field, where an index finds them. */
import { BsonWriter } from '../../bson/writer.ts';
import type { SortSpec } from '../../query/sort.ts';
import type { PlanRequest } from '../planner/plan.ts';
import type { Plan } from '../planner/access.ts';
import { distinctPlanOf } from '../planner/distinct_plan.ts';
import { ProjectionShape } from '../planner/projection_shape.ts';
import { openFind, openPlanned, type FindRequest, type RunningQuery } from './running_query.ts';

/** The documents with all values of a field, by an index that gives few more where there is one. `isSimple`: without collation. */
export function openDistinct(
  request: Pick<FindRequest, 'collection' | 'filter' | 'hint' | 'at' | 'turn'>,
  path: string,
  isSimple: boolean,
): RunningQuery {
  const find = { ...request, sort: undefined, projection: undefined, skip: 0, limit: Infinity };
  const plan = isSimple ? distinctPlanOf(find, { path, isStrict: false }) : undefined;
  return plan === undefined ? openFind(find) : openPlanned({ ...find, shape: distinctShape(path) }, plan);
}

/** What is looked at of documents. */
export function distinctShape(path: string): ProjectionShape | undefined {
  return ProjectionShape.of(new BsonWriter().startDocument().int32('_id', 0).int32(path, 1).endDocument().finish());
}

/** What a `$group` asks for: the first document of each value, or the last. */
interface GroupWish {
  readonly path: string;
  readonly isLast: boolean;
}

/** Undefined when no index serves. The last document in an order is the first in the opposite one. */
export function groupPlanOf(
  request: Omit<PlanRequest, 'sort'> & { readonly sort: SortSpec | undefined },
  { path, isLast }: GroupWish,
): Plan | undefined {
  const { sort } = request;
  // Only fields have an order in an index.
  if (sort !== undefined && sort.indexFields === undefined) return undefined;
  const fields = sort?.indexFields?.map((field) => (isLast ? { ...field, descending: !field.descending } : field));
  return distinctPlanOf({ ...request, sort: fields }, { path, isStrict: true });
}
