/** Whether walking an index gives records in the order of a sort. */
import type { SortField } from '../../query/sort.ts';
import { isPoint, type Interval } from './interval.ts';
import type { CandidateField } from './candidate.ts';
import type { IndexBounds } from './index_bounds.ts';

export type Direction = 'forward' | 'reverse';

/** Undefined when it does not. Fields that hold one value may stand between those of the sort. */
export function orderOf(bounds: IndexBounds, sort: readonly SortField[]): Direction | undefined {
  if (bounds.candidate.isCollated) return undefined;
  const { fields } = bounds.candidate;
  const isConstant = bounds.fields.map((intervals) => intervals.length === 1 && isPoint(intervals[0]));
  let direction: Direction | undefined;
  let i = 0;
  for (const wanted of sort) {
    while (i < fields.length && fields[i].path !== wanted.path && isConstant[i]) i++;
    const field = fields[i];
    if (field === undefined || field.path !== wanted.path || !isOrdered(field)) return undefined;
    const step = field.descending === wanted.descending ? 'forward' : 'reverse';
    if (!isConstant[i]) {
      if (direction !== undefined && direction !== step) return undefined;
      direction = step;
    }
    i++;
  }
  return direction ?? 'forward';
}

/** An array is sorted by its least or its largest element, not by the one that was found. */
function isOrdered(field: CandidateField): boolean {
  return field.arrays === 0 && field.plugin === undefined && !field.isPath;
}

/** Source: internalQueryMaxScansToExplode. */
const SCANS_MAX = 200;

/** The bounds cut up so that each piece gives the order by itself; undefined when that does not help, or takes too many. */
export function explode(bounds: IndexBounds, sort: readonly SortField[]): readonly IndexBounds[] | undefined {
  let pieces: (readonly (readonly Interval[])[])[] = [[]];
  let isOpen = true;
  for (const intervals of bounds.fields) {
    isOpen &&= intervals.every(isPoint);
    const isCut = isOpen && intervals.length > 1;
    pieces = isCut
      ? pieces.flatMap((piece) => intervals.map((one) => [...piece, [one]]))
      : pieces.map((piece) => [...piece, intervals]);
    if (pieces.length > SCANS_MAX) return undefined;
  }
  if (pieces.length < 2) return undefined;
  const exploded = pieces.map((fields) => ({ ...bounds, fields }));
  return orderOf(exploded[0], sort) === undefined ? undefined : exploded;
}
