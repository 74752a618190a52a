/**
 * Plans that read one entry of an index for each value of a field, as `distinct` and a `$group` that looks at one document of
 * each group need no more. MongoDB's name for them is DISTINCT_SCAN.
 */
import type { PlanRequest } from './plan.ts';
import { isPoint } from './interval.ts';
import type { IndexAccess, Plan } from './access.ts';
import { candidatesOf, type CandidateField } from './candidate.ts';
import { solutionsOf, usableIndexes, wholeIndexPlan } from './solutions.ts';

export interface DistinctWish {
  /** Whose values are wanted. */
  readonly path: string;
  /** The first document of each value counts, and so does where there is none: not just the values. */
  readonly isStrict: boolean;
}

/** Undefined when no index serves: then every document has to be looked at. */
export function distinctPlanOf(request: PlanRequest, wish: DistinctWish): Plan | undefined {
  const { collection, filter, hint, limits } = request;
  if (filter.isSpecial || limits !== undefined || collection.collation !== undefined) return undefined;
  if (hint !== undefined && hint.kind !== 'index') return undefined;
  if (/(^|\.)\d+(\.|$)/.test(wish.path)) return undefined;
  const plans = filter.matchesAll ? wholePlans(request, wish.path) : solutionsOf(settled(request));
  for (const plan of plans) {
    const access = accessFor(plan, wish);
    if (access !== undefined) return { ...plan, access };
  }
  return undefined;
}

function settled(request: PlanRequest): Parameters<typeof solutionsOf>[0] {
  const { hint } = request;
  return { ...request, only: hint?.kind === 'index' ? hint : undefined, allowed: undefined };
}

/** Walks of whole indexes that begin with the field, the shortest keys first. */
function wholePlans(request: PlanRequest, path: string): Plan[] {
  const indexes = usableIndexes(settled(request), () => false);
  const found = indexes.filter((index) => index !== undefined && index.spec.fields[0].path === path);
  const sorted = found.toSorted((a, b) => (a?.spec.fields.length ?? 0) - (b?.spec.fields.length ?? 0));
  return sorted.flatMap((index) => {
    if (index?.spec.kind.name !== 'btree' || index.spec.partialFilter !== undefined) return [];
    return [wholeIndexPlan(candidatesOf(index, [])[0], [], request.sort)];
  });
}

function accessFor({ access, isExact, isSorted }: Plan, { path, isStrict }: DistinctWish): IndexAccess | undefined {
  if (access.kind !== 'index' || access.index === undefined || !isExact || !isSorted) return undefined;
  const { candidate, fields: bounds, keyTests } = access.bounds;
  if (candidate.isCollated || candidate.isWildcard || keyTests.length > 0) return undefined;
  const at = candidate.fields.findIndex((field) => field.path === path);
  if (at < 0 || !isPlain(candidate.fields[at])) return undefined;
  // Bounds of later fields could rule out the first record of a value and not the next.
  if (isStrict && (candidate.isSparse || candidate.isMultikey)) return undefined;
  const isAlone = bounds.slice(0, at).every((intervals) => intervals.length === 1 && isPoint(intervals[0]));
  if (isStrict && !isAlone) return undefined;
  return { ...access, distinct: { fields: at + 1, keepsMissing: !isStrict } };
}

function isPlain({ arrays, plugin }: CandidateField): boolean {
  return arrays === 0 && plugin === undefined;
}
